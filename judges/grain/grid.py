"""Finds patterns that repeat at the codec's periods, by folding the ground by phase. Pure functions.

Latent decoders leave such patterns with a period of 8 px (the factor of the autoencoder), or 16 or 32 px (times the
patch size of the transformer). Folding needs no model of their shape and averages everything else out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evalkit.judges.grain.cells import sums, window_mean
from evalkit.judges.grain.colour import Plane
from evalkit.judges.grain.locate import Area, areas
from evalkit.judges.grain.mask import Mask, shrink
from evalkit.judges.grain.measure import VISIBLE, Noise, window_cells

PERIODS = (8, 16, 32)
"""Periods of the grid, px: the factor of the VAE, times the patch size of the transformer."""
LEAST_SHARE = 0.2
"""Least share of the visible variance of a block that a pattern must have to be called a grid."""
BLOCK = 128
"""Side of the blocks that are folded, px. Larger blocks leave less noise; smaller ones can find a smaller patch of
grid."""
LEAST_REPEATS = 2
"""Least number of times that each phase must occur in each half of a block."""
COARSE = 6.0
"""Sigma of the trend that is subtracted before folding, px; a pattern of period 32 keeps half of its slowest wave."""
WINDOW = 65
"""Side of the window of the map of a grid, px."""
STRIPES = 0.9
"""A tile with at least this share of its variance along one axis is stripes. The steps of a ramp can look like that."""


class Grid(NamedTuple):
    """The strongest pattern: period in px (0: none), visible RMS in L*, share of the visible variance of its blocks.

    `areas` are its places, in cells. `striped` says that it varies along one axis only. `energy` is its mean square
    around each cell.
    """

    period: int
    rms: float
    share: float
    striped: bool
    areas: tuple[Area, ...]
    energy: Plane | None


NONE = Grid(0, 0.0, 0.0, False, (), None)


def find_grid(noise: Noise, mask: Mask) -> Grid:
    """The strongest pattern of period 8, 16 or 32 px of the weighted lightness `noise.weighted` inside `mask`.

    A pattern of period 8 folds at 16 and 32 as well; the shortest period with nine tenths of the energy is named.
    """
    from scipy.ndimage import gaussian_filter

    visible = noise.local[np.isfinite(noise.local)]
    block = min(BLOCK, min(mask.shape) // (2 * PERIODS[-1]) * 2 * PERIODS[-1])
    if not block or not len(visible) or visible.max() < VISIBLE / 2:
        return NONE
    # coarse structure is removed first, or the few blotches in a block would fold to a pattern
    plane = (noise.weighted - gaussian_filter(noise.weighted, COARSE, truncate=3)) * mask
    pairs = _folded(plane, block, 2 * PERIODS[-1])
    held = _folded(mask.astype(np.float32), block, 2 * PERIODS[-1])
    variance = _folded(plane * plane, block, 2 * PERIODS[-1]).sum(axis=(1, 3)) / np.maximum(held.sum(axis=(1, 3)), 1)
    energies = {period: _energy(_refolded(pairs, 2 * period), _refolded(held, 2 * period)) for period in PERIODS}
    strongest = max(PERIODS, key=lambda period: float(energies[period].max()))
    # both conditions: enough of the block's variance, and not much weaker than the strongest block
    striking = energies[strongest] > np.maximum(LEAST_SHARE * variance, 0.3 * energies[strongest].max())
    most = float(energies[strongest][striking].sum())
    if most <= 0:
        return NONE
    period = next(p for p in PERIODS if energies[p][striking].sum() >= 0.9 * most)
    share = min(1.0, float(energies[period][striking].sum() / variance[striking].sum()))
    whole, count = _refolded(_folded(noise.weighted * mask, block, period), period), _refolded(held, period)
    return _located(noise, mask, _mean_tile(whole, count, striking), period, share)


def _located(noise: Noise, mask: Mask, tile: Plane, period: int, share: float) -> Grid:
    """Locate the tile: where it is, its product with the plane has the mean of its square; elsewhere the mean is 0."""
    shape = mask.shape
    repeated = np.tile(tile, (-(-shape[0] // period), -(-shape[1] // period)))[: shape[0], : shape[1]]
    product = sums(noise.weighted * repeated, noise.cell)
    square = sums(repeated * repeated * mask, noise.cell)
    held = noise.held
    window = max(window_cells(WINDOW, shrink(shape), noise.cell), 2 * period // noise.cell + 1)
    likeness = _smooth(product, held, window) / np.maximum(_smooth(square, held, window), 1e-12)
    mean = float((tile**2).mean())
    energy = np.where(np.isfinite(likeness), np.maximum(likeness, 0) * np.abs(likeness) * mean, 0).astype(np.float32)
    # blocks that the pattern covers only partly make its tile too weak; its strength is measured where it is
    found = areas(product / max(mean, 1e-12), held, np.where(held > 0, likeness, np.nan), 0.5, window)
    rms = max((float(np.sqrt(mean)) * area.energy for area in found), default=0.0)
    for area in found:  # the window smears the likeness, but not the box
        energy[area.cells] = np.maximum(energy[area.cells], mean * area.energy**2)
    lines = max(float(tile.mean(axis=axis).var()) for axis in (0, 1))
    return Grid(period, rms, share, lines > STRIPES * mean, tuple(found), energy) if found else NONE


def _smooth(total: Plane, count: Plane, window: int) -> Plane:
    """The mean in windows, of values that may be negative."""
    positive = window_mean(np.maximum(total, 0), count, window)
    smooth: Plane = positive - window_mean(np.maximum(-total, 0), count, window)
    return smooth


def _folded(plane: Plane, block: int, period: int) -> Plane:
    """(blocks, period, blocks, period) sums of the plane by phase in each block."""
    height, width = (n // block * block for n in plane.shape)
    rows, columns, repeats = height // block, width // block, block // period
    parts = plane[:height, :width].reshape(rows, repeats, period, width).sum(axis=1, dtype=np.float32)
    folded: Plane = parts.reshape(rows, period, columns, repeats, period).sum(axis=3, dtype=np.float32)
    return folded


def _refolded(tiles: Plane, period: int) -> Plane:
    """The same sums at a shorter period."""
    rows, fine, columns, _ = tiles.shape
    folded: Plane = tiles.reshape(rows, fine // period, period, columns, fine // period, period).sum(axis=(1, 4))
    return folded


def _energy(total: Plane, count: Plane) -> Plane:
    """Variance of the pattern in each block, from sums by phase at twice its period.

    This is the covariance of every other row of tiles with the rows between them, or that of columns, whichever is
    less. It is 0 for noise and for a single line, which lies in only one row or one column of tiles.
    """
    rows, double, columns, _ = total.shape
    shape = (rows, 2, double // 2, columns, 2, double // 2)
    energies = []
    for axis in (1, 4):
        other = 5 - axis
        sums_, held = (part.reshape(shape).sum(axis=other) for part in (total, count))
        # the parity's axis moves if the axis that was summed came before it
        at = axis if axis < other else axis - 1
        (one, two), (n1, n2) = (np.moveaxis(part, at, 0) for part in (sums_, held))
        weight = np.minimum(n1, n2)
        one, two = one / np.maximum(n1, 1), two / np.maximum(n2, 1)
        size = np.maximum(weight.sum(axis=(1, 3)), 1e-9)
        m1, m2 = ((part * weight).sum(axis=(1, 3)) / size for part in (one, two))
        covariance = (one * two * weight).sum(axis=(1, 3)) / size - m1 * m2
        enough = (weight >= LEAST_REPEATS).mean(axis=(1, 3)) > 0.5
        energies.append(np.where(enough, covariance, 0.0))
    energy: Plane = np.maximum(np.minimum(*energies), 0.0)
    return energy


def _mean_tile(total: Plane, count: Plane, blocks: Mask) -> Plane:
    chosen = blocks[:, None, :, None]
    mean = (total * chosen).sum(axis=(0, 2)) / np.maximum((count * chosen).sum(axis=(0, 2)), 1)
    tile: Plane = (mean - mean.mean()).astype(np.float32)
    return tile
