"""Stopping whenever one likes keeps the promised error rates."""

import numpy as np
import pytest

from evalkit.stats.intervals import level_above
from evalkit.stats.sequential import EARLY_SHARE, Monitor, early_p_value, final_p_value


def ends(values: np.ndarray, bound: float, alpha: float = 0.05) -> str:
    monitor = Monitor(bound, -1, 1, alpha=alpha)
    for value in values:
        monitor.update(float(value))
        if monitor.worse() or monitor.not_worse():
            break
    return "worse" if monitor.worse() else "not worse" if monitor.not_worse() else "open"


@pytest.mark.parametrize("wrong", ["worse", "not worse"])
def test_wrong_answers_at_the_bound_itself_are_rare(wrong: str) -> None:
    rng = np.random.default_rng(0)
    answers = [ends(rng.choice([-0.9, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=400), 0.01) for _ in range(300)]
    # the mean is the bound: each wrong answer has probability at most .05; 27 of 300 is the 99.9 % quantile
    assert answers.count(wrong) <= 27


def test_clear_cases_are_decided_early() -> None:
    rng = np.random.default_rng(1)
    assert ends(rng.normal(0.3, 0.1, 200).clip(-1, 1), 0.05) == "worse"
    assert ends(rng.normal(-0.1, 0.1, 400).clip(-1, 1), 0.1) == "not worse"


def test_bounds_are_kept() -> None:
    with pytest.raises(ValueError, match="not between"):
        Monitor(1.0, -1, 1)
    with pytest.raises(ValueError, match="out of bounds"):
        Monitor(0.0, -1, 1).update(1.5)


def test_the_two_answers_share_one_error_rate() -> None:
    assert final_p_value(1.0, 0.025 * (1 - EARLY_SHARE)) == pytest.approx(0.025)
    assert final_p_value(0.025 * EARLY_SHARE, 1.0) == early_p_value(0.025 * EARLY_SHARE) == pytest.approx(0.025)
    assert final_p_value(1.0, 1.0) == early_p_value(1.0) == 1.0


def test_a_watched_run_that_asked_everything_fails_by_chance_as_rarely_as_a_fixed_one() -> None:
    rng = np.random.default_rng(2)
    fails = 0
    for _ in range(300):
        values = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=60)
        monitor = Monitor(0.0, -1, 1)
        for value in values:
            monitor.update(float(value))
        fails += final_p_value(monitor.p_above, level_above(values, 0.0, low=-1, high=1)) <= 0.025
    assert fails <= 17, "2.5 % of 300 are 7.5; 17 is the 99.9 % quantile"
