"""P-values of paired differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 50
"""Up to this many non-zero differences the signed-rank test is exact; above it a normal approximation is used."""


def mcnemar_p_value(worse: int, better: int) -> float:
    """Exact two-sided McNemar test of two counts of discordant pairs; 1 if there are none.

    If there is no difference, `worse` of `worse + better` pairs is Binomial(½) (McNemar 1947; exact form: Fagerland,
    Lydersen & Laake 2013). The smallest reachable p with 5 pairs is 0.0625: at least 6 are needed for 0.05.

    Raises:
        ValueError: a negative count.
    """
    if min(worse, better) < 0:
        raise ValueError(f"counts of pairs can't be negative: {worse}, {better}")
    if worse + better == 0:
        return 1.0
    from scipy import stats

    return float(stats.binomtest(worse, worse + better).pvalue)


def signed_rank_p_value(differences: ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test; 1 if all differences are 0.

    Zeros are dropped (Wilcoxon 1945), since they have no direction. Ties share their mean rank. Up to `EXACT_UP_TO`
    differences the null distribution is enumerated, ties included; above that, `scipy.stats.wilcoxon`'s
    normal approximation with tie correction is used.
    """
    values = np.asarray(differences, dtype=float)
    values = values[values != 0]
    if not len(values):
        return 1.0
    from scipy import stats

    if len(values) > EXACT_UP_TO:
        return float(stats.wilcoxon(values, method="asymptotic").pvalue)
    # twice a mean rank is a whole number, so that sums of tied ranks can be enumerated like sums of untied ones
    doubled = np.rint(2 * stats.rankdata(np.abs(values))).astype(int)
    chances = _signed_sums(doubled)
    positive = int(doubled[values > 0].sum())
    tail = min(float(chances[: positive + 1].sum()), float(chances[positive:].sum()))
    return min(1.0, 2 * tail)


def _signed_sums(ranks: NDArray[np.int_]) -> NDArray[np.float64]:
    """Probability of every sum of positive ranks if each sign is a fair coin toss; shape (sum of ranks + 1,)."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        chances[rank:] = 0.5 * (chances[rank:] + chances[:-rank])
        chances[:rank] *= 0.5
    return chances


def paired_p_value(differences: ArrayLike) -> float | None:
    """The suitable two-sided test: exact McNemar if all differences are -1, 0 or 1, else Wilcoxon's signed ranks.

    Args:
        differences: one per case, shape (n,).

    Returns:
        The p-value; `None` if no test is possible (no cases, or a value that is not finite).
    """
    values = np.asarray(differences, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        return None
    if np.isin(values, (-1.0, 0.0, 1.0)).all():
        return mcnemar_p_value(int((values < 0).sum()), int((values > 0).sum()))
    return signed_rank_p_value(values)
