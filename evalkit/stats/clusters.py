"""How much several pictures (seeds) of one case add to the precision."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np


class Spread(NamedTuple):
    """Standard deviation of single pictures, and their correlation within a case (`None` if no case has two)."""

    sd: float
    correlation: float | None


def effective_sd(sd: float, seeds: int, correlation: float) -> float:
    """Standard deviation of the mean of `seeds` pictures of a case, from that of single pictures.

    `1 + (seeds - 1) * correlation` is the design effect (Kish 1965).

    Raises:
        ValueError: fewer than one seed, or a correlation outside [0, 1].
    """
    if seeds < 1 or not 0 <= correlation <= 1:
        raise ValueError(f"no spread from {seeds} seeds and a correlation of {correlation}")
    return sd * math.sqrt((1 + (seeds - 1) * correlation) / seeds)


def picture_spread(values: Iterable[tuple[Hashable, float]]) -> Spread:
    """Spread of single pictures and correlation within a case, from one-way analysis of variance (Fisher 1925).

    Args:
        values: (case, value) pairs that come grouped by case.

    Returns:
        In units of the value; a negative correlation counts as 0. Standard deviation 0 for fewer than two cases.
    """
    cases = [np.array([v for _, v in group], dtype=float) for _, group in groupby(values, key=itemgetter(0))]
    if len(cases) < 2:
        return Spread(0.0, None)
    sizes = np.array([len(case) for case in cases])
    everything = np.concatenate(cases)
    inside = sum(float(np.sum((case - case.mean()) ** 2)) for case in cases)
    between = float(np.sum((everything - everything.mean()) ** 2)) - inside
    between_mean = between / (len(cases) - 1)
    if len(everything) == len(cases):
        return Spread(math.sqrt(between_mean), None)
    within = inside / (len(everything) - len(cases))
    typical = (sizes.sum() - np.sum(sizes**2) / sizes.sum()) / (len(cases) - 1)
    shared = max((between_mean - within) / float(typical), 0.0)
    total = shared + within
    return Spread(math.sqrt(total), shared / total if total > 0 else 0.0)
