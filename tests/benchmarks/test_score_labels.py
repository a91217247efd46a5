from __future__ import annotations

import pytest

from evalkit.api.errors import SuiteError
from evalkit.api.records import Box
from evalkit.benchmarks.labels import ErrorBox, Label, WordLabel
from evalkit.benchmarks.score_labels import DetectionCounts, TextVerdict, count_boxes, is_hit, score_labels


def label(id: str = "flux/1", **changes) -> Label:
    statuses = ("correct", "typo", "missing", "punct")
    words = tuple(WordLabel(f"w{i}", "", status) for i, status in enumerate(statuses))
    errors = (ErrorBox("typo", "", Box(0, 0, 100, 20)), ErrorBox("extra", "", Box(200, 0, 240, 20)))
    fields = {
        "image": "a.png",
        "prompt": "",
        "expected_texts": ("w0 - w1", "w2 w3"),
        "words": words,
        "error_boxes": errors,
        "ignore_boxes": (Box(500, 500, 600, 600),),
    }
    return Label(id, **{**fields, **changes})


def test_word_alarms():
    judged = {"flux/1": TextVerdict(("typo", "missing", "typo", "correct", "punct"))}
    words = score_labels([label()], judged)["all"].words
    assert words == DetectionCounts(hits=1, false_alarms=1, misses=1, found=1), "the separator counts neither way"
    assert (words.precision, words.recall, words.f1) == (0.5, 0.5, 0.5)


def test_a_perfect_judge_and_one_that_abstains():
    perfect = TextVerdict(("correct", "missing", "typo", "missing", "correct"))
    assert score_labels([label()], {"flux/1": perfect})["all"].words.f1 == 1.0
    abstains = score_labels([label()], {"flux/1": TextVerdict((None,) * 5)})["all"].words
    assert (abstains.precision, abstains.recall, abstains.f1) == (None, None, None)


def test_boxes_hit_by_overlap_or_centre_and_ignored_ones_do_not_count():
    found = (
        Box(45, 8, 55, 12),  # centre inside the first error
        Box(60, 0, 120, 30),  # IoU over 0.1 with it
        Box(300, 300, 310, 310),  # nothing there
        Box(510, 510, 590, 590),  # to be ignored
    )
    counts = count_boxes(label(), found)
    assert counts == DetectionCounts(hits=2, false_alarms=1, misses=1, found=1)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == 0.5


def test_touching_is_no_hit():
    assert not is_hit(Box(0, 20, 100, 40), Box(0, 0, 100, 20))
    assert is_hit(Box(0, 0, 10, 10), Box(0, 0, 10, 100)), "IoU is exactly 0.1"


def test_split_by_source_and_pictures_not_judged():
    labels = [label("flux/1"), label("imagen4/2"), label("imagen4/3")]
    correct = TextVerdict(("correct",) * 5)
    result = score_labels(labels, {"flux/1": correct, "imagen4/2": correct})
    assert set(result) == {"all", "flux", "imagen4"}
    assert result["imagen4"].pictures == 1
    assert result["imagen4"].not_judged == ("imagen4/3",)
    assert result["all"].words.misses == 4
    assert result["all"].words.recall == 0.0
    assert result["all"].words.f1 is None


def test_a_verdict_on_other_words_is_refused():
    with pytest.raises(SuiteError, match="3 judged words for 5"):
        score_labels([label()], {"flux/1": TextVerdict(("correct",) * 3)})
