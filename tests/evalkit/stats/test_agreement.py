"""Agreement: against the package `krippendorff`, against definitions, and on cases whose answer is known."""

import itertools

import krippendorff
import numpy as np
import pytest

from evalkit.stats.agreement import (
    all_pairs,
    calibrated_tie,
    krippendorff_alpha,
    pairwise_accuracy,
    rank_correlation,
    weighted_kappa,
)

LEVELS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_the_package(level: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raters = 2 + seed
    truth = rng.integers(0, 5, 40)
    ratings = np.clip(truth + rng.integers(-1, 2, (raters, 40)), 0, 4) / 4
    ratings[rng.random(ratings.shape) < 0.25] = np.nan
    theirs = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
    assert krippendorff_alpha(ratings, level) == pytest.approx(theirs, abs=1e-12)  # type: ignore[arg-type] - pytest knows no literals


def test_alpha_of_the_book() -> None:
    """Krippendorff 2011, "Computing Krippendorff's alpha-reliability", section C: four observers, missing data."""
    x = np.nan
    ratings = np.array([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, x, x, x],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, x, 3],
        [x, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, x],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, x],
    ])  # fmt: skip
    assert krippendorff_alpha(ratings, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(ratings, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha(ratings, "interval") == pytest.approx(0.849, abs=5e-4)


def test_nothing_to_agree_on_is_no_figure() -> None:
    one = np.full((2, 9), 0.5)
    assert krippendorff_alpha(one, "ordinal") is None
    assert krippendorff_alpha(np.array([[1.0, np.nan], [np.nan, 0.0]]), "nominal") is None
    assert weighted_kappa(one[0], one[1], LEVELS) is None
    assert weighted_kappa(np.zeros(0), np.zeros(0), LEVELS) is None
    assert rank_correlation(one[0], np.arange(9.0)) is None
    assert pairwise_accuracy(all_pairs(np.zeros(1), np.zeros(1)), 0.0) is None


def test_kappa_by_its_definition() -> None:
    one, other = np.array([0, 0.25, 0.5, 1, 1, 0.75]), np.array([0, 0.5, 0.5, 1, 0.75, 0])
    observed = np.mean((one - other) ** 2)
    by_chance = np.mean([(a - b) ** 2 for a, b in itertools.product(one, other)])
    assert weighted_kappa(one, other, LEVELS) == pytest.approx(1 - observed / by_chance)
    assert weighted_kappa(one, one, LEVELS) == pytest.approx(1)
    assert weighted_kappa(one, np.full(6, 0.75), LEVELS) == pytest.approx(0)


def brute_force(scores: np.ndarray, labels: np.ndarray, tie: float) -> float:
    right = []
    for i, j in itertools.combinations(range(len(scores)), 2):
        said = 0 if abs(scores[i] - scores[j]) <= tie else np.sign(scores[i] - scores[j])
        right.append(said == np.sign(labels[i] - labels[j]))
    return float(np.mean(right))


@pytest.mark.parametrize("seed", range(5))
def test_ties_are_calibrated_to_the_best_accuracy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(LEVELS, 30)
    scores = np.round(labels + rng.normal(0, 0.2, 30), 1 if seed % 2 else 6)
    pairs = all_pairs(scores, labels)
    tie = calibrated_tie(pairs)
    best = max(brute_force(scores, labels, t) for t in [0.0, *np.abs(pairs.scores)])
    assert pairwise_accuracy(pairs, tie) == pytest.approx(brute_force(scores, labels, tie))
    assert pairwise_accuracy(pairs, tie) == pytest.approx(best)
    if not seed % 2:
        assert best > brute_force(scores, labels, 0.0), "people tie, so a judge that never does is wrong there"


def test_many_units_take_few_pairs() -> None:
    assert len(all_pairs(np.arange(50_000.0), np.arange(50_000.0)).signs) == 1500 * 1499 // 2
