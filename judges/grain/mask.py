"""Determines where the picture should be flat.

Grain destroys flatness, so a mask made from the picture itself would lose the area with the most grain. The mask
therefore comes from the declarations of the case or from the teacher's twin, never from the judged picture alone.
Anything clearly drawn in either picture (an edge of 1 L*/px after smoothing) is always cut out; grain never reaches
that.

Lengths are given for pictures whose shorter side is 512 px or more and shrink in proportion below (`shrink`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import RGB, Box
from evalkit.judges.grain.colour import Lab, Plane, Planes, lab_of

Mask = NDArray[np.bool_]
Regions = NDArray[np.int32]

SMOOTHING = 3.0
"""Sigma of the smoothing that removes the grain before gradients are computed, px."""
MARGIN = 7.0
"""Distance kept from everything that is not flat, px: the reach of halos around glyphs."""
FLAT_GRADIENT = 0.144
"""Steepest slope of flat ground, L*/px: 74 L* over 512 px."""
DRAWN_GRADIENT = 1.0
"""Slope of a drawn edge, L*/px after smoothing. White noise of 40 code values stays below .4."""
TWIN_GRADIENT = 0.5
"""The same in the twin. It may be lower: holes in the mask where the teacher has strong grain do little harm."""
SAME_COLOUR = 6.0
"""Largest distance from the ground's colour, CIELAB ΔE*ab after smoothing."""
OTHER_COLOUR = 30.0
"""Anything farther than this from every declared colour is not discoloured ground but something else, ΔE*ab."""
STOPS = 4
"""Intermediate points between two colours of a gradient that describe its path in CIELAB."""
LEAST_COVERAGE = 0.02
"""Least share of the picture that must be flat."""
LEAST_SIDE = 64.0
"""A connected flat region must have at least the area of a square of this side to be measured, px."""


class FlatArea(NamedTuple):
    """Connected flat regions, numbered from 1 in `regions` (H, W); 0 is not flat, or too small to measure.

    `source` says where they come from: `declared regions`, `twin` or `declared colours`.
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
    """Factor for all lengths in a picture of this shape: 1 from 512 px on, 0.25 at 128 px."""
    return min(1.0, min(shape[:2]) / 512)


def flat_area(
    picture: Planes,
    *,
    regions: Sequence[Box] = (),
    twin: Planes | None = None,
    colours: Sequence[RGB] = (),
    elements: Sequence[Box] = (),
) -> FlatArea:
    """The flat area of `picture`. At least one of the other arguments must be given.

    Args:
        picture: the judged picture.
        regions: boxes declared to hold nothing but ground, in its pixels.
        twin: the teacher's picture, of the same size.
        colours: declared colours of the ground; between two of them lies a gradient.
        elements: boxes declared to hold something else. They are ground only where `regions` says so.
    """
    shape = picture.shape
    factor = shrink(shape)
    lightness = _smoothed(picture.half.lightness, shape)
    drawn = _slope(lightness) > DRAWN_GRADIENT / factor
    if twin is not None:
        drawn |= _slope(_smoothed(twin.half.lightness, shape)) > TWIN_GRADIENT / factor
    distances = _distance(picture, lightness, colours) if colours else None
    if regions:
        flat, source = _inside(regions, shape), "declared regions"
        if distances is not None:  # the ground continues between the regions, around what is drawn
            flat |= _coloured(distances, shape) & ~_inside(elements, shape)
            drawn |= distances[0] > OTHER_COLOUR
    elif twin is not None:
        flat, source = smooth_area(twin), "twin"
    elif distances is not None:
        flat, source = _coloured(distances, shape) & ~_inside(elements, shape), "declared colours"
    else:
        raise ValueError("no declared ground and no twin: the picture alone doesn't say what should be flat")
    numbers = connected(flat & ~_grown(drawn, shape))
    if regions and distances is not None:
        numbers = _only(numbers, _inside(regions, shape))
    return FlatArea(numbers, source)


def connected(mask: Mask) -> Regions:
    """The connected regions of a mask that are at least as large as a square of `LEAST_SIDE`, numbered from 1.

    Connectedness is decided at half resolution: regions one pixel apart count as one.
    """
    from scipy.ndimage import label

    half, count = label(mask[::2, ::2])
    large = np.bincount(half.ravel(), minlength=count + 1) * 4 >= (LEAST_SIDE * shrink(mask.shape)) ** 2
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    full = numbers[half].repeat(2, axis=0).repeat(2, axis=1)[: mask.shape[0], : mask.shape[1]]
    regions: Regions = np.where(mask, full, np.int32(0))
    return regions


def smooth_area(picture: Planes) -> Mask:
    """Where the smoothed lightness changes by less than `FLAT_GRADIENT`, `MARGIN` away from where it changes more."""
    from scipy.ndimage import gaussian_filter

    factor = shrink(picture.shape)
    slope = _slope(_smoothed(picture.half.lightness, picture.shape))
    spread = np.sqrt(gaussian_filter(slope**2, max(0.5, 2 * factor)))
    return ~_grown(spread > FLAT_GRADIENT / factor, picture.shape)


def too_small(area: FlatArea) -> str:
    """The reason why a flat area is too small to be measured; empty if it is large enough."""
    if not area.regions.any():
        side = LEAST_SIDE * shrink(area.regions.shape)
        return f"no flat region as large as {side:.0f}x{side:.0f} px"
    if area.coverage < LEAST_COVERAGE:
        return f"only {area.coverage:.1%} of the picture is flat (at least {LEAST_COVERAGE:.0%})"
    return ""


def ground_colours(half: Lab, colours: Sequence[RGB]) -> Lab:
    """The declared ground colour of each pixel: the nearest point on the path from each colour to the next.

    With a single colour, it is that colour everywhere.
    """
    nearest: tuple[Plane, ...] = ()
    best: Plane | None = None
    ends = [lab_of(colour) for colour in _path(colours)]
    for start, end in zip(ends[:-1] or ends, ends[1:] or ends, strict=True):
        way = [e - s for s, e in zip(start, end, strict=True)]
        length = sum(w * w for w in way)
        along = sum((plane - s) * w for plane, s, w in zip(half, start, way, strict=True)) / (length or 1.0)
        share = np.clip(along, 0.0, 1.0)
        point = tuple((s + share * w).astype(np.float32) for s, w in zip(start, way, strict=True))
        distance = np.asarray(sum((plane - p) ** 2 for plane, p in zip(half, point, strict=True)), dtype=np.float32)
        if best is None:
            nearest, best = point, distance
        else:
            nearer = distance < best
            nearest = tuple(np.where(nearer, p, n) for p, n in zip(point, nearest, strict=True))
            best = np.minimum(best, distance)
    return Lab(*nearest)


def _path(colours: Sequence[RGB]) -> list[RGB]:
    """The colours with `STOPS` more between each two: a gradient that is linear in sRGB is a curve in CIELAB."""
    path = [colours[0]]
    for start, end in itertools.pairwise(colours):
        for stop in range(1, STOPS + 2):
            r, g, b = (round(s + (e - s) * stop / (STOPS + 1)) for s, e in zip(start, end, strict=True))
            path.append((r, g, b))
    return path


def _smoothed(plane: Plane, shape: Sequence[int]) -> Plane:
    """A plane at half resolution, smoothed so that the grain is gone."""
    from scipy.ndimage import gaussian_filter

    smooth: Plane = gaussian_filter(plane, max(0.5, SMOOTHING / 2 * shrink(shape)), truncate=3)
    return smooth


def _slope(smooth: Plane) -> Plane:
    """Slope of a half-resolution plane, in its unit per pixel of the full picture."""
    dy, dx = np.gradient(smooth)
    result: Plane = np.hypot(dy, dx) / np.float32(2.0)
    return result


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


def _only(numbers: Regions, mask: Mask) -> Regions:
    """The regions that reach into the mask, renumbered. Others may be parts of a photo in the ground's colour."""
    present = np.bincount(numbers[mask], minlength=int(numbers.max()) + 1) > 0
    present[0] = False
    kept: Regions = np.where(present, np.cumsum(present), 0).astype(np.int32)[numbers]
    return kept


def _distance(picture: Planes, lightness: Plane, colours: Sequence[RGB]) -> tuple[Plane, Plane]:
    """ΔE*ab from the declared ground at half resolution: of the smoothed and of the very smoothed colours."""
    from scipy.ndimage import gaussian_filter

    smooth = Lab(lightness, *(_smoothed(plane, picture.shape) for plane in picture.half[1:]))
    target = ground_colours(smooth, colours)
    rest = [plane - wanted for plane, wanted in zip(smooth, target, strict=True)]
    sigma = max(0.5, SMOOTHING * shrink(picture.shape))
    far = [gaussian_filter(plane, sigma, truncate=3) for plane in rest]
    fine, coarse = (np.sqrt(np.asarray(sum(plane**2 for plane in planes))) for planes in (rest, far))
    return fine, coarse


def _coloured(distances: tuple[Plane, Plane], shape: Sequence[int]) -> Mask:
    """Where the ground is: in the declared colour, or at the most frequent distance from it.

    Ground in a wrong colour is still ground; its distance from the declared colour is the most frequent one. Strong
    grain leaves spots of another colour, but they are finer than anything that is drawn.
    """
    counts, edges = np.histogram(distances[1], bins=int(OTHER_COLOUR), range=(0.0, OTHER_COLOUR))
    usual = int(np.argmax(counts))
    middle = float(edges[usual : usual + 2].mean()) if counts[: int(SAME_COLOUR)].sum() < counts[usual] else 0.0
    other = np.abs(distances[0] - middle) > 3 * SAME_COLOUR
    other |= np.abs(distances[1] - middle) > SAME_COLOUR
    return ~_grown(other, shape)
