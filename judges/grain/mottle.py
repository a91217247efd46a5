"""Measures mottle: blotches too coarse to be grain and too fine to be a gradient. Pure functions.

This is the residual from a wide trend without the grain, weighted with the eye's contrast sensitivity like grain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalkit.judges.grain.cells import cell_side, sums, window_mean
from evalkit.judges.grain.colour import Plane, Planes
from evalkit.judges.grain.mask import Mask, Regions, shrink
from evalkit.judges.grain.measure import CHROMA_WEIGHT, PIXELS_PER_DEGREE, Noise, csf_weighted, trend, window_cells
from evalkit.judges.grain.measure import TREND_SIGMA as GRAIN_TREND

FINEST = 6.0
"""Sigma of the Gaussian that removes the grain, px. It leaves 1 % of the visible energy of grain with a correlation
length of 4 px, and two thirds of that of blotches of 24 px."""
BANDS = (8.0, 16.0, 32.0)
"""Sigma of the finer Gaussian of each octave band, px. A band of sigma s best passes periods around 6.5 s."""
TREND_SIGMA = 64.0
"""Sigma of the wide trend, px. Slower changes are the gradient of the ground."""
WINDOW = 129
"""Side of the window of the map, px: two degrees."""
LEAST_SHARE = 0.3
"""Least share of the visible variance that mottle must have: strong grain has a coarse part too."""
LEAST_BLOTCHES = 4
"""Least number of blotches in a mottle; each has at least a fiftieth of the energy."""
MOST_OF_ONE = 0.5
"""Largest share of a single blotch in the energy of all blotches."""


class Mottle(NamedTuple):
    """Mottle per cell of `cell` px: weighted sum of squares (L*²), flat cells, and RMS in the window around each.

    `bands` is the unweighted RMS in L* of each octave. `fine` is the part of the energy that is also in the grain map.
    `strongest` is the weighted plane (L*, a* or b*) with most of the energy.
    """

    energy: Plane
    held: Plane
    local: Plane
    fine: Plane
    bands: tuple[float, ...]
    strongest: Plane
    cell: int


def find_mottle(picture: Planes, regions: Regions) -> Mottle:
    """The mottle of the flat regions, in cells of 8 px (2 px in a picture of 128 px)."""
    from scipy.ndimage import find_objects

    factor = shrink(picture.shape)
    half = cell_side(picture.shape)  # in elements of half resolution
    cell = 2 * half
    flat = regions[::2, ::2]
    count = sums((flat > 0).astype(np.float32), half)
    kept = (count >= half * half / 2).astype(np.float32)
    numbers = np.zeros(count.shape, dtype=np.int32)
    middle = flat[half // 2 :: half, half // 2 :: half]
    numbers[: middle.shape[0], : middle.shape[1]] = middle
    numbers *= kept.astype(np.int32)
    seen = numbers > 0
    planes = []
    for plane in picture.half:
        mean = sums(np.where(flat > 0, plane, np.float32(0)), half) / np.maximum(count, 1)
        rest = np.zeros_like(mean)
        for number, window in enumerate(find_objects(numbers), start=1):
            if window is None:
                continue
            region = (numbers[window] == number).astype(np.float32)
            values = (mean[window] - mean[window][region > 0].mean()) * region
            rest[window] += (values - trend(values, region, TREND_SIGMA * factor / cell)) * region
        planes.append(rest)
    weight = seen.astype(np.float32)
    smooth = [_blurred(plane, weight, FINEST * factor / cell) for plane in planes]
    seen_planes = _seen(smooth, weight, factor / cell)
    energy = _energy(seen_planes)
    fine = _energy(_seen(_sharp(smooth, weight, factor / cell), weight, factor / cell))
    strongest = max(seen_planes, key=lambda plane: float((plane**2).sum()))
    local = np.sqrt(window_mean(energy, weight, window_cells(WINDOW, factor, cell)))
    return Mottle(energy, weight, local, fine, _octaves(smooth[0], weight, factor / cell), strongest, cell)


def _blurred(plane: Plane, weight: Plane, sigma: float) -> Plane:
    from scipy.ndimage import gaussian_filter

    smooth, held = (gaussian_filter(p, sigma, mode="constant", truncate=3) for p in (plane * weight, weight))
    result: Plane = smooth / np.maximum(held, 1e-3) * weight
    return result


def _sharp(planes: Sequence[Plane], weight: Plane, scale: float) -> list[Plane]:
    """What is left of the planes after detrending as for grain."""
    return [plane - _blurred(plane, weight, GRAIN_TREND * scale) for plane in planes]


def _seen(planes: Sequence[Plane], weight: Plane, scale: float) -> list[Plane]:
    """The planes weighted by contrast sensitivity; `scale` is elements per px."""
    degree = PIXELS_PER_DEGREE * scale
    weights = (weight, weight * np.float32(np.sqrt(CHROMA_WEIGHT)), weight * np.float32(np.sqrt(CHROMA_WEIGHT)))
    kinds = zip(planes, weights, (False, True, True), strict=True)
    return [csf_weighted(plane, degree, chroma=chroma) * held for plane, held, chroma in kinds]


def _energy(planes: Sequence[Plane]) -> Plane:
    energy: Plane = np.sum([plane**2 for plane in planes], axis=0)
    return energy


def _octaves(lightness: Plane, weight: Plane, scale: float) -> tuple[float, ...]:
    """RMS of the lightness in octave bands, L*; the last band holds everything coarser."""
    finer, bands = lightness, []
    for sigma in BANDS:
        coarser = _blurred(lightness, weight, 2 * sigma * scale)
        part = finer if sigma == BANDS[-1] else finer - coarser
        bands.append(float(np.sqrt((part**2).sum() / max(float(weight.sum()), 1.0))))
        finer = coarser
    return tuple(bands)


def outweighed(mottle: Mottle, noise: Noise) -> Mask:
    """Per mottle cell, whether the fine grain is so strong that apparent mottle is only its coarse part."""
    side = mottle.cell // noise.cell
    rows, columns = mottle.local.shape
    window = window_cells(WINDOW, shrink(noise.weighted.shape), mottle.cell)
    around = window_mean(sums(noise.energy, side), sums(noise.held, side), window)[:rows, :columns]
    weak: Mask = mottle.local**2 < LEAST_SHARE * np.nan_to_num(around)
    return weak


def without(mottle: Mottle, other: Mottle) -> Mottle:
    """The mottle minus that of another picture on the same ground, in squares."""
    local = np.sqrt(np.maximum(mottle.local**2 - other.local**2, 0))
    return mottle._replace(energy=np.maximum(mottle.energy - other.energy, 0), local=local)


def is_mottled(mottle: Mottle, cells: Mask) -> bool:
    """Whether an area has several blotches: the tip of a radial gradient is one, and the ring around it another."""
    from scipy.ndimage import label

    values = np.where(cells, mottle.strongest, np.float32(0))
    if not cells.any():
        return False
    limit = 0.7 * float(np.sqrt((values[cells] ** 2).mean()))
    energies: list[float] = []
    for sign in (1, -1):
        blobs, _ = label(sign * values > limit)
        energies += np.bincount(blobs.ravel(), weights=values.ravel() ** 2)[1:].tolist()
    total = sum(energies)
    worthy = [energy for energy in energies if energy > total / 50]
    return len(worthy) >= LEAST_BLOTCHES and max(worthy) < MOST_OF_ONE * total
