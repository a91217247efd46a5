"""What the shipped judges declare: kinds and grades of findings, what a case does not ask for, worst values."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import yaml

from evalkit.api.hooks import DeclaresKinds, DeclaresScope
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Judge
from evalkit.api.records import (
    DEFECT_FROM,
    FAILURE_FROM,
    Background,
    Box,
    Case,
    Element,
    Grade,
    SourceImage,
    Status,
    Task,
    TextTarget,
)
from evalkit.api.scope import kinds_of, not_applicable
from evalkit.engine.judging import look
from evalkit.judges.edit.controls import SOURCE, drawn
from evalkit.judges.edit.controls import controls as edit_controls
from evalkit.judges.edit.judge import EditJudge
from evalkit.judges.edit.judge import severity as edit_severity
from evalkit.judges.fidelity.paired.clip_score import ClipScoreJudge
from evalkit.judges.fidelity.paired.dists import DistsJudge
from evalkit.judges.fidelity.paired.judge import FidelityJudge
from evalkit.judges.fidelity.paired.lpips import LpipsJudge
from evalkit.judges.grain.findings import severity as grain_severity
from evalkit.judges.grain.judge import GrainJudge
from evalkit.judges.layout.judge import LayoutJudge
from evalkit.judges.layout.kinds import FAILS_FROM
from evalkit.judges.layout.kinds import severity as layout_severity
from evalkit.judges.typography.judge import TypographyJudge
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.kinds import grade_at
from evalkit.judges.vlm.rubric import rubrics
from tests.judges.typography.conftest import FakeReader

ROOM = Path(__file__).parents[2] / "judges"
SIDE = 128


def shipped() -> list[Judge]:
    return [
        TypographyJudge(TypographyJudge.Settings(), FakeReader([])),
        LayoutJudge(),
        GrainJudge(),
        EditJudge(),
        FidelityJudge(),
        LpipsJudge(),
        DistsJudge(),
        ClipScoreJudge(ClipScoreJudge.Settings(model="clip")),
        VlmJudge(VlmJudge.Settings(model="some/model", url="http://127.0.0.1:9", repeats=1)),
    ]


FINDERS = [judge for judge in shipped() if judge.name in ("typography", "layout", "grain", "edit", "vlm")]
NAMES = [judge.name for judge in shipped()]


# ------------------------------------------------------------------------------------------------- kinds and grades


@pytest.mark.parametrize("judge", FINDERS, ids=lambda judge: judge.name)
def test_every_kind_has_a_description_and_the_reason_of_its_grade(judge: Judge) -> None:
    assert isinstance(judge, DeclaresKinds)
    assert len({kind.name for kind in judge.kinds}) == len(judge.kinds)
    for kind in judge.kinds:
        assert kind.description, kind.name
        assert kind.reason, kind.name


@pytest.mark.parametrize("name", ["typography", "layout", "grain", "edit"])
def test_every_kind_in_the_source_and_in_the_faults_is_declared_and_no_other(name: str) -> None:
    (judge,) = (judge for judge in FINDERS if judge.name == name)
    declared, reported = set(kinds_of(judge)), _kinds_in_source(ROOM / name)
    assert reported <= declared
    assert declared <= reported | {"grain", "mottle", "malformed"}, "these are passed on by a variable"
    sees = ROOM / name / "sees.yaml"
    if sees.exists():
        signals = yaml.safe_load(sees.read_text("utf-8"))["signals"]
        assert {kind for signal in signals for kind in signal["findings"]} <= declared


def _kinds_in_source(folder: Path) -> set[str]:
    """First arguments of `Finding(…)` and `BrokenRelation(…)`, and the values of tables named `_KINDS`."""
    found: set[str] = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("Finding", "BrokenRelation")
                and node.args
            ):
                found |= {n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_KINDS":
                assert isinstance(node.value, ast.Dict)
                found |= {n.value for n in node.value.values if isinstance(n, ast.Constant)}
    return {name for name in found if isinstance(name, str)}


def test_the_vlm_judge_declares_the_kinds_of_the_rubrics_that_it_asks() -> None:
    every = VlmJudge(VlmJudge.Settings(model="m", url="http://127.0.0.1:9"))
    assert set(kinds_of(every)) == {kind for rubric in rubrics().values() for kind in rubric.kinds}
    one = VlmJudge(VlmJudge.Settings(model="m", url="http://127.0.0.1:9", rubrics=("background",)))
    assert set(kinds_of(one)) == set(rubrics()["background"].kinds)


def test_a_kind_of_two_judges_has_the_same_grade_and_family_in_both() -> None:
    ours = {name: kind for judge in FINDERS if judge.name != "vlm" for name, kind in kinds_of(judge).items()}
    (vlm,) = (judge for judge in FINDERS if judge.name == "vlm")
    for name, kind in kinds_of(vlm).items():
        if name in ours and kind.grade is not None:
            assert (kind.grade, kind.family) == (ours[name].grade, ours[name].family), name


def test_what_was_asked_for_and_is_not_there_is_a_failure_in_every_judge() -> None:
    failures = {
        "typography": {"typo", "missing-text"},
        "layout": {"missing-element", "wrong-count", "wrong-shape", "wrong-color", "wrong-order"},
        "edit": {"no-change"},
        "grain": set(),
        "vlm": {"typo", "missing-text", "missing-element", "wrong-count", "wrong-shape", "wrong-order"}
        | {"no-change", "wrong-change"},
    }
    for judge in FINDERS:
        graded = {name for name, kind in kinds_of(judge).items() if kind.grade is Grade.FAILURE}
        assert graded == failures[judge.name]


def test_a_gate_on_the_family_text_counts_every_way_in_which_a_text_goes_wrong() -> None:
    texts = {judge.name: {n for n, k in kinds_of(judge).items() if k.family == "text"} for judge in FINDERS}
    assert texts["typography"] == {"typo", "missing-text", "malformed", "duplicate-text", "extra-text"}
    assert texts["vlm"] == {"typo", "missing-text", "duplicate-text", "extra-text"}


@pytest.mark.parametrize(("times", "grade"), [(1.01, "blemish"), (2.2, "blemish"), (2.4, "defect"), (8.1, "failure")])
def test_the_grade_of_uneven_ground_follows_from_how_visible_it_is(times: float, grade: str) -> None:
    assert _grade(grain_severity(times)) == grade


@pytest.mark.parametrize("kind", FAILS_FROM)
def test_the_grade_of_a_layout_defect_follows_from_its_share(kind: str) -> None:
    fails = FAILS_FROM[kind]
    shares = (0.1 * fails, 0.2 * fails, 1.01 * fails)
    assert [_grade(layout_severity(kind, share)) for share in shares] == ["blemish", "defect", "failure"]


@pytest.mark.parametrize(
    ("delta", "share", "grade"),
    [(8, 0.02, "blemish"), (8, 0.9, "defect"), (20, 0.2, "failure"), (87, 0.05, "failure"), (31, 0.01, "failure")],
)
def test_the_grade_of_an_unwanted_change_follows_from_strength_and_area(delta: float, share: float, grade: str) -> None:
    assert _grade(edit_severity(delta, share)) == grade


@pytest.mark.parametrize(
    ("rubric", "score", "grade"),
    [
        ("quality", 4, "blemish"),
        ("quality", 3, "defect"),
        ("quality", 2, "failure"),
        ("compliance", 4, "blemish"),
        ("compliance", 3, "failure"),
    ],
)
def test_the_grade_of_what_a_model_reports_follows_from_its_level(rubric: str, score: float, grade: str) -> None:
    assert grade_at(rubrics()[rubric], score) == grade


def _grade(severity: float) -> str:
    return "failure" if severity >= FAILURE_FROM else "defect" if severity >= DEFECT_FROM else "blemish"


# ------------------------------------------------------------------------------------------------------------ scope

BARE = Case("a/bare", "a picture", width=SIDE, height=SIDE)
TEXT = Case("a/text", "a sign", width=SIDE, height=SIDE, texts=(TextTarget("OPEN"),))
PLACED = Case(
    "a/placed",
    "a dot on a plain ground",
    width=SIDE,
    height=SIDE,
    elements=(Element("circle-0", "circle", Box(20, 20, 52, 52), (40, 84, 196)),),
    background=Background("solid", ((232, 228, 218),), (Box(0, 60, 60, 128),)),
)
SOLID = Case("a/solid", "a plain ground", width=SIDE, height=SIDE, background=Background("solid"))
PAPER = Case("a/paper", "film", width=SIDE, height=SIDE, background=Background("solid", texture_wanted=True))
EDIT = next(iter(edit_controls())).case
FREE_EDIT = Case("a/edit", "edit it", Task.EDIT, SIDE, SIDE, source=SourceImage(str(SOURCE), ""))
EVERYWHERE = Case(
    "a/all",
    "make it green",
    Task.EDIT,
    SIDE,
    SIDE,
    source=EDIT.source,
    extra={"edit": {"changed": [{"x0": 0, "y0": 0, "x1": SIDE, "y1": SIDE}]}},
)
NOTHING_ASKED = Case("a/nothing", "", width=SIDE, height=SIDE)
CASES = [BARE, TEXT, PLACED, SOLID, PAPER, EDIT, FREE_EDIT, EVERYWHERE, NOTHING_ASKED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("has_twin", [True, False])
def test_what_is_not_applicable_is_never_scored_and_all_else_is_scored_on_a_sound_picture(
    case: Case, has_twin: bool
) -> None:
    picture = Picture.from_pixels(drawn((40, 84, 196), (208, 40, 44)))
    for judge in shipped():
        if judge.name in ("lpips", "dists", "clip-score", "vlm"):
            continue  # they need a network
        outside = not_applicable(judge, case, has_twin)
        assert set(outside) <= {dimension.name for dimension in judge.dimensions}
        if len(outside) == len(judge.dimensions):
            continue
        verdict = judge.judge(picture, case, picture if has_twin else None)
        for score in verdict.scores:
            if score.dimension in outside:
                assert score.status is Status.UNSCORED, (judge.name, score)
            elif score.dimension not in _AFTER_LOOKING:
                assert score.status is Status.SCORED, (judge.name, score)


_AFTER_LOOKING = {
    "typography.clarity",  # nothing was read
    "layout.contrast_min",
    "fidelity.efficientnet_lite0",  # its weights may not be installed
    *(f"grain.{name}" for name in ("visible_noise", "area", "ratio", "grid", "banding", "mottle", "cast")),
}


@pytest.mark.parametrize(
    ("name", "case", "has_twin", "names", "reason"),
    [
        ("typography", BARE, True, "all", "the case asks for no text"),
        ("typography", TEXT, False, "", ""),
        ("layout", BARE, False, "all", ""),
        ("layout", BARE, True, "violations placement overlap_px contrast_min", "no place of any text or element"),
        ("layout", PLACED, False, "overlap_px contrast_min drift", ""),
        ("grain", BARE, False, "all", "the case declares no flat ground, and there is no twin to compare with"),
        ("grain", BARE, True, "visible_noise area grid banding mottle", "only the comparison with the twin"),
        ("grain", SOLID, False, "all", "says not where or in which colours its ground is flat"),
        ("grain", SOLID, True, "", ""),
        ("grain", PLACED, False, "ratio", "there is no twin to compare with"),
        ("grain", PAPER, True, "all", "the prompt asks for texture"),
        ("edit", BARE, True, "all", "the case asks for no edit"),
        ("edit", FREE_EDIT, True, "all", "the case does not declare what may change"),
        ("edit", EVERYWHERE, False, "preserved", "no pixel is declared to stay"),
        ("edit", EDIT, False, "", ""),
        ("fidelity", BARE, False, "all", "there is no twin to compare with"),
        ("lpips", BARE, False, "all", "there is no twin to compare with"),
        ("dists", BARE, True, "", ""),
        ("clip-score", NOTHING_ASKED, True, "all", "the case has no prompt"),
        ("clip-score", BARE, False, "", ""),
    ],
)
def test_what_a_case_does_not_ask_for(name: str, case: Case, has_twin: bool, names: str, reason: str) -> None:
    (judge,) = (judge for judge in shipped() if judge.name == name)
    outside = not_applicable(judge, case, has_twin)
    prefix = f"{name}."
    every = {dimension.name.removeprefix(prefix) for dimension in judge.dimensions}
    assert {key.removeprefix(prefix) for key in outside} == (every if names == "all" else set(names.split()))
    assert all(reason in said for said in outside.values())


def test_the_vlm_judge_names_the_rubrics_that_are_not_asked() -> None:
    (judge,) = (judge for judge in shipped() if judge.name == "vlm")
    bare = not_applicable(judge, BARE, has_twin=False)
    without = ("background", "checklist", "edit", "layout", "portrait", "text", "preference", "order")
    assert set(bare) == {f"vlm.{name}" for name in without}
    assert bare["vlm.checklist"] == "the case gives nothing to ask"
    assert {"vlm.preference", "vlm.order"}.isdisjoint(not_applicable(judge, BARE, has_twin=True))
    once = VlmJudge(VlmJudge.Settings(model="m", url="http://127.0.0.1:9", rubrics=("text",), repeats=0))
    assert set(not_applicable(once, BARE, has_twin=True)) == {"vlm.text", "vlm.consistency"}
    assert set(not_applicable(once, TEXT, has_twin=True)) == {"vlm.consistency"}


def test_a_broken_declaration_is_the_picture_s_error_and_not_the_run_s() -> None:
    broken = Case("a/b", "edit it", Task.EDIT, SIDE, SIDE, source=EDIT.source, extra={"edit": {"changed": "all"}})
    assert not not_applicable(EditJudge(), broken, has_twin=False)
    verdict = look(EditJudge(), broken, Picture.from_pixels(np.zeros((SIDE, SIDE, 3), np.uint8)), None)
    assert {score.status for score in verdict.scores} == {Status.ERROR}


# ------------------------------------------------------------------------------------------------------ worst values


@pytest.mark.parametrize("judge", shipped(), ids=NAMES)
def test_a_missing_cell_of_every_dimension_can_be_taken_at_its_worst(judge: Judge) -> None:
    assert isinstance(judge, DeclaresScope)
    for dimension in judge.dimensions:
        assert dimension.bad_end is not None, dimension.name
        good = dimension.good_end if dimension.good_end is not None else 0.0
        assert (dimension.bad_end < good) == dimension.higher_is_better, dimension.name
