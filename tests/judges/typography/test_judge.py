from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.api.errors import PictureError
from evalkit.api.pictures import Picture
from evalkit.api.records import Box, Status, TextTarget
from evalkit.formats.keys import to_json
from evalkit.judges.typography.judge import TypographyJudge, scales
from tests.judges.typography.conftest import FakeReader, blank, case_of, line_at


def judge_of(*looks: list[str], **settings: object) -> TypographyJudge:
    lines = [[line_at(text, row) for row, text in enumerate(look)] for look in looks]
    return TypographyJudge(TypographyJudge.Settings(**settings), FakeReader(*lines))


def values(judge: TypographyJudge, *texts: str) -> list[float | None]:
    return [score.value for score in judge.judge(blank(), case_of(*texts), None).scores[:4]]


def test_a_right_picture_scores_full_marks_and_is_read_once() -> None:
    reader = FakeReader([line_at("FRESH BREAD")])
    judge = TypographyJudge(TypographyJudge.Settings(), reader)
    assert values(judge, "Fresh Bread") == [1.0, 1.0, 1.0, 0.0]
    assert reader.sizes == [(512, 512)]


def test_an_alarm_is_read_again_at_the_other_scales() -> None:
    reader = FakeReader([line_at("FRESH BRAAD")])
    judge = TypographyJudge(TypographyJudge.Settings(looks=(1.0, 0.5, 2.0)), reader)
    assert values(judge, "Fresh Bread") == [0.5, 0.0, pytest.approx(0.9), 0.0]
    assert reader.sizes == [(512, 512), (256, 256), (1024, 1024)]


def test_a_small_picture_is_read_enlarged_and_boxes_are_in_its_own_pixels() -> None:
    reader = FakeReader([line_at("BREAD")])
    judge = TypographyJudge(TypographyJudge.Settings(least_side=256), reader)
    verdict = judge.judge(blank(128), case_of("Bread", side=128), None)
    assert reader.sizes == [(256, 256)]
    assert verdict.evidence["words"][0]["box"] == [0, 0, 25, 15]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1024, 1024), [1.0, 0.5, 2.0]),
        ((128, 128), [2.0, 1.0, 4.0]),
        ((3000, 1000), [1.0, 0.5, 4 / 3]),
        ((8000, 8000), [1.0, 0.5]),
        ((1, 40_000), [1.0]),
        ((1, 1), [256.0, 128.0, 512.0]),
    ],
)
def test_no_picture_is_enlarged_past_what_can_be_read(shape: tuple[int, int], expected: list[float]) -> None:
    assert scales((1.0, 0.5, 2.0), 256, shape) == pytest.approx(expected)


def test_a_typo_is_located_sized_and_explained() -> None:
    [finding] = judge_of(["FRESH BRAAD"]).judge(blank(), case_of("Open", "Fresh Bread"), None).findings[1:]
    assert (finding.kind, finding.target, finding.size, finding.unit) == ("typo", "text:1", 1, "letters")
    assert finding.box == Box(60, 0, 110, 30)
    assert finding.message == 'expected "Bread", read "BRAAD"'
    assert {name: finding.evidence[name] for name in ("expected", "read")} == {"expected": "Bread", "read": "BRAAD"}


def test_a_missing_word_is_put_where_it_was_declared() -> None:
    case = replace(case_of(side=256), texts=(TextTarget("Bread", Box(10, 20, 30, 40)),))
    [finding] = judge_of([]).judge(blank(512), case, None).findings
    assert (finding.kind, finding.size, finding.severity) == ("missing-text", 5, 1.0)
    assert finding.box == Box(20, 40, 60, 80)


def test_undeclared_it_is_put_with_its_neighbours_or_anywhere() -> None:
    [beside] = judge_of(["FRESH DAILY"]).judge(blank(), case_of("Fresh Bread Daily"), None).findings
    assert beside.box == Box(0, 0, 110, 30)
    [anywhere] = judge_of([]).judge(blank(), case_of("Bread"), None).findings
    assert anywhere.box == Box(0, 0, 512, 512)


def test_surplus_text_is_found_but_costs_no_accuracy() -> None:
    verdict = judge_of(["BREAD", "BREAD", "Zoo keeper"]).judge(blank(), case_of("Bread"), None)
    assert [score.value for score in verdict.scores[:4]] == [1.0, 0.0, 1.0, 3.0]
    kinds = [(finding.kind, finding.target) for finding in verdict.findings]
    assert kinds == [("duplicate-text", "text:0"), ("extra-text", ""), ("extra-text", "")]


def test_findings_stay_inside_the_picture() -> None:
    verdict = judge_of(["BREAD", "X" * 100]).judge(blank(), case_of("Bread"), None)
    assert verdict.findings[0].box == Box(0, 40, 512, 70)


def test_evidence_lists_expected_words_in_order_and_then_extras() -> None:
    verdict = judge_of(["DAILY FRESH", "Zoo"]).judge(blank(), case_of("Fresh bread", "daily"), None)
    words = [(w["text"], w["expected"], w["read"], w["status"]) for w in verdict.evidence["words"]]
    assert words == [
        (0, "Fresh", "FRESH", "correct"),
        (0, "bread", None, "missing"),
        (1, "daily", "DAILY", "correct"),
        (None, None, "Zoo", "extra"),
    ]
    assert verdict.evidence["lines"][1] == {"text": "Zoo", "confidence": 1.0, "box": [0, 40, 30, 70]}
    assert to_json(verdict)


@pytest.mark.parametrize("texts", [(), ("",), ("  ",)])
def test_a_case_without_text_is_unscored_and_not_even_read(texts: tuple[str, ...]) -> None:
    reader = FakeReader([])
    verdict = TypographyJudge(TypographyJudge.Settings(), reader).judge(blank(), case_of(*texts), None)
    assert {(s.status, s.reason) for s in verdict.scores} == {(Status.UNSCORED, "the case asks for no text")}
    assert len(verdict.scores) == len(TypographyJudge.dimensions)
    assert not reader.sizes


def test_a_broken_picture_is_a_picture_error() -> None:
    with pytest.raises(PictureError):
        judge_of([]).judge(Picture("", b"\x89PNG broken"), case_of("Bread"), None)


def test_the_fingerprint_knows_what_moves_a_score_and_nothing_else() -> None:
    base = judge_of([]).fingerprint()
    assert judge_of([], threads=1).fingerprint() == base
    assert judge_of([], looks=(1.0,)).fingerprint() != base
    assert judge_of([], extra_confidence=0.9).fingerprint() != base


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x00\x07", "a" * 20_000, "‮evil", "word " * 400])
def test_hostile_texts_are_judged_like_any_other(text: str) -> None:
    verdict = judge_of(["BREAD"]).judge(blank(), case_of(text), None)
    assert len(verdict.scores) == len(TypographyJudge.dimensions)
    assert len([w for w in verdict.evidence["words"] if w["expected"] is not None]) == len(text.split())
