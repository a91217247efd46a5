"""Measures the visible grain of a flat area. Pure functions of CIELAB planes and a mask.

The residual of a flat area from its own slow trend is weighted with the eye's contrast sensitivity and measured as a
standard deviation, after the visual noise of ISO 15739 annex B and IEEE 1858 (CPIQ). Classical estimators (Immerkær,
wavelet MAD) underestimate the correlated grain of decoded latents 3 to 7 times, although it is more visible.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.grain.cells import cell_side, spread, sums, window_mean
from evalkit.judges.grain.colour import Plane, Planes
from evalkit.judges.grain.mask import Regions, shrink

PIXELS_PER_DEGREE = 67.0
"""Viewing condition: FLIP's default, a 0.7 m distance from a 0.7 m wide 3840 px screen. A picture smaller than 512 px
is taken as shown enlarged to 512 px."""
VISIBLE = 0.12
"""Just noticeable visible noise, L*: one JND. At the eye's best frequency this is a grating of 0.5 % contrast on
a light ground (sensitivity 200, Campbell & Robson 1968). Rounding to 8 bits leaves less on any ramp: 0.112 at most,
over ramps of 15 to 100 code values across 128, 512 and 1024 px (tests/judges/grain)."""
TREND_SIGMA = 24.0
"""Sigma of the local trend, px. Slower changes are ground, not grain."""
WINDOW = 33
"""Side of the window of the local map, px: about half a degree."""
LEAST_SIDE = 32
"""Least side of a picture in which grain can be judged, px: a smaller one is hardly larger than the windows."""
CHROMA_WEIGHT = 0.05
"""Weight of var(a*) relative to var(L*): 5 to 100, fitted to just noticeable differences by Keelan et al. (Aptina)."""


class Noise(NamedTuple):
    """The visible noise of a flat area.

    Attributes:
        weighted: (H, W) residual lightness after contrast-sensitivity weighting, L*; 0 outside the mask.
        energy, held: per cell of `cell` px, the sum of squares (L* and weighted a*) and the number of flat pixels.
        local: per cell, visible noise in the window around it, L*; NaN outside the mask.
    """

    weighted: Plane
    energy: Plane
    held: Plane
    local: Plane
    cell: int


def visible_noise(picture: Planes, regions: Regions) -> Noise:
    """Noise on the flat regions: sqrt(var(L*) + 0.05 var(a*)) of the detrended, CSF-weighted planes."""
    factor = shrink(regions.shape)
    cell = cell_side(regions.shape)
    weight = (regions > 0).astype(np.float32)
    lightness = csf_weighted(detrended(picture.lightness, regions), PIXELS_PER_DEGREE * factor, chroma=False)
    lightness *= weight
    thin = regions[::2, ::2]
    chroma = csf_weighted(detrended(picture.half.a, thin, 2), PIXELS_PER_DEGREE * factor / 2, chroma=True)
    chroma *= np.float32(4 * CHROMA_WEIGHT) * chroma * (thin > 0)
    count = sums(weight, cell)
    coloured = sums(chroma, cell // 2) if cell > 1 else spread(chroma / 4, 2, regions.shape)
    energy = sums(lightness * lightness, cell) + coloured * (count > 0)
    local = np.sqrt(window_mean(energy, count, window_cells(WINDOW, factor, cell)))
    return Noise(lightness, energy, count, local, cell)


def window_cells(pixels: float, factor: float, cell: int) -> int:
    """The side of a window of `pixels` px (at 512 px) in cells, an odd number."""
    return 2 * round(max(1.0, pixels * factor / cell - 1) / 2) + 1


def detrended(plane: Plane, regions: Regions, step: int = 1) -> Plane:
    """The plane minus its local trend (`TREND_SIGMA`) inside each region; 0 outside the regions.

    This is done region by region, so that a panel beside the ground does not bend the trend of the ground. The trend is
    a weighted least-squares plane (Gaussian weights, pixels of the region only). Unlike a running mean it follows a
    gradient up to the edge. `step` is the size in px of an element of `plane`.
    """
    from scipy.ndimage import find_objects

    sigma = TREND_SIGMA * shrink([n * step for n in regions.shape]) / step
    rest = np.zeros(plane.shape, dtype=np.float32)
    for number, window in enumerate(find_objects(regions), start=1):
        if window is None:
            continue
        region = regions[window] == number
        values = plane[window] - plane[window][region].mean()
        values *= region
        values -= trend(values, region.astype(np.float32), sigma)
        values *= region
        rest[window] += values
    return rest


def trend(values: Plane, weight: Plane, sigma: float) -> Plane:
    """The local trend of values that are 0 where `weight` (0 or 1) is 0. Cells must be small compared with `sigma`."""
    from scipy.ndimage import gaussian_filter

    cell = 1 if sigma < 3 else 2 if sigma < 6 else 4
    rows, columns = (-(-n // cell) for n in weight.shape)
    y = ((np.arange(rows, dtype=np.float64) + 0.5) * cell / sigma)[:, None]
    x = ((np.arange(columns, dtype=np.float64) + 0.5) * cell / sigma)[None]

    def moment(values: NDArray[np.floating]) -> NDArray[np.float64]:
        # beyond the picture the weight is 0, as it is outside the region
        smooth: NDArray[np.float64] = gaussian_filter(values, sigma / cell, mode="constant", truncate=3)
        return smooth

    held, total = sums(weight, cell).astype(np.float64), sums(values, cell).astype(np.float64)
    hx, hy = held * x, held * y
    w, sx, sy, sxx, sxy, syy = (moment(m) for m in (held, hx, hy, hx * x, hx * y, hy * y))
    w = np.maximum(w, 1e-6)
    mx, my = sx / w, sy / w
    # a small ridge term: across a strip one cell wide the slope is unknown and is taken as 0
    vxx, vyy, vxy = sxx / w - mx * mx + 1e-3, syy / w - my * my + 1e-3, sxy / w - mx * my
    mean = moment(total) / w
    cx, cy = moment(total * x) / w - mean * mx, moment(total * y) / w - mean * my
    determinant = vxx * vyy - vxy * vxy
    along, down = (cx * vyy - cy * vxy) / determinant, (cy * vxx - cx * vxy) / determinant
    middle = mean + along * (x - mx) + down * (y - my)
    if cell == 1:
        return middle.astype(np.float32)
    inside = (np.arange(cell, dtype=np.float32) + 0.5 - cell / 2) / np.float32(sigma)
    fine_x, fine_y = np.tile(inside, columns)[: weight.shape[1]], np.tile(inside, rows)[: weight.shape[0], None]
    result = spread(along, cell, weight.shape) * fine_x
    result += spread(down, cell, weight.shape) * fine_y
    result += spread(middle, cell, weight.shape)
    return result


def csf_weighted(plane: Plane, pixels_per_degree: float, *, chroma: bool) -> Plane:
    """The plane filtered by contrast sensitivity at the given viewing condition; its mean is removed."""
    from scipy.fft import irfft2, next_fast_len, rfft2, rfftfreq

    # padding for the filter (a fifth of a degree); otherwise the left edge would leak to the right
    room = round(pixels_per_degree / 5)
    shape = [next_fast_len(n + room, real=True) for n in plane.shape]
    fy = np.fft.fftfreq(shape[0]).astype(np.float32)[:, None] * np.float32(pixels_per_degree)
    fx = rfftfreq(shape[1]).astype(np.float32)[None] * np.float32(pixels_per_degree)
    gain = sensitivity(np.hypot(fy, fx), chroma=chroma)
    gain[0, 0] = 0.0
    spectrum = rfft2(plane, shape)
    spectrum *= gain
    filtered: Plane = irfft2(spectrum, shape)[: plane.shape[0], : plane.shape[1]]
    return filtered


def sensitivity(frequency: Plane, *, chroma: bool) -> Plane:
    """Contrast sensitivity at `frequency` cycles per degree, at most 1.

    Lightness: Mannos & Sakrison 1974, band-pass with its peak at 8 cycles per degree. Chroma: a low-pass exp(-0.4 f),
    an approximation by hand of the isoluminant curves of Mullen 1985.
    """
    f = np.asarray(frequency, dtype=np.float32)
    if chroma:
        low: Plane = np.exp(np.float32(-0.4) * f)
        return low
    scaled = np.float32(0.114) * f
    band: Plane = np.float32(2.6 / 0.981) * (np.float32(0.0192) + scaled) * np.exp(-(scaled ** np.float32(1.1)))
    return band
