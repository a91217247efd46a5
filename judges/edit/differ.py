"""Finds where two pictures differ, and by how much. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box
from evalkit.judges.edit.declared import Mask
from evalkit.judges.grain.colour import to_lab

TOLERANCE = 6.0
"""ΔE*ab (CIE 1976) up to which a pixel counts as unchanged. Three code values up or down in each channel make at most
5.6 (worst of a grid of 1,000 colours and of the tiles' palette); the two nearest of its colours are 21 apart."""
EDGE = 1
"""How far an edge may be displaced, px: codecs soften edges, where their error is far larger than on flat areas (up to
70 code values for the codec of the mini models)."""
REACH = 0.01
"""Pixels no farther apart than this share of the shorter side belong to one change."""
LEAST_SIDE = 0.02
"""A change is reported if it has at least the area of a square of this side, a share of the shorter side (>= 5 px)."""

Plane = NDArray[np.float32]


class Change(NamedTuple):
    """One connected change: its box, the number of px that differ, and their mean difference (ΔE*ab)."""

    box: Box
    area: int
    delta: float


def difference(pixels: Pixels, source: Pixels, slack: int = 0) -> Plane:
    """(H, W) ΔE*ab (CIE 1976) of two pictures (H, W, 3) of one size.

    With `slack` it is the distance to the nearest colour between the least and the greatest L*, a* and b* that the
    source has within so many px. This changes nothing on flat areas, but lets edges soften or move between pixels.
    """
    squared = np.zeros(pixels.shape[:2], np.float32)
    for one, other in zip(to_lab(pixels), to_lab(source), strict=True):
        squared += (one - np.clip(one, *_range(other, slack))) ** 2
    result: Plane = np.sqrt(squared)
    return result


def _range(plane: Plane, slack: int) -> tuple[Plane, Plane]:
    """The least and the greatest value within `slack` px."""
    from scipy.ndimage import maximum_filter, minimum_filter

    if not slack:
        return plane, plane
    size = 2 * slack + 1
    return minimum_filter(plane, size), maximum_filter(plane, size)


def changes(delta: Plane, where: Mask) -> list[Change]:
    """Changes inside `where` of more than `TOLERANCE`, connected within `REACH`, the largest area first."""
    from scipy.ndimage import binary_dilation, find_objects, label

    differs = (delta > TOLERANCE) & where
    if not differs.any():
        return []
    side = min(delta.shape)
    steps = max(1, round(REACH * side / 2))
    numbers, _ = label(binary_dilation(differs, np.ones((3, 3)), iterations=steps), np.ones((3, 3)))
    least = max(5.0, LEAST_SIDE * side) ** 2
    found: list[Change] = []
    for number, part in enumerate(find_objects(numbers), start=1):
        own = differs[part] & (numbers[part] == number)
        area = int(own.sum())
        if area >= least:
            ys, xs = np.nonzero(own)
            y, x = part[0].start, part[1].start
            box = Box(float(x + xs.min()), float(y + ys.min()), float(x + xs.max() + 1), float(y + ys.max() + 1))
            found.append(Change(box, area, float(delta[part][own].mean())))
    return sorted(found, key=lambda change: -change.area)
