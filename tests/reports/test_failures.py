"""One meaning of failure: every report lists the same cases, whether a finding or a failed gate fails them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evalkit.api.records import Blame, Box, Case, Dimension, Finding, Grade, Role, Score, Status, Verdict
from evalkit.api.results import (
    Bucket,
    CaseChange,
    CaseResult,
    CellCounts,
    DimensionResult,
    GateResult,
    GateStatus,
    Interval,
    Outcome,
    RunSummary,
    Undecided,
)
from evalkit.reports.ci.annotations import workflow_commands
from evalkit.reports.ci.junit import JunitExporter
from evalkit.reports.ci.summary import render_summary
from evalkit.reports.ci.verdict import verdict
from evalkit.reports.failures import collect_failures
from evalkit.reports.html.exporter import HtmlExporter
from evalkit.reports.html.page import headline, render_page
from evalkit.reports.wording import outcome_of
from tests.reports.conftest import FakeRunResults, a_sample, demo_summary, store
from tests.reports.posters import DESIGNS, draw_poster

ON_TYPOS = "typo in at most 0.1 of the cases"
ON_WORDS, ON_GRAIN = "words at least 0.9", "grain of grade defect or worse in at most 0.1 of the cases"
GATES = (
    GateResult(ON_WORDS, GateStatus.FAIL, "mean 0.7", "words", cases=("low",)),
    GateResult(ON_GRAIN, GateStatus.FAIL, "share 0.5", "grain", cases=("grainy",)),
    GateResult(ON_TYPOS, GateStatus.FAIL, "share 0.3", "typo", cases=("inherited-counted",)),
)


def finding(kind: str, severity: float, grade: Grade, blame: Blame | None = None) -> Finding:
    return Finding(kind, Box(10, 10, 60, 40), 1, "letters", severity, f"a {kind}", {}, "", blame, grade)


def a_case(
    name: str, words: float, *found: Finding, gates: tuple[str, ...] = ()
) -> tuple[Case, dict[Role, tuple[Verdict, ...]], tuple[str, ...]]:
    typography = Verdict(
        "typography", (Score("words", Status.SCORED, words),), tuple(f for f in found if f.kind == "typo")
    )
    grain = Verdict("grain", (Score("clean-ground", Status.SCORED, 0.5),), tuple(f for f in found if f.kind == "grain"))
    teacher = Verdict("typography", (Score("words", Status.SCORED, 1.0),))
    return Case(name, "a poster"), {Role.STUDENT: (typography, grain), Role.TEACHER: (teacher,)}, gates


MILD_TYPO = finding("typo", 0.09, Grade.FAILURE, Blame.STUDENT_ONLY)  # one wrong letter of eleven
SPECKS = tuple(finding("grain", 0.46 - i / 1000, Grade.DEFECT, Blame.STUDENT_ONLY) for i in range(177))


@pytest.fixture
def mixed(tmp_path: Path) -> FakeRunResults:
    """A case that is fine, and one that fails for each reason a case can fail for."""
    told = [
        a_case("fine", 1.0, finding("grain", 0.4, Grade.BLEMISH)),
        a_case("low", 0.5, gates=(ON_WORDS,)),
        a_case("grainy", 1.0, *SPECKS, gates=(ON_GRAIN,)),
        a_case("misspelt", 0.95, MILD_TYPO, *SPECKS),
        a_case("inherited", 0.95, replace(MILD_TYPO, blame=Blame.BOTH)),
        a_case("inherited-counted", 0.95, replace(MILD_TYPO, blame=Blame.BOTH), gates=(ON_TYPOS,)),
        a_case("worsened", 0.95, replace(MILD_TYPO, blame=Blame.WORSENED)),
    ]
    folder = tmp_path / "pictures"
    sha = store(folder, draw_poster(DESIGNS[0], typos={}).png)

    def cases() -> Iterator[CaseResult]:
        for case, verdicts, gates in told:
            yield CaseResult(case, 0, {r: a_sample(r, case.id, 0, sha) for r in Role}, verdicts, failed_gates=gates)

    return FakeRunResults(replace(demo_summary(len(told), 1), gates=GATES), folder, cases)


FAILING = ["grainy", "inherited-counted", "low", "misspelt", "worsened"]


def listed_everywhere(results: FakeRunResults, out: Path) -> dict[str, list[str]]:
    """The ids of the failing cases by the report that lists them."""
    summary, failures = results.summary(), collect_failures(results, 100)
    content = verdict(summary, failures)
    root = ElementTree.parse(JunitExporter(JunitExporter.Settings()).export(results, out)).getroot()
    failed = {c.get("name", "").split(" [")[0] for c in root.iter("testcase") if c.find("failure") is not None}
    failed -= {gate.rule for gate in summary.gates}
    text = render_summary(results, 100)
    text = text[: text.index("Inherited from")] if "Inherited from" in text else text
    markdown = [line for line in text.splitlines() if line.startswith("|")]
    annotations = [line for line in workflow_commands(summary, failures, 100) if line.startswith("::warning")]
    ids = [result.case.id for result in results.cases()]
    return {
        "verdict.json": sorted(c["case"] for c in content["failures"]["cases"]),
        "worst of verdict.json": sorted(f["case"] for f in content["failures"]["worst"]),
        "junit": sorted(failed),
        "summary": sorted(i for i in ids if any(f"| {i} |" in line for line in markdown)),
        "annotations": sorted(
            i for i in ids if any(f": {i} [seed" in line.replace("%3A", ":") for line in annotations)
        ),
        "page": listed_on_page(results, out),
    }


def listed_on_page(results: FakeRunResults, out: Path) -> list[str]:
    """The ids of the rows that the page marks as failing."""
    HtmlExporter(HtmlExporter.Settings()).export(results, out)
    index, rows = (out / "report/data/index.js").read_text("ascii").splitlines()
    bit = json.loads(index.removeprefix("evalkit.data.index(").removesuffix(");"))["failing"]
    columns = json.loads(rows.removeprefix("evalkit.data.rows(0,").removesuffix(");"))
    states = columns["is"] if isinstance(columns["is"], list) else [columns["is"]] * len(columns["id"])
    return sorted(case for case, state in zip(columns["id"], states, strict=True) if state & (1 << bit))


def test_all_reports_list_the_same_cases(mixed: FakeRunResults, tmp_path: Path) -> None:
    listed = listed_everywhere(mixed, tmp_path)
    assert listed == dict.fromkeys(listed, FAILING)


def test_what_no_failed_gate_counted_and_the_teacher_has_too_is_listed_apart(
    mixed: FakeRunResults, tmp_path: Path
) -> None:
    failures = collect_failures(mixed, 100)
    content = verdict(mixed.run, failures)["failures"]
    assert (content["n_inherited"], [one["case"] for one in content["inherited"]]) == (1, ["inherited"])
    root = ElementTree.parse(JunitExporter(JunitExporter.Settings()).export(mixed, tmp_path)).getroot()
    cases = {c.get("name"): c for c in root.iter("testcase") if c.get("classname") == "typography"}
    assert (cases["inherited [seed 0]"].findtext("system-out") or "").startswith("inherited: typo at [")
    counted = cases["inherited-counted [seed 0]"].find("failure")
    assert counted is not None
    assert "inherited from the teacher: a typo; counted by the failed gate" in counted.get("message", "")
    text = render_summary(mixed)
    apart = text[text.index("Inherited from the teacher, and not counted by a failed gate: 1") :]
    assert "| failure | inherited | 0 | a typo (inherited)" in apart
    (notice,) = (line for line in workflow_commands(mixed.run, failures, 100) if line.startswith("::notice"))
    assert notice.endswith("no failed gate counted: inherited [seed 0]")
    listed_on_page(mixed, tmp_path)
    index = json.loads((tmp_path / "report/data/index.js").read_text("ascii").splitlines()[0][19:-2])
    assert ["inherited", 1] in index["names"]["is"]


def test_a_case_that_a_gate_alone_fails_shows_the_rule_and_the_value(mixed: FakeRunResults, tmp_path: Path) -> None:
    failures = collect_failures(mixed, 100)
    low = next(f for f in verdict(mixed.run, failures)["failures"]["worst"] if f["case"] == "low")
    assert low["gates"] == [{"rule": ON_WORDS, "subject": "words", "value": 0.5, "teacher": 1.0, "baseline": None}]
    assert [low[key] for key in ("grade", "kind", "box", "severity", "n")] == [None, None, None, None, 0]
    said = f"{ON_WORDS}: words 0.500 (teacher 1.000)"
    assert said in next(line for line in render_summary(mixed).splitlines() if "| low |" in line)
    root = ElementTree.parse(JunitExporter(JunitExporter.Settings()).export(mixed, tmp_path)).getroot()
    case = next(c for c in root.iter("testcase") if c.get("name") == "low [seed 0]" and c.find("failure") is not None)
    assert case.get("classname") == "typography"
    assert f"“{ON_WORDS}”: words 0.500 (teacher 1.000)" in ElementTree.tostring(case, "unicode").replace("&#8220;", "“")
    note = next(line for line in workflow_commands(mixed.run, failures, 100) if "low [seed" in line)
    assert "words 0.500 (teacher 1.000)" in note


def test_a_gate_that_counted_milder_findings_shows_them(mixed: FakeRunResults) -> None:
    worst = verdict(mixed.run, collect_failures(mixed, 100))["failures"]["worst"]
    grainy = next(f for f in worst if f["case"] == "grainy")
    assert (grainy["grade"], grainy["kind"], grainy["n"]) == ("defect", "grain", 177)
    assert grainy["gates"][0]["rule"] == ON_GRAIN


def test_many_mild_findings_do_not_bury_a_failure(mixed: FakeRunResults, tmp_path: Path) -> None:
    failures = collect_failures(mixed, 100)
    misspelt = next(f for f in verdict(mixed.run, failures)["failures"]["worst"] if f["case"] == "misspelt")
    assert (misspelt["grade"], misspelt["kind"], misspelt["severity"]) == ("failure", "typo", 0.09)
    HtmlExporter(HtmlExporter.Settings()).export(mixed, tmp_path)
    chunk = (tmp_path / "report/data/cases-0000.js").read_text("ascii")
    record = next(json.loads(line.rstrip(",")) for line in chunk.splitlines() if '"id":"misspelt"' in line)
    shown = record["roles"][0]["findings"]
    assert (shown[0]["kind"], shown[0]["grade"]) == ("typo", "failure")
    assert len(shown) == 178  # the view of the case keeps all


def test_findings_of_one_kind_are_one_entry(mixed: FakeRunResults) -> None:
    row = next(line for line in render_summary(mixed).splitlines() if "| grainy |" in line)
    assert "a grain ×177" in row
    note = next(n for n in workflow_commands(mixed.run, collect_failures(mixed, 100), 100) if "grainy [seed" in n)
    assert "grain ×177, the worst: a grain" in note


def test_what_worsened_is_the_students_own(mixed: FakeRunResults) -> None:
    label = "worsened: the teacher has it, clearly smaller"
    failures = collect_failures(mixed, 100)
    assert [f.case_id for f in failures.worst].index("worsened") < [f.case_id for f in failures.worst].index(
        "inherited-counted"
    )
    assert label in next(n for n in workflow_commands(mixed.run, failures, 100) if "worsened [seed" in n)
    run = replace(mixed.run, finding_counts={"typo": {"worsened": 1}})
    assert label in render_page(run, 1)


def test_every_failing_case_is_listed_whatever_the_baseline_had(mixed: FakeRunResults, tmp_path: Path) -> None:
    plain = list(mixed.cases())
    buckets = (
        Bucket.UNCHANGED,
        Bucket.REGRESSED,
        Bucket.STILL_FAILING,
        Bucket.NEW_FAILURE,
        Bucket.UNCHANGED,
        Bucket.INCOMPARABLE,
        Bucket.STILL_FAILING,
    )
    changed = [replace(r, change=CaseChange(b, "")) for r, b in zip(plain, buckets, strict=True)]
    mixed.make = lambda: iter(changed)
    listed = listed_everywhere(mixed, tmp_path)
    assert listed == dict.fromkeys(listed, FAILING)


# ------------------------------------------------------------------------------------------------------ what a run says


def gated(*gates: GateResult, outcome: Outcome) -> RunSummary:
    return replace(demo_summary(), outcome=outcome, gates=gates)


HELD = GateResult("words at least 0.9", GateStatus.PASS, "mean 0.95", "words")
OPEN = GateResult(
    "grain.area at most 0.1",
    GateStatus.UNDECIDED,
    "only 0 of 40 cells of the student were scored: it is a JPEG (10 cells)",
    "grain.area",
    cause=Undecided.EVIDENCE,
    asked=CellCounts(10, 0, 10, 0, left_out=10, not_applicable=30, reason="it is a JPEG (10 cells)"),
)
WARNS = replace(OPEN, cause=Undecided.POWER, warns=True)


def test_only_a_run_that_passed_every_gate_holds_every_gate() -> None:
    assert headline(gated(HELD, outcome=Outcome.PASSED)) == "flash-mini holds every gate against base-mini"
    for summary in (
        gated(outcome=Outcome.MEASURED),
        gated(HELD, OPEN, outcome=Outcome.UNDECIDED),
        gated(HELD, WARNS, outcome=Outcome.PASSED),
        gated(outcome=Outcome.PASSED),  # of version 0.1.0
        gated(OPEN, outcome=Outcome.PASSED),
    ):
        assert "holds every gate" not in headline(summary)
        assert "holds every gate" not in render_page(summary, 0)


def test_a_measured_run_wears_no_green_tick() -> None:
    for summary in (gated(outcome=Outcome.MEASURED), gated(outcome=Outcome.PASSED)):
        page = render_page(summary, 0)
        assert '<section id="verdict" class="verdict is-measured"' in page
        assert "Measured: no gate applied" in page
        assert "✓" not in page[page.index('class="outcome"') : page.index("</h1>")]
        assert "✅ " not in render_summary(FakeRunResults(summary, Path(), lambda: iter(()))).split("### ")[0]
        content = verdict(summary, collect_failures(FakeRunResults(summary, Path(), lambda: iter(())), 1))
        assert (content["outcome"], content["exit_code"]) == ("measured", 0)
        assert content["exit_meaning"] == "measured, no gate applied"


def test_an_old_run_whose_gates_could_not_decide_did_not_pass() -> None:
    assert outcome_of(gated(HELD, OPEN, outcome=Outcome.PASSED)) is Outcome.UNDECIDED
    assert outcome_of(gated(HELD, WARNS, outcome=Outcome.PASSED)) is Outcome.PASSED
    assert outcome_of(gated(OPEN, outcome=Outcome.FAILED)) is Outcome.FAILED


def test_a_warning_gate_is_not_called_passed() -> None:
    summary = gated(HELD, WARNS, outcome=Outcome.UNDECIDED)
    content = verdict(summary, collect_failures(FakeRunResults(summary, Path(), lambda: iter(())), 1))
    assert content["exit_code"] == 0
    assert "every gate passed" not in content["exit_meaning"]
    assert "1 of 2 gates undecided" in headline(summary)


def test_an_undecided_gate_says_its_cause_and_its_cells() -> None:
    page = render_page(gated(OPEN, outcome=Outcome.UNDECIDED), 0)
    assert "missing evidence" in page
    assert (
        "student 0 of 10 cells scored, reference 0 of 10, 10 left out, missing on both sides, 30 not applicable" in page
    )


def test_what_no_case_asks_for_is_in_no_denominator(tmp_path: Path) -> None:
    words = Dimension("words", "share of words")
    rows = (
        DimensionResult(Role.STUDENT, "typography", "2", words, 5, 5, Interval(0.9, 0.8, 1.0, 5)),
        DimensionResult(Role.TEACHER, "typography", "2", words, 0, 0, None),
    )
    summary = replace(demo_summary(), dimensions=rows)  # of 8 pictures of each
    page, text = render_page(summary, 0), render_summary(FakeRunResults(summary, tmp_path, lambda: iter(())))
    assert "5/5 scored" in page
    assert "3 not applicable" in page
    assert "5/5 scored, 3 not applicable" in text
    assert "not applicable: no case asks for it" in page
    assert "not applicable: no case asks for it" in text


def test_a_judge_that_does_not_apply_is_skipped_with_the_reason(mixed: FakeRunResults, tmp_path: Path) -> None:
    apart = Score("clean-ground", Status.NOT_APPLICABLE, reason="the case declares no flat ground")
    first = next(mixed.cases())
    typography, _ = first.verdicts[Role.STUDENT]
    mixed.make = lambda: iter([replace(first, verdicts={Role.STUDENT: (typography, Verdict("grain", (apart,)))})])
    root = ElementTree.parse(JunitExporter(JunitExporter.Settings()).export(mixed, tmp_path)).getroot()
    skipped = [
        s.get("message", "") for c in root.iter("testcase") if c.get("classname") == "grain" for s in c.iter("skipped")
    ]
    assert skipped == ["not applicable: clean-ground: the case declares no flat ground"]
    assert (tmp_path / "junit.xml").is_file()
