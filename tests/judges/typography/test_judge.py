from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.api.errors import PictureError
from evalkit.api.pictures import Picture
from evalkit.api.records import FAILURE_FROM, Box, Finding, Grade, Status, TextTarget, grade_of
from evalkit.formats.keys import to_json
from evalkit.judges.typography.judge import TypographyJudge, scales
from evalkit.judges.typography.scope import readable
from evalkit.verdict.blame import match
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


# --------------------------------------------------------------------------------------- grades, places and alphabets


class LatinReader(FakeReader):
    """A fake reader that says that it knows the Latin letters alone."""

    def letters(self) -> frozenset[str]:
        return readable([chr(code) for code in range(32, 0x250)])


def latin(lines: list[str]) -> TypographyJudge:
    return TypographyJudge(
        TypographyJudge.Settings(), LatinReader([line_at(text, row) for row, text in enumerate(lines)])
    )


def test_one_wrong_letter_of_many_fails_its_case() -> None:
    verdict = judge_of(["CIKY LIBRARY"]).judge(blank(), case_of("City library"), None)
    [finding] = verdict.findings
    assert (finding.kind, finding.size, grade_of(finding)) == ("typo", 1, Grade.FAILURE)
    assert finding.severity >= FAILURE_FROM


def test_a_word_too_many_is_a_defect_and_a_missing_word_a_failure() -> None:
    verdict = judge_of(["BREAD", "BREAD", "Zoo"]).judge(blank(), case_of("Bread", "Butter"), None)
    graded = {finding.kind: _declared_grade(finding) for finding in verdict.findings}
    assert graded == {"missing-text": Grade.FAILURE, "duplicate-text": Grade.DEFECT, "extra-text": Grade.DEFECT}


def _declared_grade(finding: Finding) -> Grade | None:
    return finding.grade or next(kind.grade for kind in TypographyJudge.kinds if kind.name == finding.kind)


def test_a_defect_is_placed_at_its_word_so_that_a_twin_s_other_one_does_not_excuse_it() -> None:
    case = case_of("the cat the dog", "the end")
    first, second = (
        judge_of([f"{one} CAT {two} DOG", "THE END"]).judge(blank(), case, None)
        for one, two in (("THX", "THE"), ("THE", "THX"))
    )
    assert [f.evidence["occurrence"] for v in (first, second) for f in v.findings] == [0, 2]
    kinds = {kind.name: kind for kind in TypographyJudge.kinds}
    assert not match(first.findings, second.findings, kinds)
    assert match(first.findings, first.findings, kinds) == {0: 0}
    [missing] = judge_of(["THE CAT", "THE END"]).judge(blank(), case_of("the cat", "dog", "the end"), None).findings
    assert (missing.evidence["read"], missing.evidence["occurrence"]) == (None, 0)


def test_a_text_in_letters_that_the_reader_does_not_know_is_not_asked_for() -> None:
    judge = latin([])
    outside = judge.applies(case_of("Открыто"), has_twin=True)
    assert set(outside) == {dimension.name for dimension in judge.dimensions}
    assert outside["typography.exact"] == "the reader has no letter о, т, к, р, ы"
    assert not judge.applies(case_of("Crème brûlée, Łódź & Straße 9"), has_twin=True)
    assert not judge_of([]).applies(case_of("Открыто"), has_twin=True), "this reader does not say what it knows"


def test_beside_such_a_text_the_others_are_judged_but_nothing_counts_as_surplus() -> None:
    judge, case = latin(["BREAD", "OTKPbITO"]), case_of("Открыто", "Bread")
    outside = judge.applies(case, has_twin=False)
    assert set(outside) == {"typography.exact", "typography.extra_words", "typography.extra_rate"}
    verdict = judge.judge(blank(), case, None)
    assert verdict.score("typography.word_accuracy").value == 1.0
    assert not verdict.findings
    assert {verdict.score(name).status for name in outside} == {Status.UNSCORED}
    [missing] = latin([]).judge(blank(), case, None).findings
    assert (missing.evidence["expected"], missing.target) == ("Bread", "text:1")
