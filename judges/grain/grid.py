"""A pattern that repeats at the codec's periods: found by folding the ground by phase (pure).

Decoders of latents leave such patterns, 8 px apart (the factor of the autoencoder) or 16 or 32 (times the patch size of
the transformer). Folding needs no model of their shape, and averages everything else away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from judges.grain.cells import sums, window_mean
from judges.grain.colour import Plane
from judges.grain.locate import Area, areas
from judges.grain.mask import Mask, shrink
from judges.grain.measure import VISIBLE, Noise, window_cells

PERIODS = (8, 16, 32)
"""Of the grid, px: factor of the VAE, times the patch size of the transformer."""
LEAST_SHARE = 0.2
"""Least share of the visible variance of a block that a pattern must carry to be called a grid."""
BLOCK = 128
"""Side of the blocks that are folded, px: the more repetitions, the less noise is left, the fewer, the smaller a patch
of grid can be."""
WINDOW = 65
"""Side of the window of the map of a grid, px."""
STRIPES = 0.9
"""A tile with this much of its variance along one axis is stripes: the steps of a ramp can look like that."""


class Grid(NamedTuple):
    """The strongest pattern: period in px (0: none), visible RMS in L*, share of the visible variance of its blocks.

    `areas` are where it lies, in cells; `striped` says that it varies along one axis only; `energy` is its mean square
    round each cell.
    """

    period: int
    rms: float
    share: float
    striped: bool
    areas: tuple[Area, ...]
    energy: Plane | None


NONE = Grid(0, 0.0, 0.0, False, (), None)


class _Tiles(NamedTuple):
    total: Plane
    held: Plane


def find_grid(noise: Noise, mask: Mask) -> Grid:
    """The strongest pattern of period 8, 16 or 32 px of the weighted lightness `noise.weighted` inside `mask`.

    A pattern of period 8 folds at 16 and 32 as well; the shortest period with nine tenths of the energy is named.
    """
    visible = noise.local[np.isfinite(noise.local)]
    block = min(BLOCK, min(mask.shape) // 32 * 32)
    if block < 64 or not len(visible) or visible.max() < VISIBLE / 2:
        return NONE
    plane = noise.weighted
    finest = _folded(plane, mask, block, PERIODS[-1])
    squares = _folded(plane * plane, mask, block, PERIODS[-1])
    held = finest.held.sum(axis=(1, 3))
    full = held >= block * block / 8
    if not full.any():
        return NONE
    variance = squares.total.sum(axis=(1, 3)) / np.maximum(held, 1)
    folds = {period: _refolded(finest, period) for period in PERIODS}
    energies = {period: np.where(full, _energy(tiles, variance), 0.0) for period, tiles in folds.items()}
    strongest = max(PERIODS, key=lambda period: float(energies[period].max()))
    # both: enough of the block's variance, and not much weaker than the strongest block
    striking = energies[strongest] > np.maximum(LEAST_SHARE * variance, 0.3 * energies[strongest].max())
    striking &= energies[strongest] > 0
    if not striking.any():
        return NONE
    most = float(energies[strongest][striking].sum())
    period = next(p for p in PERIODS if energies[p][striking].sum() >= 0.9 * most)
    energy = float(energies[period][striking].mean())
    if energy <= 0:
        return NONE
    share = min(1.0, float(energies[period][striking].sum() / variance[striking].sum()))
    tile = _mean_tile(folds[period], striking)
    return _located(noise, mask, tile, period, share)


def _located(noise: Noise, mask: Mask, tile: Plane, period: int, share: float) -> Grid:
    """Where the tile is: its product with the plane has the mean of its square there, and 0 elsewhere."""
    shape = mask.shape
    repeated = np.tile(tile, (-(-shape[0] // period), -(-shape[1] // period)))[: shape[0], : shape[1]]
    product = sums(noise.weighted * repeated, noise.cell)
    square = sums(repeated * repeated * mask, noise.cell)
    held = noise.held
    window = max(window_cells(WINDOW, shrink(shape), noise.cell), 2 * period // noise.cell + 1)
    likeness = _smooth(product, held, window) / np.maximum(_smooth(square, held, window), 1e-12)
    mean = float((tile**2).mean())
    energy = np.where(np.isfinite(likeness), np.maximum(likeness, 0) * np.abs(likeness) * mean, 0).astype(np.float32)
    # blocks that the pattern covers in part make its tile too weak; where it is, its strength can be measured
    found = areas(product / max(mean, 1e-12), held, np.where(held > 0, likeness, np.nan), 0.5, window)
    rms = max((float(np.sqrt(mean)) * area.energy for area in found), default=0.0)
    for area in found:  # its likeness is smeared by the window, its box is not
        energy[area.cells] = np.maximum(energy[area.cells], mean * area.energy**2)
    lines = max(float(tile.mean(axis=axis).var()) for axis in (0, 1))
    return Grid(period, rms, share, lines > STRIPES * mean, tuple(found), energy) if found else NONE


def _smooth(total: Plane, count: Plane, window: int) -> Plane:
    """A mean in windows that may be negative."""
    positive = window_mean(np.maximum(total, 0), count, window)
    smooth: Plane = positive - window_mean(np.maximum(-total, 0), count, window)
    return smooth


def _folded(plane: Plane, mask: Mask, block: int, period: int) -> _Tiles:
    """(blocks, period, blocks, period) sums of the plane by phase in each block, and how many pixels are in them."""
    height, width = (n // block * block for n in plane.shape)
    shape = (height // block, block // period, period, width // block, block // period, period)

    def fold(values: Plane) -> Plane:
        parts = values[:height, :width].reshape(shape[0], shape[1], period, width).sum(axis=1, dtype=np.float32)
        folded: Plane = parts.reshape(shape[0], period, shape[3], shape[4], period).sum(axis=3, dtype=np.float32)
        return folded

    return _Tiles(fold(np.where(mask, plane, np.float32(0))), fold(mask.astype(np.float32)))


def _refolded(tiles: _Tiles, period: int) -> _Tiles:
    rows, fine, columns, _ = tiles.total.shape
    shape = (rows, fine // period, period, columns, fine // period, period)
    return _Tiles(*(part.reshape(shape).sum(axis=(1, 4)) for part in tiles))


def _energy(tiles: _Tiles, variance: Plane) -> Plane:
    """Variance of the mean tile of each block, less the part that independent noise leaves in it."""
    count = np.maximum(tiles.held, 1)
    held = tiles.held.sum(axis=(1, 3))
    mean = tiles.total / count
    middle = (mean * tiles.held).sum(axis=(1, 3)) / np.maximum(held, 1)
    between = ((mean - middle[:, None, :, None]) ** 2 * tiles.held).sum(axis=(1, 3)) / np.maximum(held, 1)
    left = np.minimum(1.0, (tiles.held > 0).sum(axis=(1, 3)) / np.maximum(held, 1))  # one in so many pixels
    energy: Plane = np.maximum(0.0, between - variance * left) / np.maximum(1 - left, 0.1)
    return energy


def _mean_tile(tiles: _Tiles, blocks: Mask) -> Plane:
    chosen = blocks[:, None, :, None]
    total, count = ((part * chosen).sum(axis=(0, 2)) for part in tiles)
    mean = total / np.maximum(count, 1)
    tile: Plane = (mean - mean.mean()).astype(np.float32)
    return tile
