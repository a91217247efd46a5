"""The saddlepoint against distributions that are known."""

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.weighted_mean import upper_tail


@pytest.mark.parametrize(("a", "b"), [(2, 23), (26, 25), (491, 10), (1, 24)])
@pytest.mark.parametrize("level", [0.025, 0.2, 0.5, 0.975])
def test_two_values_are_a_beta(a: int, b: int, level: float) -> None:
    t = stats.beta.ppf(level, a, b)
    found = upper_tail(np.array([0.0, 1.0]), np.array([b, a], dtype=float), float(t))
    assert found == pytest.approx(1 - level, abs=0.003)


def test_many_values_against_random_weights() -> None:
    rng = np.random.default_rng(0)
    values = rng.lognormal(0, 1, 30)
    means = rng.dirichlet(np.ones(30), 40_000) @ values
    for level in (0.025, 0.5, 0.975):
        t = float(np.quantile(means, level))
        assert upper_tail(values, np.ones(30), t) == pytest.approx(1 - level, abs=0.006)


def test_certain_outside_the_values() -> None:
    values, shapes = np.array([0.0, 1.0]), np.ones(2)
    assert upper_tail(values, shapes, 1.0) == 0.0
    assert upper_tail(values, shapes, 0.0) == 1.0


def test_no_jump_where_the_formula_is_0_by_0() -> None:
    values, shapes = np.array([0.0, 1.0, 5.0]), np.array([3.0, 4.0, 1.0])
    middle = float(values @ shapes / shapes.sum())
    tails = [upper_tail(values, shapes, middle + step) for step in np.linspace(-1e-3, 1e-3, 41)]
    assert np.abs(np.diff(tails)).max() < 1e-3
