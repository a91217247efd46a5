"""How different two pictures are to EfficientNet-Lite0: like LPIPS in form, but with no weights learned from people."""

from __future__ import annotations

from evalkit.api.pictures import Pixels
from evalkit.judges.fidelity.networks.efficientnet_lite0 import STRIDE, EfficientNetLite0

SMALLEST = STRIDE
"""Least side of a picture, px: below it the last stage has less than one place."""


def feature_distance(one: Pixels, other: Pixels, network: EfficientNetLite0) -> float:
    """1 - cosine of the two feature vectors at each place, averaged over the places, then over the 5 stages; 0 to 2.

    LPIPS (Zhang et al. 2018) compares unit feature vectors in the same way, on other networks and weighted to agree
    with people. This is not calibrated to anybody: it orders pictures, it has no just noticeable difference.

    Raises:
        ValueError: the shapes differ.
        UnavailableError: no torch, or no weights.
    """
    from torch.nn import functional as F

    if one.shape != other.shape:
        raise ValueError(f"pictures of {one.shape} and {other.shape} can't be compared place by place")
    maps = network.stages(one, other)
    return float(sum(1 - F.cosine_similarity(m[0], m[1], dim=0).mean() for m in maps)) / len(maps)
