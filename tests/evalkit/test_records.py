"""The words keep their promises: a missing score is no number, an id can't leave the run folder."""

import math

import pytest
from pydantic import ValidationError

from evalkit.api.records import (
    Background,
    Box,
    Case,
    Element,
    Finding,
    Generated,
    Question,
    Relation,
    Request,
    Score,
    SourceImage,
    Status,
    Task,
    TextTarget,
)
from evalkit.formats.keys import dump, from_json, from_json_text, noise_seed, picture_key, score_key, to_json

CASE = Case(
    "poster/001",
    'a poster that says "OPEN"',
    width=64,
    height=64,
    texts=(TextTarget("OPEN", Box(1, 2, 30, 12), "title"),),
    elements=(Element("t", "text", Box(1, 2, 30, 12), (255, 0, 0)),),
    relations=(Relation("above", ("t", "u")),),
    background=Background("solid", ((9, 9, 9),), (Box(0, 30, 64, 64),)),
    checklist=(Question("q1", "Is it a poster?"),),
    extra={"scene": {"seed": 1}},
)


def test_case_survives_json() -> None:
    assert from_json_text(Case, dump(CASE)) == CASE


def test_unknown_field_of_a_case_is_refused() -> None:
    with pytest.raises(ValidationError, match="promt"):
        from_json(Case, {**to_json(CASE), "promt": "x"})


@pytest.mark.parametrize(
    "case_id", ["../etc", "a/../b", "/abs", "a//b", "", "a\x00b", "a b", "-x", ".hidden", "a" * 201, "a\n"]
)
def test_dangerous_case_ids(case_id: str) -> None:
    with pytest.raises(ValueError, match="case id"):
        Case(case_id, "p")


@pytest.mark.parametrize(
    ("status", "value", "reason"),
    [
        (Status.SCORED, None, ""),
        (Status.SCORED, math.nan, ""),
        (Status.SCORED, math.inf, ""),
        (Status.ERROR, 0.0, "server gone"),
        (Status.UNSCORED, None, ""),
    ],
)
def test_a_missing_score_is_never_a_number(status: Status, value: float | None, reason: str) -> None:
    with pytest.raises(ValueError, match="d: "):
        Score("d", status, value, reason)


def test_other_impossible_records() -> None:
    with pytest.raises(ValueError, match="either an image or the reason"):
        Generated()
    with pytest.raises(ValueError, match="negative size"):
        Box(2, 0, 1, 1)
    with pytest.raises(ValueError, match="not finite"):
        Box(0, 0, math.nan, 1)
    with pytest.raises(ValueError, match="severity"):
        Finding("typo", Box(0, 0, 1, 1), 1, "letters", 1.5, "m")
    with pytest.raises(ValueError, match="source image"):
        Case("e", "make it blue", task=Task.EDIT)


def test_box_geometry() -> None:
    a, b = Box(0, 0, 10, 10), Box(5, 0, 15, 10)
    assert a.iou(b) == pytest.approx(50 / 150)
    assert a.iou(Box(10, 0, 20, 10)) == 0
    assert a.union(b) == Box(0, 0, 15, 10)


def test_student_and_teacher_share_noise_and_nobody_else_does() -> None:
    assert noise_seed("a", 0) == noise_seed("a", 0)
    assert len({noise_seed(case, seed) for case in "abcdef" for seed in range(50)}) == 300
    assert all(0 <= noise_seed("a", seed) < 2**63 for seed in range(100))


def variant(**changes: object) -> Case:
    return from_json(Case, {**to_json(CASE), **changes})


def test_picture_key_covers_what_the_generator_sees_and_no_more() -> None:
    def key(case: Case, fingerprint: str = "f", noise: int = 1) -> str:
        return picture_key(Request(case, 0, noise), fingerprint)

    assert key(variant(texts=[], checklist=[], tags=["x"], category="c")) == key(CASE), "labels are not seen"
    assert key(CASE, noise=2) != key(CASE)
    assert key(CASE, "g") != key(CASE)
    for change in ({"prompt": "x"}, {"width": 65}, {"extra": {}}):
        assert key(variant(**change)) != key(CASE)
    edit = {"task": "edit", "source": {"path": "a.png", "sha256": "1"}}
    moved = {"task": "edit", "source": {"path": "elsewhere/b.png", "sha256": "1"}}
    assert key(variant(**edit)) == key(variant(**moved)), "the source counts by content, not by place"


def test_score_key_covers_the_pictures_the_judge_and_the_truth() -> None:
    base = score_key("p", "t", "j", CASE)
    assert score_key("p", "t", "j", variant(id="other", category="c", tags=["x"])) == base
    others = [
        score_key("q", "t", "j", CASE),
        score_key("p", None, "j", CASE),
        score_key("p", "t", "k", CASE),
        score_key("p", "t", "j", variant(texts=[{"text": "SHUT"}])),
    ]
    assert len({base, *others}) == 5
    here = variant(task="edit", source=to_json(SourceImage("a", "1")))
    there = variant(task="edit", source=to_json(SourceImage("b", "1")))
    assert score_key("p", "t", "j", here) == score_key("p", "t", "j", there)
