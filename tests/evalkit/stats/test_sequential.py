"""Stopping whenever one likes keeps the promised error rates."""

import numpy as np
import pytest

from evalkit.stats.sequential import Monitor


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
