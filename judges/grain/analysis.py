"""Measures a picture's flat ground, each kind of unevenness separately. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evalkit.api.records import RGB
from evalkit.judges.grain.banding import Band, find_bands
from evalkit.judges.grain.cast import Cast, find_cast
from evalkit.judges.grain.cells import spread, window_mean
from evalkit.judges.grain.colour import Plane, Planes
from evalkit.judges.grain.grid import NONE, Grid, find_grid
from evalkit.judges.grain.mask import Mask, Regions, connected, shrink
from evalkit.judges.grain.measure import VISIBLE, WINDOW, Noise, visible_noise, window_cells
from evalkit.judges.grain.mottle import Mottle, find_mottle, outweighed, without

FINER_TOO = 2.0
"""Ratio of the blotches' energy in the grain map to that of the smoothed blotches, which have lost a third of it."""
ROUNDING = 0.1
"""Visible noise that rounding to 8 bits leaves on blotches, L*."""


class Analysis(NamedTuple):
    """What a flat ground shows.

    `noise` is all visible noise finer than 150 px. `rest` is its local map, in L*, without grids, bands and mottle: the
    actual grain. `regions` is the flat area without the edges of casts. `blotchy` are the cells of `mottle` that are
    not just the coarse part of strong grain; `coarse` are the cells of `noise` with visible mottle. `paired` is the
    noise of the picture and of its twin on the same ground, for their ratio.
    """

    regions: Regions
    noise: Noise
    rest: Noise
    grid: Grid
    bands: tuple[Band, ...]
    mottle: Mottle
    blotchy: Mask
    coarse: Mask
    cast: Cast | None
    paired: tuple[Noise, Noise] | None


def analyse(
    picture: Planes,
    regions: Regions,
    colours: Sequence[RGB] = (),
    twin: Planes | None = None,
    floor: float | None = 0.0,
) -> Analysis:
    """Measure the flat `regions` of a picture.

    Args:
        picture: the picture.
        regions: where it should be flat.
        colours: the declared colours of the ground.
        twin: the teacher's picture.
        floor: visible noise that the codec leaves on a constant colour, L*. It is subtracted in squares. `None`: the
            noise of the twin at each place is taken as that of the codec.
    """
    bands = tuple(find_bands(picture, regions))
    codec = twin if floor is None else None  # the picture that shows the residue of the codec itself
    cast = find_cast(picture, regions, colours if codec is None else (), twin)
    if cast is not None and not bands:
        regions = _without_edges(regions, cast)
    noise = visible_noise(picture, regions)
    bands = tuple(_as_seen(band, noise) for band in bands)
    other = None if twin is None else visible_noise(twin, regions)
    paired = None if other is None else (noise, other)
    if floor:
        level = np.full(noise.held.shape, floor**2, dtype=np.float32)
        noise = _less(noise, level)
        paired = None if other is None else (noise, _less(other, level))
    elif codec is not None and other is not None:
        noise = _less(noise, other.energy / np.maximum(other.held, 1))
    grid = find_grid(noise, regions > 0)
    if grid.striped and bands:
        grid = NONE
    mottle = find_mottle(picture, regions)
    if codec is not None:
        mottle = without(mottle, find_mottle(codec, regions))
    blotchy = np.isfinite(mottle.local) & ~outweighed(mottle, noise)
    banded = _banded(bands, regions)
    blotchy &= ~_thin(banded, mottle.cell // 2, blotchy.shape)
    known = grid.energy if grid.energy is not None else np.zeros_like(noise.energy)
    coarse = _per_cell((blotchy & (mottle.local > VISIBLE)).astype(np.float32), mottle.cell, noise) > 0
    known = known + np.where(coarse, FINER_TOO * _per_cell(mottle.fine, mottle.cell, noise) + ROUNDING**2, 0)
    rest = _less(noise, known)
    if bands:
        rest = _outside(rest, banded)
    return Analysis(regions, noise, rest, grid, bands, mottle, blotchy, coarse, cast, paired)


def _less(noise: Noise, energy: Plane) -> Noise:
    """The noise without a mean square of `energy` per cell."""
    left = noise.energy - energy * noise.held
    window = window_cells(WINDOW, shrink(noise.weighted.shape), noise.cell)
    around = window_mean(np.maximum(left, 0), noise.held, window) - window_mean(
        np.maximum(-left, 0), noise.held, window
    )
    local = np.sqrt(np.maximum(around, 0))
    return noise._replace(energy=left, local=local.astype(np.float32))


def _as_seen(band: Band, noise: Noise) -> Band:
    """The band with the visible noise of its ground as its size, if that is larger than its steps suggest."""
    cells = (_per_cell(band.area.cells.astype(np.float32), 2, noise) > 0) & (noise.held > 0)
    held = float(noise.held[cells].sum())
    rms = float(np.sqrt(noise.energy[cells].sum() / held)) if held else 0.0
    return band._replace(jnd=max(band.jnd, rms / VISIBLE))


def _banded(bands: Sequence[Band], regions: Regions) -> Mask:
    """Where bands are, at half resolution."""
    banded = np.zeros(regions[::2, ::2].shape, dtype=np.bool_)
    for band in bands:
        banded |= band.area.cells
    return banded


def _outside(noise: Noise, banded: Mask) -> Noise:
    covered = _per_cell(banded.astype(np.float32), 2, noise) > 0
    return noise._replace(
        held=np.where(covered, np.float32(0), noise.held),
        energy=np.where(covered, np.float32(0), noise.energy),
        local=np.where(covered, np.float32(np.nan), noise.local),
    )


def _per_cell(values: Plane, side: int, noise: Noise) -> Plane:
    """Values on squares of `side` px as values on the cells of `noise`."""
    shape = noise.held.shape
    if side >= noise.cell:
        return spread(values, side // noise.cell, shape)
    return _thin(values, noise.cell // side, shape)


def _thin(values: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Every `step`-th value, as many as `shape` wants."""
    thin = values[step // 2 :: step, step // 2 :: step]
    room = [(0, max(0, wanted - held)) for wanted, held in zip(shape, thin.shape, strict=True)]
    return np.pad(thin, room, mode="edge")[: shape[0], : shape[1]]


def _without_edges(regions: Regions, cast: Cast) -> Regions:
    """The regions without the edges of areas in a wrong colour, which are not grain."""
    from scipy.ndimage import binary_dilation, binary_erosion

    held = np.isfinite(cast.distance)
    rim = np.zeros(held.shape, dtype=np.bool_)
    for area in cast.areas:
        rim |= binary_dilation(area.cells, iterations=2) & ~binary_erosion(
            area.cells | ~held, iterations=2, border_value=1
        )
    if not rim.any():
        return regions
    edges = spread(rim.astype(np.float32), cast.cell, regions.shape) > 0
    return connected((regions > 0) & ~edges)
