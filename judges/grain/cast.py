"""The ground in a wrong colour: how far it is from the declared one, or from the twin's (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalkit.api.records import RGB
from evalkit.judges.grain.cells import cell_side, sums, window_mean
from evalkit.judges.grain.colour import Lab, Plane, Planes, delta_e
from evalkit.judges.grain.locate import Area, areas
from evalkit.judges.grain.mask import OTHER_COLOUR, Regions, ground_colours, shrink
from evalkit.judges.grain.measure import window_cells

VISIBLE_CAST = 1.5
"""Colour difference that counts, CIEDE2000. One unit can just be seen side by side, as a patch of the ground is beside
the rest of it; from one picture to the next it takes more."""
EVEN = 0.65
"""Least ratio of the 20th to the 80th percentile of the distance in an area."""
WINDOW = 17
"""Side of the window that takes the grain off, px."""


class Cast(NamedTuple):
    """Distance from the right colour, per cell of `cell` px, CIEDE2000; NaN off the mask.

    `areas` are where it can be seen, their energy the distance; `reference` says whose colour is the right one.
    """

    distance: Plane
    areas: tuple[Area, ...]
    cell: int
    reference: str


def find_cast(picture: Planes, regions: Regions, colours: Sequence[RGB], twin: Planes | None) -> Cast | None:
    """The cast of the flat regions; `None` where neither colours nor a twin say what is right.

    The reference is the declared colour; but the twin's where that is itself another colour: then the declared one is
    only what a prompt's words are taken to mean.
    """
    half = cell_side(picture.shape)
    flat = (regions[::2, ::2] > 0).astype(np.float32)
    count = sums(flat, half)
    window = window_cells(WINDOW, shrink(picture.shape), 2 * half)
    own = _ground(picture, flat, count, half, window)
    declared = ground_colours(own, colours) if colours else None
    reference, right = "declared colour", declared
    if twin is not None:
        other = _ground(twin, flat, count, half, window)
        # elsewhere the twin drew something else
        if declared is None or _usual(delta_e(declared, other), count) > VISIBLE_CAST:
            reference, right = "twin", other
    if right is None:
        return None
    far = np.sqrt(sum((p - r) ** 2 for p, r in zip(own, right, strict=True))) > OTHER_COLOUR
    distance = np.where((count >= half * half / 2) & ~far, delta_e(right, own), np.float32(np.nan))
    held = count * np.isfinite(distance)
    found = areas(np.nan_to_num(distance) * held, held, distance, VISIBLE_CAST, 3)
    even = (area for area in found if area.energy >= VISIBLE_CAST and _is_even(distance, area))
    return Cast(distance.astype(np.float32), tuple(even), 2 * half, reference)


def _is_even(distance: Plane, area: Area) -> bool:
    """Whether an area is off by the same all over: a blotch is so in its middle only."""
    from scipy.ndimage import binary_erosion

    inner = binary_erosion(area.cells, border_value=1)
    values = distance[inner if inner.any() else area.cells]
    low, high = np.nanpercentile(values, (20, 80))
    return bool(low >= EVEN * high)


def _ground(picture: Planes, flat: Plane, count: Plane, half: int, window: int) -> Lab:
    """Mean colour of the flat pixels round each cell."""

    def mean(plane: Plane) -> Plane:
        lifted = (plane + np.float32(200)) * flat  # a window's mean is not negative
        return np.nan_to_num(window_mean(sums(lifted, half), count, window), nan=200.0) - np.float32(200)

    return Lab(*(mean(plane) for plane in picture.half))


def _usual(distance: Plane, count: Plane) -> float:
    values = distance[count > 0]
    return float(np.median(values)) if len(values) else 0.0
