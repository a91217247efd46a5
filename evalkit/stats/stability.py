"""A/A: what changes between runs of one and the same student is chance, and no case to fail anybody for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.stats.intervals import mean_interval


@dataclass(frozen=True, slots=True)
class Unstable:
    """A case that passed in some runs of one student and failed in others."""

    case_id: str
    rate: float
    """Share of its pictures that failed."""
    n: int


def unstable_cases(history: Mapping[str, Sequence[bool]]) -> tuple[Unstable, ...]:
    """The cases that did not always end alike, most undecided first.

    Args:
        history: case id -> whether each of its pictures failed, over all runs.
    """
    found = [
        Unstable(case, sum(ended) / len(ended), len(ended)) for case, ended in history.items() if len(set(ended)) > 1
    ]
    return tuple(sorted(found, key=lambda case: (abs(case.rate - 0.5), case.case_id)))


def chance_of_failing(
    history: Mapping[str, Sequence[float]],
    max_drop: float,
    *,
    confidence: float = 0.95,
    low: float | None = None,
    high: float | None = None,
    draws: int = 200,
) -> float | None:
    """How often a gate on `max_drop` would fail the student against itself.

    Each draw makes two runs of one: for every case two of its values without replacement, one for either side. That
    uses all values of all cases, where pairs of whole runs would be few. Fixed seed.

    Args:
        history: case id -> one value per run (or per seed).
        max_drop: the gate's bound.
        confidence: of the gate's interval.
        low: smallest possible difference of two values, `None` if unbounded.
        high: largest possible difference.
        draws: how many A/A comparisons are made.

    Returns:
        Share of the draws in which the gate fails; `None` if no case has two values.
    """
    repeated = [np.asarray(values, dtype=float) for values in history.values() if len(values) > 1]
    if not repeated:
        return None
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(draws):
        pairs = np.array([rng.choice(values, 2, replace=False) for values in repeated])
        interval = mean_interval(pairs[:, 0] - pairs[:, 1], confidence=confidence, low=low, high=high)
        failed += bool(interval and interval.low is not None and interval.low > max_drop)
    return failed / draws
