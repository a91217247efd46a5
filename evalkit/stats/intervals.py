"""Confidence intervals of a mean over cases.

Several pictures (seeds) of one case are not independent, so the case is the unit: a case's value is the mean over its
seeds, and resampling cases is the cluster bootstrap (Cameron, Gelbach & Miller 2008; Miller 2024, arXiv 2411.00640).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterable
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from evalkit.results import Interval

N_RESAMPLES = 2000
_ROUNDING = 1e-9
BCA_UP_TO = 1000
"""Above this many cases the jackknife of BCa costs n² and moves no bound by more than the resampling noise."""


def case_means(values: Iterable[tuple[Hashable, float]]) -> NDArray[np.float64]:
    """Mean per case from (case, value) pairs that come grouped by case; shape (n_cases,)."""
    return np.array([np.mean([v for _, v in group]) for _, group in groupby(values, key=itemgetter(0))], dtype=float)


def mean_interval(
    means: NDArray[np.float64],
    *,
    confidence: float = 0.95,
    low: float | None = None,
    high: float | None = None,
) -> Interval | None:
    """Mean over cases with a two-sided bootstrap interval (BCa, percentile above 1,000 cases; fixed seed).

    Args:
        means: one value per case, shape (n,).
        confidence: coverage, 0.95 for 95 %.
        low: smallest possible value of the quantity, `None` if unbounded.
        high: largest possible value, `None` if unbounded.

    Returns:
        `None` for no cases. A bound is `None` where the data can't tell: a single case, or all cases alike in an
        unbounded quantity. All cases alike in a bounded quantity get the exact binomial bound: `n` alike values
        leave a share of at most `1 - ((1 - confidence) / 2) ** (1 / n)` of others unseen (Clopper & Pearson 1934).
    """
    n = len(means)
    if n == 0:
        return None
    value = float(np.mean(means))
    if n == 1 or np.ptp(means) <= _ROUNDING * max(1.0, abs(value)):
        unseen = 1 - ((1 - confidence) / 2) ** (1 / n)
        bounds = [None if n == 1 or end is None else value + unseen * (end - value) for end in (low, high)]
        return Interval(value, bounds[0], bounds[1], n, confidence)
    from scipy import stats

    # BCa has no answer (NaN) where nearly all cases are alike; the percentile interval always has one
    for method in ("BCa", "percentile") if n <= BCA_UP_TO else ("percentile",):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            found = stats.bootstrap(
                (means,),
                np.mean,
                n_resamples=N_RESAMPLES,
                confidence_level=confidence,
                method=method,
                batch=max(1, 2_000_000 // n),
                rng=np.random.default_rng(0),
            ).confidence_interval
        if math.isfinite(found.low) and math.isfinite(found.high):
            break
    return Interval(value, float(found.low), float(found.high), n, confidence)
