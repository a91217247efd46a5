"""Adjusted p-values against their definitions."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from evalkit.stats.multiplicity import benjamini_hochberg, holm

P = [0.01, 0.04, 0.03, 0.005]


def test_holm_by_hand() -> None:
    # sorted .005 .01 .03 .04 times 4 3 2 1, made monotone: .02 .03 .06 .06
    assert holm(P) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand() -> None:
    # sorted times 4/rank: .02 .02 .04 .04
    assert benjamini_hochberg(P) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_agrees_with_scipy() -> None:
    p = np.random.default_rng(0).random(50) ** 2
    assert benjamini_hochberg(list(p)) == pytest.approx(stats.false_discovery_control(p))


def test_holm_rejects_what_its_steps_reject() -> None:
    # the definition: go up the sorted p-values until one exceeds alpha / (number left)
    p = np.random.default_rng(1).random(30) ** 4
    alpha, rejected = 0.1, 0
    while rejected < 30 and np.sort(p)[rejected] <= alpha / (30 - rejected):
        rejected += 1
    assert 0 < rejected < 30
    assert sum(value is not None and value <= alpha for value in holm(list(p))) == rejected


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_limits(adjust: Callable[..., tuple[float | None, ...]]) -> None:
    assert adjust([]) == ()
    assert adjust([0.9, 0.8])[0] <= 1.0
    assert adjust([None, 0.02, None]) == (None, 0.02, None), "a test that was not possible is not counted"
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        adjust([0.5, float("nan")])


def test_any_false_alarm_is_dearer_than_a_share_of_them() -> None:
    p = list(np.random.default_rng(0).random(50))
    assert all(h >= b for h, b in zip(holm(p), benjamini_hochberg(p), strict=True))
