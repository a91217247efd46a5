"""Prediction-powered inference: estimates what people would say of all pictures, from few labels and many scores.

The judge scores every picture, people label a random sample. The judge's mean over all pictures is corrected by its
error on the labelled ones (Angelopoulos et al. 2023, arXiv 2301.09633). The judge has a weight, so that the interval is
no wider than that of the labels alone if the judge is useless (PPI++, Angelopoulos, Duchi & Zrnic 2023,
arXiv 2311.01453).
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
"""With fewer labelled cases the judge gets no weight. The weight is fitted to them: with 10 the interval of a fair
judge covers 91 % (88 % where most pictures are good), with 20 95 % (93 %): `simulate(world, n, judged=200, draws=600)`
of tests/bench/calibration.py, with 2 here."""
LEAST_APART = 10
"""This many labels must differ from the most common one. If defects are rare and the judge misses some of them, the
estimate of its error rests on few cases: with 85 % of the pictures the best and a third of the rest missed, the
interval covered 84 % with 30 labels and 88 % with 50; with this rule it covers 96 % (`simulate(RARE world, n,
draws=1000)`)."""


class PoweredMean(NamedTuple):
    """A prediction-powered estimate.

    Args:
        estimate: mean over all pictures; its `n` counts labelled cases.
        labels_only: mean of the labels, without the judge.
        weight: PPI++'s lambda; 0 if the judge adds nothing.
        worth: how many labels alone would give as narrow an interval; `None` if an interval has no bound.
    """

    estimate: Interval
    labels_only: Interval
    weight: float
    worth: float | None


def tuned_weight(labels: Values, scores: Values, others: Values) -> float:
    """PPI++'s weight of the judge: `cov(Y, f) / ((1 + n/N) var f)`, equal to `ppi_py`'s but for its limits of 0 and 1.

    It may be negative: if the judge counts defects, a higher score means a worse picture.

    Args:
        labels: values that people gave to the labelled cases, shape (n,).
        scores: the judge's scores of the same cases, shape (n,).
        others: the judge's scores of all other cases, shape (N,).

    Returns:
        The weight; 0 if all of the judge's scores are equal.
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
) -> PoweredMean | None:
    """Mean of people's values over all cases, with a two-sided interval.

    The value is `weight * mean(others) + mean(labels - weight * scores)`. Its two parts come from different cases, so
    they are independent. Each part gets the interval of every other mean in evalkit (`mean_interval`, which is valid
    for skewed grades and shares near 1, where a normal interval is not), and the two are combined by the method of
    variance estimates recovery (Zou & Donner 2008, Statistics in Medicine 27:1693). The judge's values are taken to be
    bounded by the least and the largest of all of them. Average several pictures of a case first: each case must be one
    value, because of the clustering.

    With fewer than `LEAST` labels, or fewer than `LEAST_APART` that differ from the most common one, the labels alone
    give the estimate.

    Coverage and width were measured: `python -m tests.bench calibration`, table in docs/calibration.md.

    Args:
        labels: values that people gave, one per labelled case, shape (n,).
        scores: the judge's values of the same pictures, shape (n,).
        others: the judge's values of the cases that nobody labelled, shape (N,).
        confidence: coverage, 0.95 for 95 %.
        low: smallest possible label, `None` if unbounded.
        high: largest possible label, `None` if unbounded.

    Returns:
        The estimate; `None` if there are no labels.

    Raises:
        ValueError: there is not one score for each label.
    """
    if labels.shape != scores.shape:
        raise ValueError(f"{len(labels)} labels, but {len(scores)} scores of the same cases")
    alone = mean_interval(labels, confidence=confidence, low=low, high=high)
    if alone is None:
        return None
    weight = tuned_weight(labels, scores, others) if _enough(labels) else 0.0
    if weight == 0.0 or alone.low is None or alone.high is None or np.ptp(labels) == 0:
        return PoweredMean(alone, alone, 0.0, float(alone.n))
    n = len(labels)
    weighted = weight * np.concatenate([scores, others])
    least, most = float(weighted.min()), float(weighted.max())
    correction = mean_interval(
        labels - weight * scores,
        confidence=confidence,
        low=None if low is None else low - most,
        high=None if high is None else high - least,
    )
    rest = mean_interval(weight * others, confidence=confidence, low=least, high=most)
    assert correction
    assert rest
    value = correction.value + rest.value
    down, up = _half_width(correction, "low"), _half_width(correction, "high")
    rest_down, rest_up = _half_width(rest, "low"), _half_width(rest, "high")
    lower, upper = value - math.hypot(down, rest_down), value + math.hypot(up, rest_up)
    estimate = Interval(_inside(value, low, high), _inside(lower, low, high), _inside(upper, low, high), n, confidence)
    width = upper - lower
    worth = n * ((alone.high - alone.low) / width) ** 2 if width > 0 else None
    return PoweredMean(estimate, alone, weight, worth)


def _enough(labels: Values) -> bool:
    """Whether there are enough labels to estimate the judge's error."""
    _, times = np.unique(labels, return_counts=True)
    return len(labels) >= LEAST and len(labels) - int(times.max()) >= LEAST_APART


def _half_width(interval: Interval, side: str) -> float:
    """Distance of a bound from the value; 0 if there is no bound because all values are equal."""
    bound = getattr(interval, side)
    return 0.0 if bound is None else abs(float(bound) - interval.value)


def _inside(value: float, low: float | None, high: float | None) -> float:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
