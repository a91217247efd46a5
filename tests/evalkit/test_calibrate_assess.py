"""Figures from labels and scores in memory: nothing is measured on the labels it was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.api.records import Dimension, Role
from evalkit.stats.isotonic import IsotonicMapping
from evalkit.studies.calibrate.assess import JudgeVersion, assess, map_scores
from evalkit.studies.calibrate.join import Cell, LabelledScores

QUALITY = Dimension("vlm.quality", "quality")
DEFECTS = Dimension("grain.visible_noise", "noise", higher_is_better=False, unit="L*", high=None)


def judged(
    dimension: Dimension, levels: np.ndarray, scores: np.ndarray, n: int, raters: int = 1, seed: int = 0
) -> LabelledScores:
    """The first `n` of so many student pictures labelled by people who differ by a level now and then."""
    rng = np.random.default_rng(seed)
    cells: list[Cell] = [(i, 0, Role.STUDENT) for i in range(len(levels))]
    ratings = levels[:n] + np.where(rng.random((raters, n)) < 0.2, 0.25, 0.0)
    everything = dict(zip(cells, map(float, scores), strict=True))
    people = tuple(f"rater {i}" for i in range(raters))
    return LabelledScores(dimension, "scale", people, tuple(cells[:n]), np.clip(ratings, 0, 1), scores[:n], everything)


def world(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = rng.choice(5, n, p=(0.1, 0.2, 0.3, 0.25, 0.15)) / 4
    return levels, rng.random(n)


def test_scores_that_say_nothing_look_like_nothing() -> None:
    """In-sample, isotonic steps through 250 random scores would fit far better than the mean."""
    levels, noise = world(900)
    found = map_scores(judged(QUALITY, levels, noise, 250))
    assert isinstance(found.record.mapping, IsotonicMapping)
    assert found.record.error > 0.97 * found.record.error_of_mean
    figures = {
        each.measure: each
        for each in assess(judged(QUALITY, levels, noise, 250), JudgeVersion("x", "1"), pass_level=0.75).agreement
    }
    for name in ("alpha_ordinal", "kappa", "rank_correlation"):
        assert abs(figures[name].judge or 0.0) < 0.15, name
    accuracy = figures["pairwise_accuracy"]
    assert accuracy.judge is not None
    assert accuracy.baseline is not None
    assert accuracy.judge < 0.45


def test_defects_without_bounds_are_turned_round_and_ranked() -> None:
    levels, noise = world(900)
    scores = np.exp(4 * (1 - levels) + noise)
    scores[700] = 1e9  # one absurd value among the unlabelled
    found = assess(judged(DEFECTS, levels, scores, 250, raters=3), JudgeVersion("grain", "2"), pass_level=0.75)
    figures = {each.measure: each for each in found.agreement}
    assert figures["rank_correlation"].judge
    assert figures["rank_correlation"].judge > 0.85
    assert figures["alpha_ordinal"].people
    assert figures["alpha_ordinal"].people > 0.8
    assert found.mapped
    assert isinstance(found.mapped.mapping, IsotonicMapping)
    best, worst = found.mapped.mapping.apply(np.array([0.0, 1e9]))
    assert best > 0.9
    assert worst < 0.15
    (student,) = found.estimates
    assert student.weight < 0
    assert student.estimate.low is not None
    assert student.estimate.high is not None
    assert student.estimate.low < levels.mean() + 0.04 < student.estimate.high, (
        "people are a little kinder than the levels"
    )
    assert student.worth
    assert student.worth > 500, "the judge is nearly as good as people"
    assert found.pass_fail
    assert found.pass_fail.false_pass
    assert found.pass_fail.false_pass.value < 0.1
    assert found.pass_fail.threshold is not None
    assert np.exp(1) < found.pass_fail.threshold < np.exp(3)


def test_few_labels_are_ordinal_and_two_levels_apart_are_enough() -> None:
    levels, noise = world(60)
    found = assess(
        judged(QUALITY, np.round(levels), levels + 0.01 * noise, 60), JudgeVersion("x", "1"), pass_level=0.75
    )
    assert found.mapped
    assert found.mapped.mapping.kind == "ordinal"
    assert found.estimates[0].weight == 0, "everything is labelled: the judge has nothing to add"
    assert found.estimates[0].n_judged == 60


@pytest.mark.parametrize("n", [19, 0])
def test_too_few(n: int) -> None:
    levels, noise = world(60)
    found = assess(judged(QUALITY, levels, noise, n), JudgeVersion("x", "1"), pass_level=0.75)
    assert found.too_few.startswith(f"{n} labelled pictures")
    assert found.agreement == ()
    assert [each.weight for each in found.estimates] == [0.0] * (n > 0), "the labels alone still say what they say"
