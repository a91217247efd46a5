"""Measures of agreement between raters, or between a judge and people: chance-corrected, by rank, and by pairs."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal", "interval"]
Values = NDArray[np.float64]


def krippendorff_alpha(ratings: Values, level: Level) -> float | None:
    """Krippendorff's alpha: 1 for agreement, 0 for chance, negative for less than that.

    Computed from coincidences (Krippendorff 2004, "Content Analysis", chapter 11), so that missing ratings and any
    number of raters are allowed; equal to the package `krippendorff` (tests/evalkit/stats/test_agreement.py).

    Args:
        ratings: shape (raters, units); NaN where a rater gave none.
        level: how a difference counts: all alike (`nominal`), by the ranks in between (`ordinal`), or by its square
            (`interval`).

    Returns:
        `None` if no unit has two ratings, or if all ratings have the same value, because agreement can't then be told
        from raters who always give that value.
    """
    given = ~np.isnan(ratings)
    pairable = given.sum(axis=0) >= 2
    ratings, given = ratings[:, pairable], given[:, pairable]
    values = np.unique(ratings[given])
    if len(values) < 2:
        return None
    counts = np.zeros((ratings.shape[1], len(values)))
    units = np.broadcast_to(np.arange(ratings.shape[1]), ratings.shape)
    np.add.at(counts, (units[given], np.searchsorted(values, ratings[given])), 1)
    weights = 1 / (counts.sum(axis=1) - 1)
    coincidences = (counts.T * weights) @ counts - np.diag((counts * weights[:, None]).sum(axis=0))
    totals = coincidences.sum(axis=0)
    expected = (np.outer(totals, totals) - np.diag(totals)) / (totals.sum() - 1)
    apart = _distances(values, totals, level)
    by_chance = float((expected * apart).sum())
    return None if by_chance == 0 else 1 - float((coincidences * apart).sum()) / by_chance


def _distances(values: Values, totals: Values, level: Level) -> Values:
    """Squared distance of every two values, shape (m, m)."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    middles = np.cumsum(totals) - totals / 2  # half the weight of both ends, and all of what lies between
    return np.asarray((middles[:, None] - middles[None, :]) ** 2)


def weighted_kappa(first: Values, second: Values, levels: Values) -> float | None:
    """Cohen's kappa with quadratic weights (Cohen 1968).

    Args:
        first: one rater's levels, shape (n,).
        second: the other's of the same units.
        levels: all levels of the scale, ascending.

    Returns:
        `None` if there are no units, or if both raters only ever gave one and the same level.
    """
    if not len(first):
        return None
    joint = np.zeros((len(levels), len(levels)))
    np.add.at(joint, (np.searchsorted(levels, first), np.searchsorted(levels, second)), 1 / len(first))
    weights = (levels[:, None] - levels[None, :]) ** 2
    by_chance = float((weights * np.outer(joint.sum(axis=1), joint.sum(axis=0))).sum())
    return None if by_chance == 0 else 1 - float((weights * joint).sum()) / by_chance


def rank_correlation(first: Values, second: Values) -> float | None:
    """Spearman's rank correlation, with mean ranks for ties; `None` if one side does not vary."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    from scipy import stats

    return float(stats.spearmanr(first, second).statistic)


# ------------------------------------------------------------------------------------------------------- pairs


class Pairs(NamedTuple):
    """Every pair of units: differences of the judge's scores and the sign of people's difference, shape (pairs,)."""

    scores: Values
    signs: NDArray[np.int_]


def all_pairs(scores: Values, labels: Values, at_most: int = 1500) -> Pairs:
    """All pairs of units; of more than `at_most` units, only pairs of that many evenly spaced ones."""
    if len(scores) > at_most:
        kept = np.linspace(0, len(scores) - 1, at_most).astype(int)
        scores, labels = scores[kept], labels[kept]
    one, other = np.triu_indices(len(scores), k=1)
    return Pairs(scores[one] - scores[other], np.sign(labels[one] - labels[other]).astype(int))


def pairwise_accuracy(pairs: Pairs, tie: float) -> float | None:
    """acc_eq: the share of pairs that the judge orders as people do, ties included; `None` if there are no pairs.

    A pair counts as a tie of the judge if its scores differ by at most `tie` (Deutsch, Foster & Freitag 2023, "Ties
    Matter", arXiv 2305.14324).
    """
    if not len(pairs.scores):
        return None
    said = np.where(np.abs(pairs.scores) <= tie, 0, np.sign(pairs.scores)).astype(int)
    return float(np.mean(said == pairs.signs))


def calibrated_tie(pairs: Pairs) -> float:
    """The `tie` that maximises acc_eq (tie calibration, same paper); the smallest one if several do, 0 without pairs.

    Fit it on other pairs than those on which acc_eq is measured.
    """
    if not len(pairs.scores):
        return 0.0
    sizes = np.abs(pairs.scores)
    order = np.argsort(sizes, kind="stable")
    sizes = sizes[order]
    tied = pairs.signs[order] == 0
    right = (np.sign(pairs.scores[order]) == pairs.signs[order]) & (sizes > 0)
    # with the first k pairs called ties: people's ties among those, and right orders among the rest
    gains = np.concatenate([[0], np.cumsum(tied)]) + right.sum() - np.concatenate([[0], np.cumsum(right)])
    ends = np.flatnonzero(np.append(sizes[1:] > sizes[:-1], True))  # equal sizes are all ties or none
    candidates = np.concatenate([[0.0], sizes[ends]])
    counts = np.concatenate([[np.searchsorted(sizes, 0.0, side="right")], ends + 1])
    return float(candidates[int(np.argmax(gains[counts]))])
