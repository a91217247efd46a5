"""Compares two entries case by case, where both runs are at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from evalkit.api.records import Dimension, Role, Status
from evalkit.api.results import CaseResult
from evalkit.stats.intervals import case_means, mean_interval

CONFIDENCE = 0.95
MIN_CASES = 2
"""With fewer common cases there is no interval of the difference."""


class Cell(NamedTuple):
    """The place of one score: dimension, case and seed."""

    dimension: str
    case: str
    seed: int


Cells = Mapping[Cell, float | None]
"""The cells that were asked of one generator of one run; `None` for a missing score."""


def cells_of(cases: Iterable[CaseResult]) -> dict[Role, dict[Cell, float | None]]:
    """The asked cells of every role of a run, in suite order."""
    found: dict[Role, dict[Cell, float | None]] = {}
    for result in cases:
        for role, verdicts in result.verdicts.items():
            for verdict in verdicts:
                for score in verdict.scores:
                    if score.status is not Status.NOT_APPLICABLE:
                        place = Cell(score.dimension, result.case.id, result.seed)
                        found.setdefault(role, {})[place] = score.value
    return found


def is_better_by_case(one: Cells, other: Cells, dimension: Dimension) -> bool | None:
    """Whether `one` is certainly better than `other`, by the interval of their paired difference.

    Cells that only `one` misses take their least favourable value; cells that `other` misses are left out, so that a
    missing score helps neither.

    Returns:
        `None` where the two have too few cells in common to say. False where a missing cell of `one` has no least
        favourable value.
    """
    sign = 1.0 if dimension.higher_is_better else -1.0
    gains: list[tuple[str, float]] = []
    for place, theirs in other.items():
        if place.dimension != dimension.name or theirs is None or place not in one:
            continue
        ours = one[place]
        ours = dimension.bad_end if ours is None else ours
        if ours is None:
            return False
        gains.append((place.case, sign * (ours - theirs)))
    means = case_means(gains)
    if len(means) < MIN_CASES:
        return None
    low, high = dimension.bad_end, dimension.good_end
    width = None if low is None or high is None else abs(high - low)
    gain = mean_interval(means, confidence=CONFIDENCE, low=None if width is None else -width, high=width)
    return gain is not None and gain.low is not None and gain.low > 0
