"""Tells circles, squares and triangles apart by the part of its box that a filled shape covers. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evalkit.api.records import Box
from evalkit.judges.layout.ink import Mask

LEAST_SIDE = 8
"""Least side of a shape whose outline can be recognised, px."""
LEAST_LEAD = 0.04
"""Least difference in IoU between the best outline and the next."""


class Outline(NamedTuple):
    """The outline that fits best, and the IoU of each outline with the shape that was found."""

    name: str
    fits: dict[str, float]


def outline(mask: Mask, box: Box) -> Outline | None:
    """The outline of the ink in `box`: the box's ellipse, rectangle or triangle (either way up) with the largest IoU.

    `None` if the shape is too small or fits two outlines about equally well.
    """
    x0, y0, x1, y1 = (round(v) for v in (box.x0, box.y0, box.x1, box.y1))
    part = mask[max(y0, 0) : y1, max(x0, 0) : x1]
    height, width = part.shape
    if min(height, width) < LEAST_SIDE or not part.any():
        return None
    y, x = (np.ogrid[:height, :width][axis] + 0.5 for axis in (0, 1))
    u, v = 2 * x / width - 1, y / height
    ideals = {
        "circle": u**2 + (2 * v - 1) ** 2 <= 1,
        "square": np.broadcast_to(np.True_, part.shape),
        "triangle": np.abs(u) <= v,
    }
    fits = {word: _iou(part, ideal) for word, ideal in ideals.items()}
    fits["triangle"] = max(fits["triangle"], _iou(part, np.abs(u) <= 1 - v))
    best, second = sorted(fits, key=lambda word: -fits[word])[:2]
    fits = {word: round(fit, 3) for word, fit in fits.items()}
    return Outline(best, fits) if fits[best] >= fits[second] + LEAST_LEAD else None


def _iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
