"""A kernel distance that needs no download. It is neither KID nor on KID's scale."""

from __future__ import annotations

from evalkit.judges.fidelity.networks.efficientnet_lite0 import EfficientNetLite0
from evalkit.judges.fidelity.sets.kernel_metric import KernelFigures, KernelMetric
from evalkit.judges.fidelity.sets.metric import SetSettings
from evalkit.judges.fidelity.sets.mmd import polynomial

_NAMES = KernelFigures("kd-efficientnet-lite0", "kd-efficientnet-lite0-twins")


class KdEfficientNetLite0(KernelMetric):
    """Kernel distance of EfficientNet-Lite0 features, with KID's kernel (not KID); works offline."""

    Settings = SetSettings
    dimensions = _NAMES.dimensions("kernel distance of EfficientNet-Lite0 features (not KID)")

    def __init__(self, settings: SetSettings) -> None:
        super().__init__(_NAMES, EfficientNetLite0(settings.device), polynomial, settings.reference)
