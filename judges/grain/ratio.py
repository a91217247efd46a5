"""Computes the log-ratio of the student's and the teacher's visible noise, with an interval. Pure functions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from evalkit.judges.grain.colour import Plane
from evalkit.judges.grain.mask import shrink
from evalkit.judges.grain.measure import VISIBLE, WINDOW, Noise, window_cells

LEAST = VISIBLE / 5
"""Least value for each side, L*, so that the ratio of two grounds without noise is 1."""
DRAWS = 200
MOST_WINDOWS = 1024
LEVEL = 0.95


class Ratio(NamedTuple):
    """ln(student / twin) of the 95th percentile of visible noise, and the ends of its 95 % interval.

    0.69 is twice as much.
    """

    value: float
    low: float
    high: float


def log_ratio(student: Noise, twin: Noise) -> Ratio:
    """The ratio on the same flat cells.

    The interval is a bootstrap over non-overlapping windows of the map, drawn in pairs. It shows how much of the ratio
    is due to chance in the noise of this one picture. The run's statistics have their own intervals across pictures.
    """
    both = np.isfinite(student.local) & np.isfinite(twin.local)
    value = _ln(student.local[both], twin.local[both])
    step = window_cells(WINDOW, shrink(student.weighted.shape), student.cell)
    chosen = np.zeros(both.shape, dtype=np.bool_)
    chosen[step // 2 :: step, step // 2 :: step] = True
    chosen &= both
    if not chosen.any():
        chosen = both
    one, other = student.local[chosen][:MOST_WINDOWS], twin.local[chosen][:MOST_WINDOWS]
    draws = np.random.default_rng(0).integers(0, len(one), (DRAWS, len(one)))
    values = [_ln(one[draw], other[draw]) for draw in draws]
    low, high = np.percentile(values, (50 - 50 * LEVEL, 50 + 50 * LEVEL))
    return Ratio(value, min(value, float(low)), max(value, float(high)))


def _ln(student: Plane, twin: Plane) -> float:
    one, other = (max(float(np.percentile(values, 95)), LEAST) for values in (student, twin))
    return math.log(one / other)
