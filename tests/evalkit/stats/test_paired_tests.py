"""Paired tests against their definitions."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.paired_tests import mcnemar_p_value, paired_p_value, signed_rank_p_value


@pytest.mark.parametrize(
    ("worse", "better", "p"), [(0, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (3, 3, 1.0), (9, 1, 22 / 1024)]
)
def test_mcnemar_by_hand(worse: int, better: int, p: float) -> None:
    assert mcnemar_p_value(worse, better) == pytest.approx(p)
    assert mcnemar_p_value(better, worse) == pytest.approx(p)


def test_signed_ranks_with_ties_by_all_signs() -> None:
    values = np.array([0.1, 0.1, -0.2, 0.3, 0.3, -0.3, 0.5, 0.0, 0.0])
    kept = values[values != 0]
    ranks = stats.rankdata(abs(kept))
    seen = ranks[kept > 0].sum()
    sums = [ranks @ np.array(signs) for signs in product((0, 1), repeat=len(kept))]
    both = min(np.mean(np.array(sums) >= seen), np.mean(np.array(sums) <= seen)) * 2
    assert signed_rank_p_value(values) == pytest.approx(both)


@pytest.mark.parametrize("n", [12, 40])
def test_signed_ranks_agree_with_scipy_without_ties(n: int) -> None:
    values = np.random.default_rng(n).normal(0.3, 1, n)
    assert signed_rank_p_value(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


def test_the_normal_takes_over_smoothly() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 51)
    assert signed_rank_p_value(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, abs=0.005)


def test_picks_the_test_that_fits() -> None:
    flips = np.array([0.0] * 50 + [-1.0] * 9 + [1.0])
    assert paired_p_value(flips) == pytest.approx(mcnemar_p_value(9, 1))
    graded = flips * 0.5
    assert paired_p_value(graded) == pytest.approx(signed_rank_p_value(graded))


def test_no_test_is_none_and_no_difference_is_one() -> None:
    assert paired_p_value([]) is None
    assert paired_p_value([0.1, float("nan")]) is None
    assert paired_p_value([0.0, 0.0]) == 1.0
    assert paired_p_value([0.25]) == 1.0


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(2)
    found = [paired_p_value(rng.choice([-0.5, -0.25, 0.25, 0.5], 20) * (rng.random(20) < 0.5)) for _ in range(400)]
    # at 5 %, 400 samples give more than 8.5 % once in a thousand
    assert np.mean([p is not None and p < 0.05 for p in found]) <= 0.085
