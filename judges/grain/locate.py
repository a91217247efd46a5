"""Finds the boxes of areas that stand out in a map of energies. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box
from evalkit.judges.grain.cells import bounds
from evalkit.judges.grain.colour import Plane
from evalkit.judges.grain.mask import Mask

MOST_AREAS = 8
GROWN = 0.35
"""An area extends to where the energy is this share of the way from that around it to that inside it."""


ALIKE = 2.5
"""Largest ratio of the energies of two areas that are parts of one."""
FILLED = 0.7
"""Least share of the flat ground in their common box that two areas must cover to be parts of one."""


class Area(NamedTuple):
    """A connected area of a map: its box in cells, its mean energy, its share of the flat cells, and its cells."""

    box: tuple[int, int, int, int]
    energy: float
    share: float
    cells: Mask


def areas(total: Plane, count: Plane, smooth: Plane, threshold: float | Plane, window: int) -> list[Area]:
    """Connected areas where an energy is above `threshold`, the largest first.

    Args:
        total, count: per cell, the sum of the energy and the number of flat pixels.
        smooth: mean energy in windows of `window` cells; NaN outside the mask.
        threshold: the threshold for `smooth`, one for all cells or one for each.
    """
    from scipy.ndimage import label, maximum_filter

    flat = np.isfinite(smooth)
    energy = np.where(flat, smooth, 0.0)
    seeds = flat & (energy > threshold)
    least = max(2.0, window * window / 4)  # smaller than the map can resolve
    if seeds.sum() < least:
        return []
    calm = flat & ~maximum_filter(seeds, size=window)
    floor = float(np.median(energy[calm])) if calm.sum() > 0.02 * flat.sum() else 0.0
    numbers, many = label(seeds)
    sizes = np.bincount(numbers.ravel(), minlength=many + 1)
    taken = np.zeros(flat.shape, dtype=np.bool_)
    found: list[Area] = []
    for number in np.argsort(-sizes[1:], kind="stable") + 1:
        if len(found) == 2 * MOST_AREAS:
            break
        core = numbers == number
        if sizes[number] < least or (core & taken).any():
            continue
        level = float(np.median(energy[core]))
        grown, _ = label(energy > floor + GROWN * (level - floor))
        cells = np.isin(grown, np.unique(grown[core & (grown > 0)])) & flat if (grown[core] > 0).any() else core
        taken |= cells
        reach = maximum_filter(cells, size=2 * (window // 2) + 1) & flat
        box = tight_box(total, count, reach, (floor + level) / 2)
        part = 0 if box is None else int(cells[box[1] : box[3], box[0] : box[2]].sum())
        if box is None or part < 0.5 * cells.sum():  # of no box's shape
            box, part = bounds(cells), int(cells.sum())
        if part < least or min(box[2] - box[0], box[3] - box[1]) < window / 4:
            continue
        inside = np.zeros(flat.shape, dtype=np.bool_)
        inside[box[1] : box[3], box[0] : box[2]] = True
        inside &= reach
        held = float(count[inside].sum())
        mean = float(total[inside].sum()) / held if held else level
        found.append(Area(box, mean, float(inside.sum() / flat.sum()), inside))
    return sorted(merged(found, flat), key=lambda area: -area.share)[:MOST_AREAS]


def merged(found: list[Area], flat: Mask) -> list[Area]:
    """The areas, with parts of one joined: about equally strong, with little calm ground between them."""
    done: list[Area] = []
    for area in sorted(found, key=lambda area: -area.share):
        for at, other in enumerate(done):
            x0, y0 = (min(a, b) for a, b in zip(area.box[:2], other.box[:2], strict=True))
            x1, y1 = (max(a, b) for a, b in zip(area.box[2:], other.box[2:], strict=True))
            cells = area.cells | other.cells
            held = int(flat[y0:y1, x0:x1].sum())
            alike = max(area.energy, other.energy) < ALIKE * max(min(area.energy, other.energy), 1e-12)
            if alike and cells[y0:y1, x0:x1].sum() >= FILLED * held:
                share = area.share + other.share
                energy = (area.energy * area.share + other.energy * other.share) / share
                done[at] = Area((x0, y0, x1, y1), energy, float(cells.sum() / flat.sum()), cells)
                break
        else:
            done.append(area)
    return done if len(done) == len(found) else merged(done, flat)


def tight_box(total: Plane, count: Plane, reach: Mask, middle: float) -> tuple[int, int, int, int] | None:
    """The box inside which the energy is above `middle`: per axis, the interval whose sum exceeds it most.

    The means of whole columns and rows are far less noisy than single windows and are not smeared.
    """
    x0, y0, x1, y1 = bounds(reach)
    box = [x0, y0, x1, y1]
    for axis in (0, 1, 0, 1):
        part = np.s_[box[1] : box[3], box[0] : box[2]]
        held = (count[part] * reach[part]).sum(axis=axis)
        profile = (total[part] * reach[part]).sum(axis=axis) / np.maximum(held, 1e-9)
        start, stop = best_interval(np.where(held > 0, profile - middle, 0.0))
        if stop <= start:
            return None
        box[axis], box[axis + 2] = box[axis] + start, box[axis] + stop
    return box[0], box[1], box[2], box[3]


def best_interval(values: NDArray[np.floating]) -> tuple[int, int]:
    """The half-open interval with the largest sum; (0, 0) if no value is positive."""
    best, best_span, start, running = 0.0, (0, 0), 0, 0.0
    for at, value in enumerate(values.tolist()):
        running += value
        if running > best:
            best, best_span = running, (start, at + 1)
        if running <= 0:
            start, running = at + 1, 0.0
    return best_span


def to_box(cells: tuple[int, int, int, int], side: int, shape: tuple[int, ...]) -> Box:
    """A box of cells, converted to px and clipped to the picture."""
    x0, y0, x1, y1 = (float(value * side) for value in cells)
    return Box(x0, y0, min(x1, float(shape[1])), min(y1, float(shape[0])))
