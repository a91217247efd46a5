"""Power is what the gate really does."""

import pytest
from scipy import stats

from evalkit.stats.power import (
    binary_cases_needed,
    binary_detectable,
    binary_power,
    cases_needed,
    detectable,
    graded_power,
)
from tests.bench.statistics import Promise, failures, promises

PROMISES = [promise for promise in promises() if "100%" not in promise.name]
"""A dozen cases that are all worse are too few for a standard deviation to tell their power: see the benchmark."""


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_the_promised_power_is_kept_by_the_gate(promise: Promise) -> None:
    share = failures(promise.draw, promise.n, promise.max_drop, 200)
    # at 80 %, 200 runs lie within 9.3 points 999 times in 1,000; three points more are the promise
    assert share == pytest.approx(0.8, abs=0.093 + 0.03)


def test_many_cases_need_what_the_normal_says() -> None:
    plain = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * 0.5 / 0.01) ** 2
    assert cases_needed(0.5, 0.01) == pytest.approx(plain, rel=0.01)


def test_detectable_and_needed_are_inverse() -> None:
    n = cases_needed(0.1, 0.03)
    assert n is not None
    assert detectable(n, 0.1) <= 0.03 < detectable(n - 1, 0.1)
    assert graded_power(n, 0.1, 0.03) >= 0.8 > graded_power(n - 1, 0.1, 0.03)
    n = binary_cases_needed(0.1, 0.02)
    assert n is not None
    assert binary_power(n, 0.1, 0.02) >= 0.8
    shown = binary_detectable(n, 0.12)
    assert shown == pytest.approx(0.08, abs=0.002)


def test_binary_power_by_counting() -> None:
    # 5 cases, each lost for certain: 5 of 5 has a mid-P of 1/32; 4 of 4 has 1/16
    assert binary_power(5, 1.0, 0.0) == pytest.approx(1.0)
    assert binary_power(4, 1.0, 0.0) == 0.0
    assert binary_detectable(4, 1.0) is None


def test_nonsense_is_refused() -> None:
    for call in (
        lambda: detectable(1, 0.1),
        lambda: detectable(10, 0.0),
        lambda: cases_needed(0.1, 0.0),
        lambda: cases_needed(0.1, 0.1, power=0.01),
        lambda: binary_power(10, 0.0, 0.0),
        lambda: binary_cases_needed(0.1, 0.1),
    ):
        with pytest.raises(ValueError, match=r"power|effect"):
            call()
    assert cases_needed(1.0, 1e-5) is None, "more than anybody draws"
