"""Intervals: coverage where it can be counted, honesty where it can't."""

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.intervals import case_means, mean_interval


def test_seeds_of_a_case_count_once() -> None:
    assert case_means([("a", 0.0), ("a", 1.0), ("b", 1.0)]).tolist() == [0.5, 1.0]


def test_agrees_with_the_t_interval_on_bell_shaped_data() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))


def test_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        found = mean_interval(rng.beta(5, 2, 40), confidence=0.9, low=0, high=1)
        assert found is not None
        hits += bool(found.low is not None and found.high is not None and found.low <= 5 / 7 <= found.high)
    # 90 % of 200 is 180; a binomial at 0.9 falls below 166 once in a thousand
    assert hits >= 166


def test_all_alike_is_not_certainty() -> None:
    found = mean_interval(np.ones(24), low=0, high=1)
    assert found is not None
    exact = stats.binomtest(24, 24).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(exact.low)
    assert found.high == 1.0


def test_what_can_not_be_known_is_none() -> None:
    assert mean_interval(np.array([])) is None
    single = mean_interval(np.array([0.3]), low=0, high=1)
    assert single is not None
    assert (single.low, single.high) == (None, None)
    unbounded = mean_interval(np.zeros(10), low=0, high=None)
    assert unbounded is not None
    assert (unbounded.low, unbounded.high) == (0.0, None)


def test_many_cases_are_repeatable() -> None:
    values = np.random.default_rng(3).random(10_000)
    assert mean_interval(values) == mean_interval(values)


def test_alike_but_for_rounding_or_one_case() -> None:
    differences = np.array([0.1 + 0.2 - 0.3, 0.0] * 50) - 0.4
    almost = mean_interval(differences, low=-1, high=1)
    assert almost is not None
    assert almost.low is not None
    assert almost.low < -0.4
    one_odd = mean_interval(np.array([1.0] * 99 + [0.0]), low=0, high=1)
    assert one_odd is not None
    assert one_odd.low is not None
    assert 0.9 < one_odd.low < 0.99 <= one_odd.value
