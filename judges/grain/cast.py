"""Measures colour casts: the distance of the ground from the declared colour or from the twin's. Pure functions."""

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
"""Least colour difference that counts, CIEDE2000. One unit is just visible side by side, such as a patch beside the
rest of the ground; between two pictures it takes more."""
EVEN = 0.65
"""Least ratio of the 20th to the 80th percentile of the distance in an area."""
WINDOW = 17
"""Side of the window that smooths the grain away, px."""


class Cast(NamedTuple):
    """Distance from the right colour, per cell of `cell` px, CIEDE2000; NaN outside the mask.

    `areas` are the visible casts; their energy is the distance. `reference` says whose colour is the right one.
    """

    distance: Plane
    areas: tuple[Area, ...]
    cell: int
    reference: str


def find_cast(picture: Planes, regions: Regions, colours: Sequence[RGB], twin: Planes | None) -> Cast | None:
    """The cast of the flat regions; `None` if neither declared colours nor a twin give a reference.

    The reference is the declared colour. If the twin has another colour, it is the twin's: then the declared colour is
    only one interpretation of the words of the prompt.
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
        # outside of this the twin drew something else
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
    """Whether the distance is about the same in the whole area. In a blotch it is largest in the middle."""
    from scipy.ndimage import binary_erosion

    inner = binary_erosion(area.cells, border_value=1)
    values = distance[inner if inner.any() else area.cells]
    low, high = np.nanpercentile(values, (20, 80))
    return bool(low >= EVEN * high)


def _ground(picture: Planes, flat: Plane, count: Plane, half: int, window: int) -> Lab:
    """Mean colour of the flat pixels around each cell."""

    def mean(plane: Plane) -> Plane:
        lifted = (plane + np.float32(200)) * flat  # a window's mean is not negative
        return np.nan_to_num(window_mean(sums(lifted, half), count, window), nan=200.0) - np.float32(200)

    return Lab(*(mean(plane) for plane in picture.half))


def _usual(distance: Plane, count: Plane) -> float:
    values = distance[count > 0]
    return float(np.median(values)) if len(values) else 0.0
