"""FD-DINOv2 (Stein et al. 2023): the Fréchet distance on features that agree better with people than Inception's."""

from __future__ import annotations

from typing import ClassVar

from evalkit.judges.fidelity.networks.transformer import DinoV2, ModelRef
from evalkit.judges.fidelity.sets.frechet_metric import FrechetMetric, frechet_dimensions
from evalkit.judges.fidelity.sets.metric import SetSettings


class FdDinoV2(FrechetMetric):
    """Fréchet distance of DINOv2 class tokens."""

    class Settings(SetSettings):
        """`model`: folder or hub id of a DINOv2; published figures are of `facebook/dinov2-large`."""

        primary: ClassVar[str] = "model"

        model: ModelRef

    dimensions = frechet_dimensions("fd-dinov2", "DINOv2 class tokens")

    def __init__(self, settings: Settings) -> None:
        super().__init__("fd-dinov2", DinoV2(settings.model, settings.device), settings.reference)
