"""Intervals: coverage where it can be counted, honesty where it can't."""

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.intervals import case_means, mean_interval
from evalkit.stats.paired_tests import mcnemar_p_value
from tests.bench.statistics import OPEN_TAILS, POPULATIONS, false_passes, misses


def test_seeds_of_a_case_count_once() -> None:
    assert case_means([("a", 0.0), ("a", 1.0), ("b", 1.0)]).tolist() == [0.5, 1.0]


def test_agrees_with_the_t_interval_on_bell_shaped_data() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    assert found is not None
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=0.03), pytest.approx(high, abs=0.03))


@pytest.mark.parametrize(
    "name", ["bell", "exponential, unbounded", "0/1, p = 0.8", "1 to 5", "95% zeros, ±1", "95% zeros, all -U(0, 1)"]
)
def test_covers_the_truth_as_often_as_it_says(name: str) -> None:
    population = next(population for population in POPULATIONS if population.name == name)
    found = misses(population, 100, 300)
    # at a true coverage of 95 %, 300 samples give less than 90.7 % once in a thousand; zeros make it conservative
    assert found.coverage >= 0.906
    assert found.above <= 0.06, "at 2.5 %, 300 samples give more once in a thousand"


def test_two_bad_cases_are_no_proof_and_six_are() -> None:
    def upper(bad: int) -> float:
        found = mean_interval(np.array([0.0] * (24 - bad) + [-0.7] * bad), low=-1, high=1)
        assert found is not None
        assert found.high is not None
        return found.high

    assert upper(2) > 0.03
    assert upper(4) > 0
    assert upper(6) < -0.01


@pytest.mark.parametrize("worse", range(3, 16))
def test_excludes_zero_just_where_mid_p_mcnemar_rejects(worse: int) -> None:
    better = 3
    differences = np.array([0.0] * 40 + [1.0] * worse + [-1.0] * better)
    found = mean_interval(differences, low=-1, high=1)
    assert found is not None
    assert found.low is not None
    mid_p = mcnemar_p_value(worse, better) - stats.binom.pmf(worse, worse + better, 0.5)
    assert (found.low > 0) == (mid_p < 0.05)


@pytest.mark.parametrize(("hits", "n"), [(1, 24), (25, 50), (47, 50), (490, 500)])
def test_is_the_mid_p_interval_for_shares(hits: int, n: int) -> None:
    found = mean_interval(np.array([1.0] * hits + [0.0] * (n - hits)), low=0, high=1)
    assert found is not None
    assert found.low is not None
    exact = stats.binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert exact.low <= found.low + 1e-3
    assert found.high is not None
    assert found.high <= exact.high + 1e-3, "mid-P lies inside Clopper–Pearson"
    above = stats.binom.sf(hits, n, found.low) + 0.5 * stats.binom.pmf(hits, n, found.low)
    if hits <= n / 2:  # the longer tail, to the other side, takes the exact bound
        assert above == pytest.approx(0.025, abs=1e-3)


def test_mirrored_values_mirror_the_interval() -> None:
    values = np.random.default_rng(4).exponential(1, 60)
    one, other = mean_interval(values, low=0), mean_interval(-values, high=0)
    assert one is not None
    assert other is not None
    assert one.low is not None
    assert one.high is not None
    assert (other.low, other.high) == (pytest.approx(-one.high, abs=1e-5), pytest.approx(-one.low, abs=1e-5))


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_do_not_matter(scale: float) -> None:
    values = np.random.default_rng(5).normal(1, 1, 40)
    one, other = mean_interval(values), mean_interval(values * scale)
    assert one is not None
    assert other is not None
    assert other.low == pytest.approx(one.low * scale if one.low else None, rel=1e-5)


def test_values_outside_their_bounds_stay_inside_the_interval() -> None:
    found = mean_interval(np.array([0.2, 0.9, 1.0 + 1e-12, 1.0]), low=0, high=1)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


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
    values = np.random.default_rng(3).normal(size=10_000)
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


def test_two_unbounded_values_whose_end_rounds_inwards() -> None:
    """Found by a sweep of 3 cases: the imagined case lay 4e-16 inside the farthest seen, and no bound was found."""
    interval = mean_interval(np.array([3.384441761327931, -2.756522985749936]))
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    assert -2.7566 < interval.low < interval.value < interval.high < 3.3845


def test_a_long_tail_without_a_limit_seldom_lies_wholly_below_the_truth() -> None:
    """A small sample of such values rarely holds the largest; 41 is the 99.9 % quantile of 2.5 % of 1,000."""
    population = next(one for one in OPEN_TAILS if one.name == "lognormal, sigma = 1.5")
    assert false_passes(population, 50, 1000) <= 41


def test_the_bound_moves_out_only_on_a_long_open_tail() -> None:
    def reach(values: np.ndarray, high: float | None) -> float:
        found = mean_interval(values, low=0, high=high)
        assert found
        assert found.high
        return found.high - found.value

    calm, long = np.arange(50.0), np.append(np.arange(49.0), 490.0)
    assert reach(calm, None) == reach(calm, 49.0)
    assert reach(long, None) > 3 * reach(long, 490.0)
