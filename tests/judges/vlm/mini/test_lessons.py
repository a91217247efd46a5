"""The training data of judge-mini is true, and its replies fit the schemas of the calls."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest

from evalkit.api.training import JudgeData
from evalkit.judges.vlm.mini.lessons import GRADED, Coder, levels, rows, score_of
from evalkit.judges.vlm.rubric import rubrics
from evalkit.judges.vlm.scale import level_form


def test_the_score_falls_with_size_and_crosses_the_middle_before_twice_the_threshold() -> None:
    scores = [score_of(size / 4) for size in range(25)]
    assert scores[0] == 5
    assert all(a > b for a, b in pairwise(scores))
    assert score_of(2.0) < 3 < score_of(1.0)


@pytest.mark.parametrize("score", [1.0, 1.2, 2.75, 4.5, 5.0])
def test_levels_have_the_score_as_expectation(score: float) -> None:
    shares = levels(score)
    assert sum(share for _, share in shares) == pytest.approx(1)
    assert sum(int(level) * share for level, share in shares) == pytest.approx(score)


def test_replies_fit_the_schema(data: JudgeData) -> None:
    rng, seen = random.Random(2), set()
    for _ in range(120):
        judged = data.judged(rng)
        for row in rows(judged):
            rubric = rubrics().get(row.kind.partition(".")[0])
            if rubric is None or not rubric.levels:
                continue
            reply = json.loads(row.reply)
            level_form(rubric.kinds).model_validate(reply)
            assert row.reply == json.dumps(reply)
            seen.add(row.kind)
    assert {"compliance", "quality", "text", "layout", "background", "portrait", "edit.object"} <= seen


def test_tokens_of_a_row(coder: Coder, data: JudgeData) -> None:
    rng = random.Random(7)
    judged = data.judged(rng, "letters", 2.0, task="t2i", category="text")
    row = next(row for row in rows(judged) if row.kind == "text")
    tokens = coder.code(row)
    assert [coder.options[name] for name, _ in row.options] == [token for token, _ in tokens.options]
    assert tokens.ids[tokens.choice + 1] in coder.options.values()
    wanted, shown = judged.case.texts[0].text, judged.text
    flags, letters = tokens.flags[0], tokens.letters[0]
    assert list(flags[flags >= 0]) == [int(a != b) for a, b in zip(wanted, shown, strict=True)]
    assert [chr(ord("A") + letter - 1) for letter in letters[letters >= 0]] == list(shown)
    assert (tokens.flags[1] == -100).all(), "there is no other picture"
    assert np.all(tokens.targets[: tokens.choice - 4] == -100)


def test_helpers_have_targets_for_both_pictures_of_a_pair(coder: Coder, data: JudgeData) -> None:
    rng = random.Random(3)
    seen = set()
    while len(seen) < 3:
        judged = data.judged(rng, category="text")
        for row in rows(judged):
            if not row.kind.startswith("pairwise"):
                continue
            tokens = coder.code(row)
            assert judged.twin is not None
            assert len(row.images) == (3 if row.kind == "pairwise.edit" else 2)
            assert {truth.text for truth in row.truths} == {judged.text, judged.twin.text}
            order = (judged, judged.twin) if row.images[-1] == "twin" else (judged.twin, judged)
            for which, shown in enumerate(reversed(order)):
                assert (tokens.flags[which] == 1).any() == bool(shown.wrong)
                assert sum(tokens.astray[which]) > 0 or not shown.astray.any()
            said = row.options[0][0]
            seen.add(said)
            assert judged.better is not None
            if said != "tie":
                assert (said == "A") == ((judged.better > 0) == (order[0] is judged))
            for which, shown in enumerate(reversed(order)):
                graded = dict(zip(GRADED, tokens.grades[which], strict=True))
                assert {name for name, grade in graded.items() if grade == grade} == set(GRADED) & set(shown.worse)
                assert all((grade < 0.5) == (shown.worse[name] > 1.25) for name, grade in graded.items() if grade < 1)


def test_a_pair_is_asked_about_in_both_orders(data: JudgeData) -> None:
    rng, seen = random.Random(12), set()
    while len(seen) < 2:
        pairs = [row for row in rows(data.judged(rng)) if row.kind.startswith("pairwise")]
        if not pairs:
            continue
        one, other = pairs
        assert one.images[-2:] == other.images[-2:][::-1]
        said = [row.options[0][0] for row in pairs]
        assert said in (["A", "B"], ["B", "A"], ["tie", "tie"])
        seen.add("tie" in said)


def test_the_style_of_a_text_lowers_that_aspect_alone(data: JudgeData) -> None:
    rng, seen = random.Random(6), 0
    while seen < 5:
        judged = data.judged(rng, "restyled", 2.0, task="edit", category="text")
        if judged.case.tags[-1] == "text":
            worse, seen = judged.worse, seen + 1
            assert worse["edit.text-style"] >= 1.9
            assert worse["edit.spelling"] == worse["edit.instruction"] == 0


def test_aspects_have_their_own_size(data: JudgeData) -> None:
    rng = random.Random(5)
    judged = data.judged(rng, "not-done", task="edit", category="shapes")
    while judged.case.tags[-1] == "background":
        judged = data.judged(rng, "not-done", task="edit", category="shapes")
    scores = {
        row.kind.rpartition(".")[2]: sum(int(level) * share for level, share in row.options)
        for row in rows(judged)
        if row.kind.startswith("edit.object.") and not row.other
    }
    assert scores["source-kept"] == 5
    assert scores["instruction"] < 2
    assert set(scores) == {"instruction", "target", "source-kept", "integration", "quality"}
