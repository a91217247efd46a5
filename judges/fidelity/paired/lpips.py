"""LPIPS (Zhang et al. 2018) from torchmetrics. That package has its learned heads, but not the backbone."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from evalkit.api.records import Dimension
from evalkit.judges.fidelity.paired.backbone import BackboneSettings
from evalkit.judges.fidelity.paired.deep import DeepJudge


class LpipsJudge(DeepJudge):
    """LPIPS against the twin; needs torchvision's AlexNet, VGG or SqueezeNet weights by path."""

    class Settings(BackboneSettings):
        """`net`: `alex` is the authors' choice for scoring."""

        primary: ClassVar[str] = "weights"

        net: Literal["alex", "vgg", "squeeze"] = "alex"

    name = "lpips"
    dimensions = (Dimension("lpips", "LPIPS v0.1 against the twin", higher_is_better=False, high=None),)

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or self.Settings()
        super().__init__(settings.net, settings)

    def _build(self) -> Any:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        return LearnedPerceptualImagePatchSimilarity(net_type=self._net, normalize=True)
