"""Mappings from scores to levels: isotonic, ordinal; and fitting on other cases than those measured."""

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit

from evalkit.stats.cross_fit import folds
from evalkit.stats.isotonic import fit_isotonic
from evalkit.stats.ordinal import RIDGE, fit_ordinal

LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def test_isotonic_pools_what_turns_back() -> None:
    mapping = fit_isotonic(np.array([1.0, 2, 3, 4, 4]), np.array([0.0, 0.6, 0.4, 1.0, 0.8]), increasing=True)
    assert mapping.apply(np.array([0, 1, 2, 2.5, 3, 4, 9])) == pytest.approx([0, 0, 0.5, 0.5, 0.5, 0.9, 0.9])
    assert mapping.scores == (1, 2, 3, 4)


@pytest.mark.parametrize("increasing", [True, False])
def test_isotonic_is_monotone_and_least_squares(increasing: bool) -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 30, 300) / 30
    labels = np.clip((scores if increasing else 1 - scores) ** 2 + rng.normal(0, 0.2, 300), 0, 1)
    mapping = fit_isotonic(scores, labels, increasing=increasing)
    steps = np.diff(mapping.apply(np.unique(scores)))
    assert (steps >= -1e-12).all() if increasing else (steps <= 1e-12).all()
    direct = optimize.isotonic_regression(labels[np.argsort(scores, kind="stable")], increasing=increasing).x
    assert np.mean((mapping.apply(scores) - labels) ** 2) >= np.mean(
        (direct - labels[np.argsort(scores, kind="stable")]) ** 2
    ), "equal scores have one value"
    assert mapping.apply(scores) == pytest.approx((scores if increasing else 1 - scores) ** 2, abs=0.2)


def test_ordinal_recovers_the_model_it_is_given() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(3, 2, 20_000)
    slope, thresholds = 1.7, np.array([-2.0, -0.5, 1.0, 2.5])
    above = expit(slope * (scores - 3)[:, None] - thresholds) > rng.random(20_000)[:, None]
    mapping = fit_ordinal(scores, LEVELS[above.sum(axis=1)], LEVELS)
    assert mapping.slope / mapping.scale == pytest.approx(slope, rel=0.03)
    assert mapping.thresholds == pytest.approx(thresholds, abs=0.08)
    expected = (expit(slope * (scores - 3)[:, None] - thresholds)).sum(axis=1) / 4
    assert mapping.apply(scores) == pytest.approx(expected, abs=0.02)


def test_two_levels_are_logistic_regression() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=80)
    labels = (scores + rng.normal(size=80) > 0.3).astype(float)
    mapping = fit_ordinal(scores, labels, np.array([0.0, 1.0]))
    z = (scores - mapping.centre) / mapping.scale

    def loss(p: np.ndarray) -> float:
        chance = expit(p[0] * z - p[1])
        likelihood = labels * np.log(chance) + (1 - labels) * np.log(1 - chance)
        imagined = 0.5 * (np.log(expit(-p[1])) + np.log(1 - expit(-p[1])))
        return float(-likelihood.sum() - imagined + RIDGE / 2 * p[0] ** 2)

    best = optimize.minimize(loss, [0.0, 0.0]).x
    assert [mapping.slope, mapping.thresholds[0]] == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("scores", [np.arange(24.0), np.zeros(24), np.append(np.zeros(23), 1e12)])
def test_perfect_or_empty_scores_give_a_finite_mapping(scores: np.ndarray) -> None:
    labels = np.repeat([0.25, 1.0], 12)  # three of the five levels were never given
    mapping = fit_ordinal(scores, labels, LEVELS)
    said = mapping.apply(scores)
    assert np.isfinite([mapping.slope, *mapping.thresholds]).all()
    assert ((said >= 0) & (said <= 1)).all()
    if np.ptp(scores) == 23:
        assert said[0] < 0.4
        assert said[-1] > 0.8
    elif np.ptp(scores) == 0:
        assert np.ptp(said) == 0


def test_labels_of_no_level_are_refused() -> None:
    with pytest.raises(ValueError, match="on the scale"):
        fit_ordinal(np.zeros(2), np.array([0.3, 1.0]), LEVELS)
    with pytest.raises(ValueError, match="without labels"):
        fit_isotonic(np.zeros(0), np.zeros(0), increasing=True)


def test_no_case_is_on_both_sides() -> None:
    cases = np.array([7, 7, 3, 9, 9, 9, 1, 4, 5, 2])
    held = []
    for fold in folds(cases):
        assert not set(cases[fold.fit]) & set(cases[fold.held])
        assert len(fold.fit) + len(fold.held) == len(cases)
        held += list(fold.held)
    assert sorted(held) == list(range(len(cases)))
    with pytest.raises(ValueError, match="two cases"):
        list(folds(np.array([1, 1])))
