"""False passes and false fails, the threshold between them, and the pass rate corrected for both."""

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.pass_fail import best_threshold, exact_share, rogan_gladen


def test_exact_intervals_are_those_of_scipy() -> None:
    for hits, n in ((0, 10), (3, 10), (10, 10), (7, 123)):
        theirs = stats.binomtest(hits, n).proportion_ci(method="exact")
        found = exact_share(hits, n)
        assert found
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert exact_share(0, 0) is None
    with pytest.raises(ValueError, match="is not a share"):
        exact_share(2, 1)


def test_the_threshold_parts_good_from_bad() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.8])
    good = scores > 0.5
    assert best_threshold(scores, good, higher_is_better=True) == pytest.approx(0.45)
    assert best_threshold(scores, ~good, higher_is_better=False) == pytest.approx(0.45)
    assert best_threshold(scores, np.ones(6, dtype=bool), higher_is_better=True) is None
    assert best_threshold(np.zeros(6), good, higher_is_better=True) is None


def test_rogan_gladen_by_hand() -> None:
    found = rogan_gladen(600, 1000, (45, 50), (40, 50))
    assert found
    assert found.value == pytest.approx((0.6 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert rogan_gladen(600, 1000, (25, 50), (25, 50)) is None, "a coin"
    assert rogan_gladen(600, 1000, (25, 50), (0, 0)) is None


def test_rogan_gladen_covers() -> None:
    rng = np.random.default_rng(0)
    truth, sensitivity, specificity, inside = 0.7, 0.85, 0.9, 0
    for _ in range(600):
        passed = rng.binomial(1000, truth * sensitivity + (1 - truth) * (1 - specificity))
        kept, caught = rng.binomial(70, sensitivity), rng.binomial(30, specificity)
        found = rogan_gladen(passed, 1000, (kept, 70), (caught, 30))
        assert found
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= truth <= found.high
    assert 0.92 <= inside / 600 <= 0.985
