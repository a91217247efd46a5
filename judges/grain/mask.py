"""Where the picture should be flat.

Grain destroys the flatness by which one would look for it: a mask taken from the picture itself loses the area with the
most grain. So the mask comes from what the case declares or from the teacher's twin, and only without either from
the picture. What is clearly drawn in the judged picture (an edge of 1 L*/px left after smoothing) is cut out of it in
every case; grain never reaches that.

Lengths are given for pictures whose shorter side is 512 px or more and shrink in proportion below (`shrink`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.pictures import Pixels
from evalkit.records import RGB, Box
from judges.grain.colour import Lab, Plane, to_lab

Mask = NDArray[np.bool_]
Regions = NDArray[np.int32]

SMOOTHING = 3.0
"""Sigma that takes the grain off before gradients are looked at, px."""
MARGIN = 7.0
"""Kept away from everything that is not flat, px: the reach of halos round glyphs."""
FLAT_GRADIENT = 0.144
"""Steepest ground, L*/px: 74 L* over 512 px."""
DRAWN_GRADIENT = 1.0
"""An edge somebody drew, L*/px after smoothing. White noise of 40 code values stays below .4."""
SAME_COLOUR = 6.0
"""Largest distance from a declared colour, CIELAB ΔE*ab after smoothing."""
LEAST_COVERAGE = 0.02
"""Share of the picture that must be flat."""
LEAST_SIDE = 64.0
"""Side of the square whose area a connected flat region must have to be measured, px."""


class FlatArea(NamedTuple):
    """Connected flat regions, numbered from 1 in `regions` (H, W); 0 is not flat, or too small to measure.

    `source` is what they were taken from: `declared regions`, `twin`, `declared colours` or `picture`.
    """

    regions: Regions
    source: str

    @property
    def mask(self) -> Mask:
        """(H, W): where the picture is flat."""
        return self.regions > 0

    @property
    def coverage(self) -> float:
        """Share of the picture."""
        return float(self.mask.mean())


def shrink(shape: Sequence[int]) -> float:
    """What all lengths are multiplied by in a picture of this shape: 1 from 512 px on, 0.25 at 128 px."""
    return min(1.0, min(shape[:2]) / 512)


def flat_area(
    lab: Lab, *, regions: Sequence[Box] = (), twin: Lab | None = None, colours: Sequence[RGB] = ()
) -> FlatArea:
    """The flat area of the picture `lab`.

    Args:
        lab: the judged picture.
        regions: boxes declared to hold nothing but ground, in its pixels.
        twin: the teacher's picture, of the same size.
        colours: declared colours of the ground.
    """
    drawn = _grown(_gradient(lab.lightness) > DRAWN_GRADIENT / shrink(lab.lightness.shape), lab.lightness.shape)
    if regions:
        flat, source = _inside(regions, lab.lightness.shape), "declared regions"
    elif twin is not None:
        flat, source = smooth_area(twin.lightness), "twin"
    elif colours:
        flat, source = _coloured(lab, colours), "declared colours"
    else:
        flat, source = smooth_area(lab.lightness), "picture"
    return FlatArea(connected(flat & ~drawn), source)


def connected(mask: Mask) -> Regions:
    """The connected regions of a mask that are as large as a square of `LEAST_SIDE`, numbered from 1.

    Connected at half resolution: regions one pixel apart count as one.
    """
    from scipy.ndimage import label

    half, count = label(mask[::2, ::2])
    large = np.bincount(half.ravel(), minlength=count + 1) * 4 >= (LEAST_SIDE * shrink(mask.shape)) ** 2
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    full = numbers[half].repeat(2, axis=0).repeat(2, axis=1)[: mask.shape[0], : mask.shape[1]]
    regions: Regions = np.where(mask, full, np.int32(0))
    return regions


def smooth_area(lightness: Plane) -> Mask:
    """Where the smoothed lightness changes by less than `FLAT_GRADIENT`, `MARGIN` away from where it changes more."""
    from scipy.ndimage import gaussian_filter

    gradient = _gradient(lightness)
    spread = np.sqrt(gaussian_filter(gradient**2, max(0.5, 2 * shrink(lightness.shape))))
    return ~_grown(spread > FLAT_GRADIENT / shrink(lightness.shape), lightness.shape)


def too_small(area: FlatArea) -> str:
    """Why nothing can be said of so small a flat area; empty where something can."""
    if not area.regions.any():
        side = LEAST_SIDE * shrink(area.regions.shape)
        return f"no flat region as large as {side:.0f}x{side:.0f} px"
    if area.coverage < LEAST_COVERAGE:
        return f"only {area.coverage:.1%} of the picture is flat (at least {LEAST_COVERAGE:.0%})"
    return ""


def _gradient(lightness: Plane) -> Plane:
    """Gradient of the smoothed lightness in L*/px, at half resolution (4 times faster, and it is smooth anyway)."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(_halved(lightness), max(0.5, SMOOTHING / 2 * shrink(lightness.shape)))
    dy, dx = np.gradient(smooth)
    result: Plane = np.hypot(dy, dx) / np.float32(2.0)
    return result


def _halved(plane: Plane) -> Plane:
    """Means of 2x2 px; an odd last row or column is repeated."""
    padded = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)), mode="edge")
    quarter: Plane = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / np.float32(4)
    return quarter


def _grown(half: Mask, shape: Sequence[int]) -> Mask:
    """A half-resolution mask with `MARGIN` added all round, at full resolution."""
    from scipy.ndimage import maximum_filter

    reach = max(1, round(MARGIN / 2 * shrink(shape)))
    grown = maximum_filter(half, size=2 * reach + 1)
    full: Mask = grown.repeat(2, axis=0).repeat(2, axis=1)[: shape[0], : shape[1]]
    return full


def _inside(regions: Sequence[Box], shape: Sequence[int]) -> Mask:
    mask = np.zeros(tuple(shape[:2]), dtype=np.bool_)
    for box in regions:
        x0, y0 = max(0, int(np.ceil(box.x0))), max(0, int(np.ceil(box.y0)))
        mask[y0 : max(0, int(box.y1)), x0 : max(0, int(box.x1))] = True
    return mask


def _coloured(lab: Lab, colours: Sequence[RGB]) -> Mask:
    from scipy.ndimage import gaussian_filter

    sigma = max(0.5, SMOOTHING / 2 * shrink(lab.lightness.shape))
    planes = [gaussian_filter(_halved(plane), sigma) for plane in lab]
    other = np.ones(planes[0].shape, dtype=np.bool_)
    for colour in colours:
        target = to_lab(_one_pixel(colour))
        distance = sum((plane - float(value[0, 0])) ** 2 for plane, value in zip(planes, target, strict=True))
        other &= np.asarray(distance) > SAME_COLOUR**2
    return ~_grown(other, lab.lightness.shape)


def _one_pixel(colour: RGB) -> Pixels:
    return np.array([[colour]], dtype=np.uint8)
