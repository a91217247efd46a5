"""LPIPS (Zhang et al. 2018) from torchmetrics. That package has its learned heads, but not the backbone."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from evalkit.api.records import Dimension
from evalkit.judges.fidelity.paired.backbone import BackboneSettings
from evalkit.judges.fidelity.paired.deep import DeepJudge

_WORST = 1.0
"""What a missing picture counts for: two pictures that have nothing in common are 0.6 to 0.9 apart. LPIPS is not
bounded."""


class LpipsJudge(DeepJudge):
    """LPIPS against the twin; needs torchvision's AlexNet, VGG or SqueezeNet weights by path."""

    class Settings(BackboneSettings):
        """`net`: `alex` is the authors' choice for scoring."""

        primary: ClassVar[str] = "weights"

        net: Literal["alex", "vgg", "squeeze"] = "alex"

    name = "lpips"
    dimensions = (Dimension("lpips", "LPIPS v0.1 against the twin", higher_is_better=False, high=None, worst=_WORST),)

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or self.Settings()
        super().__init__(settings.net, settings)

    def _build(self) -> Any:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        return LearnedPerceptualImagePatchSimilarity(net_type=self._net, normalize=True)
