"""Finds banding: steps between plateaus on ground that should be smooth. Pure functions.

A smooth ramp in 8 bits has steps of one code value, which are unavoidable. Bands are larger steps, with level ground on
both sides, all in the direction of the ramp.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from evalkit.judges.grain.cells import bounds
from evalkit.judges.grain.colour import Plane, Planes, lab_of
from evalkit.judges.grain.locate import Area, merged
from evalkit.judges.grain.mask import Mask, Regions, shrink

LEAST_STEP = 1.5
"""Least step, in code values of R, G and B at once, that is more than rounding."""
VISIBLE_STEP = 0.019
"""Relative step of luminance that is just visible: the threshold of CAMBI (Netflix), from its documentation."""
LEVEL = 0.25
"""Largest slope beside a step, as a share of the step."""
COHERENT = 0.7
"""Least agreement in direction of the steps around a place: 1 if all go one way, near 0 in noise."""
WINDOW = 33
"""Side of the neighbourhood of a step, px."""
REACH = 56.0
"""Greatest distance that a band extends from its step, px."""
LEAST_LEVELS = 1.6
"""Least number of steps that the ground must span: a single step between two levels is an edge."""
STEPPED = 0.15
"""Least share of all changes of lightness in an area that are steps: .26 to .47 on banded scenes (at most half, because
a step between two elements counts once in two), below .07 on grain and blotches."""
LEAST_LENGTH = 48.0
"""Least total length of the steps, px."""


class Band(NamedTuple):
    """Banded ground: the usual step in L* and in just noticeable differences, and the number of steps.

    `area` is at half resolution.
    """

    area: Area
    step: float
    jnd: float
    levels: float


def find_bands(picture: Planes, regions: Regions) -> list[Band]:
    """Banded areas of the flat regions, the largest first."""
    from scipy.ndimage import label, maximum_filter, uniform_filter

    factor = shrink(picture.shape)
    lightness = picture.half.lightness
    inside = regions[::2, ::2] > 0
    code = _code_step(lightness)
    across, down = (_steps(lightness, inside, code, axis) for axis in (1, 0))
    strength = np.hypot(across, down)
    if np.count_nonzero(strength) < LEAST_LENGTH * factor:
        return []
    window = max(5, round(WINDOW / 2 * factor)) | 1
    size, along_x, along_y = (uniform_filter(plane, window, mode="constant") for plane in (strength, across, down))
    agreed = np.hypot(along_x, along_y) > COHERENT * np.maximum(size, 1e-9)
    # on average every row or column of the window is crossed once: single specks are not a contour
    dense = size > 0.5 * LEAST_STEP * code / window
    lines = (strength > 0) & agreed & dense
    near = maximum_filter(lines, size=2 * max(1, round(REACH / 2 * factor)) + 1) & inside
    numbers, many = label(near)
    change = _change(lightness, inside)
    areas = []
    for number in range(1, many + 1):
        cells = numbers == number
        drawn = lines & cells
        # at half resolution, and every contour two elements wide
        if drawn.sum() < LEAST_LENGTH * factor or strength[drawn].sum() / 2 < STEPPED * change[cells].sum():
            continue
        step = float(np.median(strength[drawn]))
        areas.append(Area(bounds(cells), step**2, float(cells.sum() / inside.sum()), cells))
    bands = (_band(lightness, area) for area in merged(areas, inside))
    return [band for band in bands if band.levels >= LEAST_LEVELS]


def _band(lightness: Plane, area: Area) -> Band:
    step = math.sqrt(area.energy)
    low, middle, high = (float(v) for v in np.percentile(lightness[area.cells], (2, 50, 98)))
    return Band(area, step, step / visible_step(middle), (high - low) / step)


def _change(lightness: Plane, inside: Mask) -> Plane:
    """Change of lightness from each element to the next ones, if these are flat ground too."""
    change = np.zeros_like(lightness)
    change[1:] += np.abs(np.diff(lightness, axis=0)) * (inside[1:] & inside[:-1])
    change[:, 1:] += np.abs(np.diff(lightness, axis=1)) * (inside[:, 1:] & inside[:, :-1])
    return change


def visible_step(lightness: float) -> float:
    """The step that is just visible at this lightness, L*."""
    return 116 / 3 * VISIBLE_STEP * max((lightness + 16) / 116, 0.1)


def _code_step(lightness: Plane) -> Plane:
    """The size of one code value in L*, by the lightness of the ground (as for grey)."""
    greys = np.array([lab_of((code, code, code))[0] for code in range(256)])
    step: Plane = np.interp(lightness, greys[:-1], np.diff(greys)).astype(np.float32)
    return step


def _steps(lightness: Plane, inside: Mask, code: Plane, axis: int) -> Plane:
    """Signed height of the steps along one axis; 0 where there is none. (H/2, W/2)."""
    if axis == 1:
        return _steps(lightness.T, inside.T, code.T, 0).T
    result = np.zeros_like(lightness)
    if len(lightness) < 5:
        return result
    change = lightness[1:] - lightness[:-1]
    jump = change[1:-2] + change[2:-1]  # from one element before to one after
    beside = np.maximum(np.abs(change[:-3]), np.abs(change[3:]))
    height = np.abs(jump)
    step = (height > LEAST_STEP * code[2:-2]) & (beside < LEVEL * height)
    step &= inside[2:-2] & inside[:-4] & inside[4:]
    result[2:-2] = np.where(step, jump, 0)
    return result
