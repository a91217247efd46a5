"""A Fréchet distance that needs no download. It is neither FID nor on FID's scale."""

from __future__ import annotations

from evalkit.judges.fidelity.networks.efficientnet_lite0 import EfficientNetLite0
from evalkit.judges.fidelity.sets.frechet_metric import FrechetMetric, frechet_dimensions
from evalkit.judges.fidelity.sets.metric import SetSettings


class FdEfficientNetLite0(FrechetMetric):
    """Fréchet distance of EfficientNet-Lite0 features (not FID); works offline."""

    Settings = SetSettings
    dimensions = frechet_dimensions("fd-efficientnet-lite0", "EfficientNet-Lite0 features (not FID)")

    def __init__(self, settings: SetSettings) -> None:
        super().__init__("fd-efficientnet-lite0", EfficientNetLite0(settings.device), settings.reference)
