"""`junit.xml`: the verdict of each judge on each of the student's pictures, as test results for CI servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from evalkit.api import settings
from evalkit.api.failing import is_failure, is_inherited
from evalkit.api.records import Finding, Grade, Role, Status, Verdict, grade_of
from evalkit.api.results import (
    Bucket,
    CaseChange,
    CaseResult,
    ControlResult,
    GateResult,
    GateStatus,
    RunResults,
    RunSummary,
)
from evalkit.reports.escape import clip, xml
from evalkit.reports.failures import NEW, Counted, Merged, by_rule, counted_by, merged
from evalkit.reports.files import replacing_file
from evalkit.reports.wording import BLAMES, NO_GATE, gate_state, outcome_of

MESSAGE = 2_000
"""Most characters of one message: CI servers load the whole file."""
DETAIL_LINES = 50


@dataclass(frozen=True, slots=True)
class TestCase:
    """One `<testcase>`. `result` is `failure`, `error`, `skipped` or empty for a pass; `notes` become system-out."""

    __test__ = False  # not a test of pytest's

    classname: str
    name: str
    result: str = ""
    kind: str = ""
    message: str = ""
    detail: str = ""
    notes: str = ""

    def xml(self) -> str:
        """The element, on lines of its own."""
        inner = ""
        if self.result:
            kind = "" if self.result == "skipped" else f" type={_attribute(self.kind)}"
            inner += f"<{self.result}{kind} message={_attribute(self.message)}>{_text(self.detail)}</{self.result}>"
        if self.notes:
            inner += f"<system-out>{_text(self.notes)}</system-out>"
        head = f"<testcase classname={_attribute(self.classname)} name={_attribute(self.name)}"
        return f"    {head}>{inner}</testcase>\n" if inner else f"    {head}/>\n"


@dataclass(slots=True)
class Suite:
    """One `<testsuite>` that is being written: its cases wait in a file, because the counts come before them."""

    name: str
    body: TextIO
    properties: Mapping[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"tests": 0, "failure": 0, "error": 0, "skipped": 0})

    def add(self, case: TestCase) -> None:
        """Count one case and write it to the waiting file."""
        self.counts["tests"] += 1
        if case.result:
            self.counts[case.result] += 1
        self.body.write(case.xml())

    def totals(self) -> str:
        """The four counts as XML attributes."""
        return _totals(self.counts)


class JunitExporter:
    """JUnit XML for the test tab of a CI server: one suite per judge, one for the gates, one for the controls.

    A test case is one case and seed as judged by one judge, and only the student is tested:

    - `failure`: a finding of grade `min_grade` or worse that is not inherited from the teacher, or a failed gate that
      counted the case: the message names the rule and the value. Findings of one kind are one entry of the message.
      With a baseline, the message begins with what became of the case.
    - `error`: no picture, or the judge failed and there is nothing of the above.
    - `skipped`: the judge scored no dimension (with its reasons), none applies to the case, or the case is known to be
      flaky.
    - a pass lists in `system-out` what is inherited, and the defects that the baseline had and this run does not have.

    The gates decide the verdict of the run, so a run can pass with failures here. A failed gate is a failure, an
    undecided one is skipped; a control judged wrongly is a failure.
    """

    class Settings(settings.Settings):
        """When a finding fails its test case."""

        min_grade: Grade = Grade.FAILURE

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `junit.xml` into `out`; its path. Memory is flat in the number of cases."""
        target = out / "junit.xml"
        summary = results.summary()
        with replacing_file(target) as file, ExitStack() as stack:
            suites: dict[str, Suite] = {}

            def suite(name: str) -> Suite:
                if name not in suites:
                    body = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=out))
                    suites[name] = Suite(name, body, {} if suites else properties(summary))
                return suites[name]

            for gate in summary.gates:
                suite("gates").add(gate_case(gate))
            if not summary.gates:
                suite("gates").add(TestCase("gates", "no gate applied", "skipped", message=NO_GATE))
            for control in summary.controls:
                suite("controls").add(control_case(control))
            judges = list(dict.fromkeys(d.judge for d in summary.dimensions if d.role is Role.STUDENT))
            flaky, gates = frozenset(summary.flaky), by_rule(summary)
            for result in results.cases():
                unstable = result.case.id in flaky
                counted = counted_by(result, gates)
                for name, case in judged_cases(result, judges, self.settings.min_grade, counted, flaky=unstable):
                    suite(name).add(case)
            _write(file, summary.benchmark, list(suites.values()))
        return target


def gate_case(gate: GateResult) -> TestCase:
    """A gate as a test case; one that is undecided is skipped, not passed."""
    result = {GateStatus.FAIL: "failure", GateStatus.UNDECIDED: "skipped", GateStatus.PASS: ""}[gate.status]
    message = f"{gate_state(gate)}: {gate.detail}" if result else ""
    return TestCase("gates", gate.rule, result, "gate", message, notes="" if result else gate.detail)


def control_case(control: ControlResult) -> TestCase:
    """A control as a test case."""
    result = "" if control.passed else "failure"
    message = f"{control.rule}: {control.detail or 'judged wrongly'}" if result else ""
    return TestCase(f"controls.{control.judge}", control.name, result, "control", message, notes=control.rule)


def properties(summary: RunSummary) -> dict[str, str]:
    """What the run was, as properties of the first suite."""
    compared = {"baseline": summary.comparison.baseline} if summary.comparison else {}
    return {
        "outcome": outcome_of(summary).value,
        "benchmark": f"{summary.benchmark} {summary.benchmark_version}",
        "evalkit": summary.evalkit_version,
        **compared,
    }


def judged_cases(
    result: CaseResult, judges: Sequence[str], min_grade: Grade, counted: Sequence[Counted] = (), *, flaky: bool = False
) -> Iterator[tuple[str, TestCase]]:
    """The test cases of the student's picture of `result`, each with the name of its suite.

    Args:
        result: one case and seed.
        judges: those expected to have looked; each has one test case.
        min_grade: the grade from which on a finding fails its test case.
        counted: the failed gates that counted the case. A gate that is about none of the judges has a test case of its
            own.
        flaky: whether the case is known to be unstable.
    """
    verdicts = {verdict.judge: verdict for verdict in result.verdicts.get(Role.STUDENT, ())}
    name = f"{result.case.id} [seed {result.seed}]"
    sample = result.samples.get(Role.STUDENT)
    drawn = sample is None or sample.ok
    by_judge, others = _by_judge(counted, verdicts.values() if drawn else ())
    for judge in dict.fromkeys([*judges, *verdicts]):
        classname = f"{judge}.{result.case.category}" if result.case.category else judge
        verdict = verdicts.get(judge)
        if sample is not None and not sample.ok:
            yield f"judge {judge}", TestCase(classname, name, "error", "no-picture", sample.error)
        elif verdict is None:
            yield f"judge {judge}", TestCase(classname, name, "skipped", message="not judged")
        else:
            case = _verdict_case(classname, name, verdict, min_grade, by_judge.get(judge, ()), result.change)
            yield f"judge {judge}", _excused(case) if flaky else case
    for one in others:
        yield "gates", TestCase(f"gates.{one.subject or 'case'}", name, "failure", "gate", one.in_words)


def _by_judge(
    counted: Sequence[Counted], verdicts: Iterable[Verdict]
) -> tuple[dict[str, list[Counted]], list[Counted]]:
    """The gates that counted a case by the judge they are about, and those that are about none.

    A gate on a family of kinds does not name the judge: it goes to the judges with a failure.
    """
    given = list(verdicts)
    found: dict[str, list[Counted]] = {}
    others = []
    for one in counted:
        meant = [
            verdict.judge
            for verdict in given
            if verdict.score(one.subject) or any(finding.kind == one.subject for finding in verdict.findings)
        ] or [verdict.judge for verdict in given if any(map(is_failure, verdict.findings))]
        for judge in meant:
            found.setdefault(judge, []).append(one)
        if not meant:
            others.append(one)
    return found, others


def _verdict_case(
    classname: str,
    name: str,
    verdict: Verdict,
    min_grade: Grade,
    counted: Sequence[Counted],
    change: CaseChange | None,
) -> TestCase:
    held = merged((verdict.judge, finding) for finding in verdict.findings if is_failure(finding, min_grade))
    asked = [s for s in verdict.scores if s.status is not Status.NOT_APPLICABLE]
    missing = [s for s in verdict.scores if s.status is not Status.SCORED]
    notes = "\n".join(
        [f"{s.dimension}: {s.status.value}: {s.reason}" for s in missing]
        + (_since_baseline(change, verdict.judge) if change else [])
        + [f"inherited: {_line(one.worst)}{_more(one)}" for one in held if is_inherited(one.worst)]
    )
    if counted or not all(is_inherited(one.worst) for one in held):
        messages = [_message(one) for one in held] + [one.in_words for one in counted]
        lines = [_line(one.worst) + _more(one) for one in held] + [one.in_words for one in counted]
        kind = held[0].kind if held else "gate"
        message = _since(change) + "; ".join(messages)
        return TestCase(classname, name, "failure", kind, message, "\n".join(lines), notes)
    unscored = [s for s in asked if s.status is not Status.SCORED]
    reasons = "; ".join(f"{s.dimension}: {s.reason}" for s in unscored or missing)
    if any(s.status is Status.ERROR for s in unscored):
        return TestCase(classname, name, "error", "judge", reasons, notes=notes)
    if len(unscored) == len(asked):
        applies = "" if asked else "not applicable: "
        message = f"{applies}{reasons}" if reasons else "the judge gave no score"
        return TestCase(classname, name, "skipped", message=message, notes=notes)
    return TestCase(classname, name, notes=notes)


def _message(one: Merged) -> str:
    inherited = "inherited from the teacher: " if is_inherited(one.worst) else ""
    return f"{inherited}{one.worst.message}{_more(one)}"


def _more(one: Merged) -> str:
    return f" (the worst of {one.n:,} of kind {one.kind})" if one.n > 1 else ""


def _since(change: CaseChange | None) -> str:
    listed = change is not None and change.bucket in (*NEW, Bucket.STILL_FAILING)
    return f"{change.bucket.value}: " if change and listed else ""


def _excused(case: TestCase) -> TestCase:
    """A case known to be flaky fails nothing; its message stays readable."""
    if case.result != "failure":
        return case
    return replace(case, result="skipped", kind="", message=f"flaky, known to be unstable: {case.message}")


def _since_baseline(change: CaseChange, judge: str) -> list[str]:
    if change.bucket is Bucket.INCOMPARABLE:
        return [f"not compared with the baseline: {change.reason}"]
    if change.bucket is not Bucket.FIXED:
        return []
    before = [finding for verdict in change.baseline_verdicts if verdict.judge == judge for finding in verdict.findings]
    return [f"fixed: the baseline had {_line(f)}" for f in before if is_failure(f)][:DETAIL_LINES]


def _line(finding: Finding) -> str:
    box = finding.box
    where = f"[{box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g}] px"
    measure = f"{finding.size:g} {finding.unit}, grade {grade_of(finding).value}, severity {finding.severity:.2f}"
    whose = f", {BLAMES[finding.blame.value]}" if finding.blame else ""
    return f"{finding.kind} at {where}, {measure}{whose}: {finding.message}"


def _write(file: TextIO, name: str, suites: Sequence[Suite]) -> None:
    total = {key: sum(s.counts[key] for s in suites) for key in ("tests", "failure", "error", "skipped")}
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(f"<testsuites name={_attribute(f'evalkit {name}')} {_totals(total)}>\n")
    for suite in suites:
        file.write(f"  <testsuite name={_attribute(suite.name)} {suite.totals()}>\n")
        if suite.properties:
            pairs = [f"<property name={_attribute(k)} value={_attribute(v)}/>" for k, v in suite.properties.items()]
            file.write(f"    <properties>{''.join(pairs)}</properties>\n")
        suite.body.seek(0)
        shutil.copyfileobj(suite.body, file)
        file.write("  </testsuite>\n")
    file.write("</testsuites>\n")


def _totals(counts: dict[str, int]) -> str:
    return (
        f'tests="{counts["tests"]}" failures="{counts["failure"]}" '
        f'errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )


def _attribute(text: str) -> str:
    return quoteattr(xml(clip(text, MESSAGE)))


def _text(text: str) -> str:
    return escape(xml(clip(text, MESSAGE)))
