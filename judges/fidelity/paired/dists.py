"""DISTS (Ding et al. 2020) from torchmetrics. That package has its learned weights, but not the VGG."""

from __future__ import annotations

from typing import Any, ClassVar

from evalkit.api.records import Dimension
from evalkit.judges.fidelity.paired.backbone import BackboneSettings
from evalkit.judges.fidelity.paired.deep import DeepJudge


class DistsJudge(DeepJudge):
    """DISTS against the twin (structure and texture); needs torchvision's VGG16 weights by path."""

    class Settings(BackboneSettings):
        """Nothing more."""

        primary: ClassVar[str] = "weights"

    name = "dists"
    dimensions = (Dimension("dists", "DISTS against the twin", higher_is_better=False),)

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("vgg", settings or self.Settings())

    def _build(self) -> Any:
        from torchmetrics.functional.image.dists import DISTSNetwork  # its public class loads the VGG at every call

        return DISTSNetwork()
