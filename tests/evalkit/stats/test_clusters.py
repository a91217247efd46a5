"""Several seeds per case."""

import numpy as np
import pytest

from evalkit.stats.clusters import effective_sd, picture_spread


def test_design_effect() -> None:
    assert effective_sd(0.4, 1, 0.7) == pytest.approx(0.4)
    assert effective_sd(0.4, 4, 0.0) == pytest.approx(0.2)
    assert effective_sd(0.4, 4, 1.0) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="seeds"):
        effective_sd(0.4, 0, 0.5)


def test_finds_the_spread_it_was_made_with() -> None:
    rng = np.random.default_rng(0)
    values = [(i, shared + rng.normal(0, 0.4)) for i, shared in enumerate(rng.normal(0, 0.3, 2000)) for _ in range(3)]
    found = picture_spread(values)
    assert found.sd == pytest.approx(0.5, rel=0.05)
    assert found.correlation == pytest.approx(0.36, abs=0.04)
    means = np.array(values)[:, 1].reshape(-1, 3).mean(axis=1)
    assert effective_sd(found.sd, 3, found.correlation or 0) == pytest.approx(np.std(means, ddof=1), rel=1e-3)


def test_one_seed_says_nothing_of_the_correlation() -> None:
    values = np.random.default_rng(1).normal(size=50)
    found = picture_spread(enumerate(values))
    assert found == (pytest.approx(np.std(values, ddof=1)), None)
    assert picture_spread([("a", 1.0)]) == (0.0, None)
