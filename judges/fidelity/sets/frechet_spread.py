"""Computes a Fréchet distance with its spread, from features gathered by group."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.fidelity.sets.frechet import frechet_distance_of_moments, frechet_distance_of_rows
from evalkit.judges.fidelity.sets.grouped import GROUPS, GroupedFeatures
from evalkit.judges.fidelity.sets.jackknife import Jackknife, jackknife
from evalkit.judges.fidelity.sets.moments import Moments


class FrechetEstimate(NamedTuple):
    """The distance and its spread over the groups; the spread is `None` if there are too few cases."""

    value: float
    spread: Jackknife | None


def frechet_estimate(pictures: GroupedFeatures, reference: GroupedFeatures, *, twins: bool) -> FrechetEstimate:
    """The distance of two sets, with each group of cases left out in turn.

    With `twins` a case is left out on both sides; otherwise the reference counts as fixed.

    Raises:
        ValueError: a side has fewer than 2 pictures.
    """
    if min(pictures.n, reference.n) < 2:
        raise ValueError("a Fréchet distance needs at least 2 pictures on each side")
    rows, others = pictures.rows, reference.rows
    if rows is not None and others is not None:
        return _of_rows(rows, pictures.labels, others, reference.labels if twins else None)
    return _of_moments(pictures.moments(), reference.moments(), twins)


def _of_rows(
    x: NDArray[np.float32], groups: NDArray[np.int64], y: NDArray[np.float32], others: NDArray[np.int64] | None
) -> FrechetEstimate:
    value = frechet_distance_of_rows(x, y)
    used, sizes = np.unique(groups, return_counts=True)
    if len(used) < GROUPS or len(x) - sizes.max() < 2:
        return FrechetEstimate(value, None)
    left = [frechet_distance_of_rows(x[groups != g], y if others is None else y[others != g]) for g in used]
    return FrechetEstimate(value, jackknife(value, np.array(left), sizes))


def _of_moments(x: list[Moments], y: list[Moments], twins: bool) -> FrechetEstimate:
    all_x, all_y = _together(x), _together(y)
    value = frechet_distance_of_moments(all_x, all_y)
    if any(all_x.n - part.n < 2 or not part.n for part in x):
        return FrechetEstimate(value, None)
    left = [
        frechet_distance_of_moments(all_x.without(one), all_y.without(other) if twins else all_y)
        for one, other in zip(x, y, strict=True)
    ]
    return FrechetEstimate(value, jackknife(value, np.array(left), np.array([part.n for part in x])))


def _together(parts: list[Moments]) -> Moments:
    total = parts[0]
    for part in parts[1:]:
        total = total.merged(part)
    return total
