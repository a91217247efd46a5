"""How much grain can be seen on a flat area: pure functions of CIELAB planes and a mask.

The residual of a flat area from its own slow trend is weighted with the eye's contrast sensitivity and measured as a
standard deviation, after the visual noise of ISO 15739 annex B and IEEE 1858 (CPIQ). Classical estimators (Immerkær,
wavelet MAD) under-report the correlated grain of decoded latents 3 to 7 times, though it is the more visible one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from judges.grain.colour import Lab, Plane
from judges.grain.mask import Mask, Regions, shrink

PIXELS_PER_DEGREE = 67.0
"""Viewing condition: FLIP's default, a 0.7 m distance from a 0.7 m wide 3840 px screen. A picture smaller than 512 px
is taken as shown enlarged to 512 px."""
TREND_SIGMA = 24.0
"""What changes more slowly than this is ground, not grain, px."""
WINDOW = 33
"""Side of the window of the local map, px: about half a degree."""
CHROMA_WEIGHT = 0.05
"""Of var(a*) beside var(L*): 5 to 100, as Keelan et al. (Aptina) fitted them to just noticeable differences."""
GRID_PERIODS = (8, 16, 32)
"""Factor of the VAE, times the patch size of the transformer."""


class Grain(NamedTuple):
    """`local`: visible noise round each pixel in L* (NaN off the mask); `weighted`: the filtered lightness itself."""

    local: Plane
    weighted: Plane


class Grid(NamedTuple):
    """The strongest periodic pattern: period in px, visible RMS in L*, share of the visible variance."""

    period: int
    rms: float
    share: float


def visible_noise(pictures: Sequence[Lab], regions: Regions) -> list[Grain]:
    """Grain of each picture on the same flat regions.

    `local` is sqrt(var(L*) + 0.05 var(a*)) of the detrended, CSF-weighted planes in windows of 33 px.
    """
    from scipy.ndimage import uniform_filter

    factor = shrink(regions.shape)
    side = max(3, round(WINDOW * factor))
    mask = regions > 0
    weight = mask.astype(np.float32)
    held = np.maximum(uniform_filter(weight, side), np.float32(0.05))
    residuals = detrended([plane for lab in pictures for plane in (lab.lightness, lab.a)], regions)
    result: list[Grain] = []
    for residual_l, residual_a in zip(residuals[::2], residuals[1::2], strict=True):
        lightness = csf_weighted(residual_l, PIXELS_PER_DEGREE * factor, chroma=False) * weight
        chroma = csf_weighted(residual_a, PIXELS_PER_DEGREE * factor, chroma=True) * weight
        energy = uniform_filter(lightness**2 + np.float32(CHROMA_WEIGHT) * chroma**2, side)
        # running sums leave values like -1e-9 on perfectly flat areas
        local = np.where(mask, np.sqrt(np.maximum(energy, 0) / held), np.float32(np.nan))
        result.append(Grain(local.astype(np.float32), lightness))
    return result


def detrended(planes: Sequence[Plane], regions: Regions) -> list[Plane]:
    """Each plane less its local trend (`TREND_SIGMA`) inside each region; 0 where there is none.

    Region by region, so that a panel beside the ground doesn't bend the ground's trend. The trend is a weighted least
    squares plane (Gaussian weights, pixels of the region only): unlike a running mean it follows a gradient up to the
    edge.
    """
    from scipy.ndimage import find_objects

    sigma = TREND_SIGMA * shrink(regions.shape)
    result = [np.zeros(plane.shape, dtype=np.float32) for plane in planes]
    for number, window in enumerate(find_objects(regions), start=1):
        region = regions[window] == number
        for plane, rest in zip(planes, result, strict=True):
            rest[window][region] = plane[window][region] - plane[window][region].mean()
        trends = _trends([rest[window] * region for rest in result], region.astype(np.float32), sigma)
        for rest, trend in zip(result, trends, strict=True):
            rest[window][region] -= trend[region]
    return result


def _trends(planes: Sequence[Plane], weight: Plane, sigma: float) -> list[Plane]:
    """The local trend of planes that are 0 where `weight` is; on cells of 4x4 px if these are small beside `sigma`."""
    from scipy.ndimage import gaussian_filter

    cell = 4 if sigma >= 6 else 1
    y, x = (axis.astype(np.float32) / np.float32(sigma) for axis in np.ogrid[: weight.shape[0], : weight.shape[1]])

    def moment(values: Plane) -> NDArray[np.float64]:
        # a Gaussian that reaches past the picture finds no weight there, as outside the region
        smooth: NDArray[np.float64] = gaussian_filter(_cell_sums(values, cell), sigma / cell, mode="constant")
        return smooth

    wx, wy = weight * x, weight * y
    w, sx, sy, sxx, sxy, syy = (moment(m) for m in (weight, wx, wy, wx * x, wx * y, wy * y))
    w = np.maximum(w, 1e-6)
    mx, my = sx / w, sy / w
    # a little ridge: across a strip one cell wide no slope can be known, and none is assumed
    vxx, vyy, vxy = sxx / w - mx * mx + 1e-3, syy / w - my * my + 1e-3, sxy / w - mx * my
    determinant = vxx * vyy - vxy * vxy
    trends: list[Plane] = []
    for plane in planes:
        mean = moment(plane) / w
        cx, cy = moment(plane * x) / w - mean * mx, moment(plane * y) / w - mean * my
        slope_x, slope_y = (cx * vyy - cy * vxy) / determinant, (cy * vxx - cx * vxy) / determinant
        parts = (mean - slope_x * mx - slope_y * my, slope_x, slope_y)
        offset, along, down = (_per_pixel(part, cell, weight.shape) for part in parts)
        trends.append(offset + along * x + down * y)
    return trends


def _cell_sums(plane: Plane, cell: int) -> NDArray[np.float64]:
    padded = np.pad(plane, ((0, -plane.shape[0] % cell), (0, -plane.shape[1] % cell)))
    rows, columns = padded.shape[0] // cell, padded.shape[1] // cell
    # rows first, contiguous in memory: four times faster than both axes at once
    sums = padded.reshape(rows, cell, -1).sum(axis=1).reshape(rows, columns, cell).sum(axis=2)
    result: NDArray[np.float64] = sums.astype(np.float64)
    return result


def _per_pixel(cells: NDArray[np.float64], cell: int, shape: tuple[int, ...]) -> Plane:
    spread = cells.astype(np.float32).repeat(cell, axis=0).repeat(cell, axis=1)
    pixels: Plane = spread[: shape[0], : shape[1]]
    return pixels


def csf_weighted(plane: Plane, pixels_per_degree: float, *, chroma: bool) -> Plane:
    """The plane filtered by contrast sensitivity at the given viewing condition; its mean is removed.

    Lightness: Mannos & Sakrison 1974, band-pass with its peak of 1 at 8 cycles per degree. Chroma: a low-pass
    exp(-0.4 f), an approximation by hand of the isoluminant curves of Mullen 1985.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2, rfftfreq

    # room for the filter to run out (a fifth of a degree), or the left edge would be seen at the right
    room = round(pixels_per_degree / 5)
    shape = [next_fast_len(n + room, real=True) for n in plane.shape]
    fy = np.fft.fftfreq(shape[0])[:, None] * pixels_per_degree
    fx = rfftfreq(shape[1])[None] * pixels_per_degree
    f = np.hypot(fy, fx).astype(np.float32)
    gain = np.exp(-0.4 * f) if chroma else 2.6 / 0.981 * (0.0192 + 0.114 * f) * np.exp(-((0.114 * f) ** 1.1))
    gain[0, 0] = 0.0
    filtered: Plane = irfft2(rfft2(plane, shape) * gain.astype(np.float32), shape)[: plane.shape[0], : plane.shape[1]]
    return filtered


def grid(weighted: Plane, mask: Mask) -> Grid:
    """The strongest pattern of period 8, 16 or 32 px: the flat area folded by phase, less what noise leaves there.

    A pattern of period 8 folds at 16 and 32 as well; the shortest period with nine tenths of the energy is named.
    """
    variance = float((weighted[mask] ** 2).mean()) if mask.any() else 0.0
    energies = [(period, _folded_energy(weighted, mask, period)) for period in GRID_PERIODS]
    most = max(energy for _, energy in energies)
    period, energy = next((p, e) for p, e in energies if e >= 0.9 * most)
    return Grid(period, float(np.sqrt(energy)), min(1.0, energy / variance) if variance > 0 else 0.0)


def _folded_energy(plane: Plane, mask: Mask, period: int) -> float:
    """Variance of the mean tile, less the part that independent noise would leave in it."""
    height, width = (n // period * period for n in plane.shape)
    if height < 2 * period or width < 2 * period:
        return 0.0

    def folded(values: NDArray[np.float64]) -> NDArray[np.float64]:
        tiles = values[:height, :width].reshape(height // period, period, width // period, period)
        total: NDArray[np.float64] = tiles.sum(axis=(0, 2))
        return total

    count = folded(mask.astype(np.float64))
    if count.min() < 8:
        return 0.0
    values = np.where(mask, plane, 0.0).astype(np.float64)
    mean = folded(values) / count
    noise = np.maximum(folded(values**2) / count - mean**2, 0.0) / (count - 1)
    return max(0.0, float(mean.var() - noise.mean()))
