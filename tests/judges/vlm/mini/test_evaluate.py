"""The evaluation gives the right figures for models with known answers."""

from collections.abc import Callable, Sequence

import pytest

from evalkit.api.training import Judged, JudgeData
from evalkit.judges.vlm.mini.evaluate import Predict, Prediction, accuracy, monotone
from evalkit.judges.vlm.mini.lessons import Row, options_of


def asker(says: Callable[[Row], dict[str, float]]) -> Predict:
    """A fake in place of a model, which would take minutes."""

    def ask(judged: Sequence[Judged], asked: Sequence[Sequence[Row]]) -> list[Prediction]:
        return [
            Prediction(row, one, dict.fromkeys(options_of(row.kind), 0.0) | says(row))
            for one, its in zip(judged, asked, strict=True)
            for row in its
            if row.choice >= 0
        ]

    return ask


def test_a_model_that_knows_the_truth_is_always_right(data: JudgeData) -> None:
    found = accuracy(asker(lambda row: dict(row.options)), data, 24, "held-out")
    assert {"compliance", "question", "pairwise", "pairwise.edit", "preference", "preference.edit"} <= set(found)
    assert {kind: v for kind, v in found.items() if v["sound"] < 1 or v["faulty"] < 1} == {}


def test_a_model_that_always_prefers_the_first_picture_has_no_preference(data: JudgeData) -> None:
    found = accuracy(asker(lambda row: {options_of(row.kind)[0]: 1.0}), data, 24, "held-out")
    assert (found["pairwise"]["sound"], found["pairwise"]["faulty"]) == (0, 0.5)
    assert (found["preference"]["sound"], found["preference"]["faulty"]) == (1, 0)
    assert found["compliance"]["accuracy"] == 0.5, "all is bad"


@pytest.mark.nightly
def test_scores_fall_with_the_size_of_a_defect(data: JudgeData) -> None:
    found = monotone(asker(lambda row: {"1": 1.0} if row.other else dict(row.options)), data, 3, "held-out")
    assert set(found) == set(data.graded)
    for fault, each in found.items():
        assert each["scores"][0] == pytest.approx(5.0, abs=0.01), fault
        assert each["rho"] <= -0.9, fault
