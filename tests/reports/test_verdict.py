"""`verdict.json`: what a script reads from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_UNDECIDED
from evalkit.api.records import Blame, Role
from evalkit.api.results import GateResult, GateStatus, Interval, Outcome
from evalkit.reports.ci.verdict import SCHEMA, VerdictExporter, schema_text
from tests.reports.attacked_run import ATTACK, attacked_run
from tests.reports.conftest import FakeRunResults


def verdict_of(results: FakeRunResults, out: Path, **settings: int) -> Any:
    path = VerdictExporter(VerdictExporter.Settings(**settings)).export(results, out)
    return json.loads(path.read_text("ascii"))


def test_the_schema_lies_beside_it(compared: FakeRunResults, tmp_path: Path) -> None:
    content = verdict_of(compared, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["verdict.json", SCHEMA]
    assert (tmp_path / "out" / content["$schema"]).read_text("utf-8") == schema_text()


def test_outcome_and_exit_code(compared: FakeRunResults, tmp_path: Path) -> None:
    content = verdict_of(compared, tmp_path)
    assert (content["outcome"], content["exit_code"]) == ("failed", EXIT_GATE_FAILED)
    compared.run = replace(compared.run, outcome=Outcome.UNDECIDED)
    content = verdict_of(compared, tmp_path)
    assert content["exit_code"] == EXIT_UNDECIDED
    assert "could not be decided" in content["exit_meaning"]


def test_gates_say_what_they_could_not(compared: FakeRunResults, tmp_path: Path) -> None:
    gates = {gate["dimension"]: gate for gate in verdict_of(compared, tmp_path)["gates"]}
    ned = gates["ned"]
    assert (ned["status"], ned["cause"], ned["n_needed"], ned["n_needed_most"]) == (
        "undecided",
        "too few cases",
        29,
        90,
    )
    assert (ned["asked"]["student_scored"], ned["asked"]["not_applicable"]) == (7, 2)
    assert (gates["grain"]["cause"], gates["grain"]["warns"]) == ("missing evidence", False)
    assert gates["grain"]["asked"]["reason"] == "no flat ground (8 cells)"
    assert gates["words"]["interval"] == {"value": 0.081, "low": 0.059, "high": 0.103, "n": 4, "confidence": 0.95}
    assert gates["words"]["detectable"] == 0.031
    assert gates["grain"]["interval"] is None


def test_a_missing_figure_is_null(compared: FakeRunResults, tmp_path: Path) -> None:
    holes = Interval(0.5, None, float("inf"), 1)
    unknown = GateResult("rule", GateStatus.UNDECIDED, "", interval=holes, detectable=float("nan"))
    student, teacher = compared.run.generators
    generators = (replace(student, nfe=None, seconds_per_picture=None, hardware=""), teacher)
    compared.run = replace(compared.run, gates=(unknown,), generators=generators, run_digest="")
    content = verdict_of(compared, tmp_path)
    assert content["gates"][0]["interval"] | {"n": 0} == {
        "value": 0.5,
        "low": None,
        "high": None,
        "n": 0,
        "confidence": 0.95,
    }
    assert content["gates"][0]["detectable"] is None
    assert [content["generators"][0][key] for key in ("nfe", "seconds_per_picture", "hardware")] == [None] * 3
    assert content["run_digest"] is None
    checklist = [d for d in content["dimensions"] if d["dimension"] == "checklist"]
    assert [d["estimate"] for d in checklist] == [None, None]
    assert next(c for c in content["comparison"]["dimensions"] if c["dimension"] == "checklist")["difference"] is None


def test_the_comparison(compared: FakeRunResults, demo: FakeRunResults, tmp_path: Path) -> None:
    content = verdict_of(compared, tmp_path)["comparison"]
    assert content["buckets"]["regressed"] == 2
    assert content["incomparable_reasons"] == {"the case has changed": 1}
    words = [c for c in content["dimensions"] if c["dimension"] == "words"]
    assert {c["group"] for c in words} >= {"all", "task:t2i", "category:food"}
    assert verdict_of(demo, tmp_path)["comparison"] is None


def test_new_failures_come_first(compared: FakeRunResults, tmp_path: Path) -> None:
    failures = verdict_of(compared, tmp_path)["failures"]
    assert [(f["case"], f["bucket"], f["kind"]) for f in failures["worst"]] == [
        ("poster/fresh-bread", "regressed", "overlap"),
        ("poster/harbour-jazz", "regressed", "typo"),
    ]
    assert [(f["case"], f["bucket"]) for f in failures["inherited"]] == [("poster/open-studio", "incomparable")]
    typo = failures["worst"][1]
    assert (typo["expected"], typo["read"], typo["severity"], typo["blame"]) == (
        "HARBOUR",
        "HARB0UR",
        0.72,
        "student-only",
    )
    assert len(typo["box"]) == 4
    assert (failures["n"], failures["n_new"], failures["n_flaky"]) == (2, 2, 1)  # night-trains is flaky


def test_without_a_baseline_the_students_own_come_first(demo: FakeRunResults, tmp_path: Path) -> None:
    failures = verdict_of(demo, tmp_path)["failures"]
    assert {f["bucket"] for f in failures["worst"]} == {None}
    assert [f["blame"] for f in failures["worst"]] == ["student-only"] * 3
    assert [c["case"] for c in failures["cases"]] == [  # in the order of the suite
        "poster/harbour-jazz",
        "poster/fresh-bread",
        "poster/night-trains",
    ]
    assert [(f["case"], f["blame"]) for f in failures["inherited"]] == [("poster/open-studio", "both")]
    blamed = [
        replace(r, verdicts={Role.STUDENT: tuple(replace(v, findings=()) for v in r.verdicts.get(Role.STUDENT, ()))})
        for r in demo.cases()
    ]
    demo.make = lambda: iter(blamed)
    none = {"n": 0, "n_new": None, "cases": [], "worst": [], "n_flaky": 0, "n_inherited": 0, "inherited": []}
    assert verdict_of(demo, tmp_path)["failures"] == none


def test_what_the_teacher_has_too_fails_nothing_and_is_not_lost(compared: FakeRunResults, tmp_path: Path) -> None:
    shared = [
        replace(
            r,
            verdicts={
                role: tuple(replace(v, findings=tuple(replace(f, blame=Blame.BOTH) for f in v.findings)) for v in given)
                for role, given in r.verdicts.items()
            },
        )
        for r in compared.cases()
    ]
    compared.make = lambda: iter(shared)
    failures = verdict_of(compared, tmp_path)["failures"]
    assert failures["worst"] == []
    assert failures["n_inherited"] == len(failures["inherited"]) == 4


def test_the_worst_are_kept_of_many(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    failures = verdict_of(many(400), tmp_path, worst_failures=3)["failures"]
    assert [f["severity"] for f in failures["worst"]] == [0.9, 0.9, 0.9]
    assert [f["case"] for f in failures["worst"]] == ["poster/00002", "poster/00010", "poster/00018"]
    assert failures["n"] == len(failures["cases"]) > 100


def test_hostile_text_arrives_as_data(tmp_path: Path) -> None:
    content = verdict_of(attacked_run(tmp_path / "p"), tmp_path / "out")
    assert content["reasons"] == [ATTACK.replace("\ud800", "?")]
    assert content["failures"]["worst"][0]["expected"] == ATTACK.replace("\ud800", "?")


def test_a_novel_is_clipped(compared: FakeRunResults, tmp_path: Path) -> None:
    compared.run = replace(compared.run, command="x" * 100_000)
    assert verdict_of(compared, tmp_path)["command"].endswith("(98,000 more characters)")
