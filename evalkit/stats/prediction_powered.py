"""Prediction-powered inference: the mean of what people would say of every picture, from few labels and many scores.

The judge scores everything, people a random sample. The judge's mean over everything is corrected by how far it is off
where people looked (Angelopoulos et al. 2023, arXiv 2301.09633), with a weight that makes the interval no wider than
that of the labels alone when the judge is useless (PPI++, Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.results import Interval
from evalkit.stats.intervals import mean_interval

Values = NDArray[np.float64]
LEAST = 30
"""Labelled cases from which on the judge may help. Its weight is fitted to them: with 10 the interval of a fair judge
covers 91 % (88 % where most pictures are good), with 20 95 % (93 %): `simulate(world, n, judged=200, draws=600)` of
tests/bench/calibration.py, with 2 here."""
LEAST_APART = 10
"""So many of them must differ from the most common label. Where defects are rare and the judge misses some, how far it
is off hangs on few cases: with 85 % of the pictures the best and a third of the rest missed, the interval covered 84 %
with 30 labels and 88 % with 50; with this rule it covers 96 % (`simulate(RARE world, n, draws=1000)`)."""


class Powered(NamedTuple):
    """An estimate with what it is made of.

    `estimate` is the mean over all pictures and `labels_only` what the labels say without the judge; both of `n`
    labelled cases. `weight` is PPI++'s lambda, 0 where the judge adds nothing. `worth` is how many labels alone would
    have given as narrow an interval, `None` where an interval has an open end.
    """

    estimate: Interval
    labels_only: Interval
    weight: float
    worth: float | None


def tuned_weight(labels: Values, scores: Values, others: Values) -> float:
    """PPI++'s weight of the judge: `cov(Y, f) / ((1 + n/N) var f)`, equal to `ppi_py`'s but for its limits of 0 and 1.

    It may be negative: where the judge counts defects, a higher score means a worse picture.

    Args:
        labels: people's values of the labelled cases, shape (n,).
        scores: the judge's of the same cases, shape (n,).
        others: the judge's of all other cases, shape (N,).

    Returns:
        0 where the judge says the same of everything.
    """
    n, more = len(labels), len(others)
    if n < 2 or more == 0:
        return 0.0
    everything = np.concatenate([scores, others])
    spread = float(np.var(everything, ddof=1))
    if spread <= 1e-12 * max(1.0, float(np.abs(everything).max()) ** 2):
        return 0.0
    together = float(np.mean((labels - labels.mean()) * (scores - scores.mean())))
    return together / ((1 + n / more) * spread)


def powered_mean(
    labels: Values,
    scores: Values,
    others: Values,
    *,
    confidence: float = 0.95,
    low: float | None = None,
    high: float | None = None,
) -> Powered | None:
    """Mean of people's values over all cases with a two-sided interval.

    The value is `weight * mean(others) + mean(labels - weight * scores)`. Its two parts come from different cases, so
    they are independent; each gets the interval that every other mean of evalkit has (`mean_interval`, which holds for
    skewed grades and shares near 1, where a normal interval does not), and the two are put together by the method of
    variance estimates recovery (Zou & Donner 2008, Statistics in Medicine 27:1693). Several pictures of a case are to
    be averaged before: a case is one value, which is the clustering.

    With fewer than `LEAST` labels, or fewer than `LEAST_APART` that are not the most common one, they stand alone.

    Coverage and width, measured: `python -m tests.bench calibration`, table in docs/calibration.md.

    Args:
        labels: people's values, one per labelled case, shape (n,).
        scores: the judge's values of the same pictures, shape (n,).
        others: the judge's values of cases nobody labelled, shape (N,).
        confidence: coverage, 0.95 for 95 %.
        low: smallest possible label, `None` if unbounded.
        high: largest possible label.

    Returns:
        `None` without labels.

    Raises:
        ValueError: not one score for each label.
    """
    if labels.shape != scores.shape:
        raise ValueError(f"{len(labels)} labels, but {len(scores)} scores of the same cases")
    alone = mean_interval(labels, confidence=confidence, low=low, high=high)
    if alone is None:
        return None
    weight = tuned_weight(labels, scores, others) if _enough(labels) else 0.0
    if weight == 0.0 or alone.low is None or alone.high is None or np.ptp(labels) == 0:
        return Powered(alone, alone, 0.0, float(alone.n))
    n = len(labels)
    correction = mean_interval(labels - weight * scores, confidence=confidence)
    rest = mean_interval(weight * others, confidence=confidence)
    assert correction
    assert rest
    value = correction.value + rest.value
    down, up = _missing(correction, "low"), _missing(correction, "high")
    rest_down, rest_up = _missing(rest, "low"), _missing(rest, "high")
    lower, upper = value - math.hypot(down, rest_down), value + math.hypot(up, rest_up)
    estimate = Interval(_inside(value, low, high), _inside(lower, low, high), _inside(upper, low, high), n, confidence)
    width = upper - lower
    worth = n * ((alone.high - alone.low) / width) ** 2 if width > 0 else None
    return Powered(estimate, alone, weight, worth)


def _enough(labels: Values) -> bool:
    """Whether the labels are enough to say how far the judge is off."""
    _, times = np.unique(labels, return_counts=True)
    return len(labels) >= LEAST and len(labels) - int(times.max()) >= LEAST_APART


def _missing(interval: Interval, side: str) -> float:
    """How far a bound lies from the value; 0 where all values are alike."""
    bound = getattr(interval, side)
    return 0.0 if bound is None else abs(float(bound) - interval.value)


def _inside(value: float, low: float | None, high: float | None) -> float:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
