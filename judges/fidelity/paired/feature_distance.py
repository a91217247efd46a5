"""The distance of two pictures in EfficientNet-Lite0 features: like LPIPS, but not fitted to human judgements."""

from __future__ import annotations

from evalkit.api.pictures import Pixels
from evalkit.judges.fidelity.networks.efficientnet_lite0 import STRIDE, EfficientNetLite0

SMALLEST = STRIDE
"""Least side of a picture, px: below it the last stage has less than one position."""


def feature_distance(one: Pixels, other: Pixels, network: EfficientNetLite0) -> float:
    """1 - cosine of the two feature vectors at each position, averaged over positions and then over 5 stages; 0 to 2.

    LPIPS (Zhang et al. 2018) compares unit feature vectors in the same way, on other networks and with weights fitted
    to human judgements. This distance is not calibrated: it orders pictures, but has no just noticeable difference.

    Raises:
        ValueError: the shapes differ.
        UnavailableError: torch or the weights are not installed.
    """
    from torch.nn import functional as F

    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} can't be compared place by place")
    maps = network.stages(one, other)
    return float(sum(1 - F.cosine_similarity(m[0], m[1], dim=0).mean() for m in maps)) / len(maps)
