"""`junit.xml`: the verdict of each judge on each of the student's pictures, as test results for CI servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from evalkit.api import settings
from evalkit.api.failing import is_failure
from evalkit.api.records import Finding, Grade, Role, Status, Verdict
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
from evalkit.reports.failures import NEW, failures_of, is_students_own
from evalkit.reports.files import replacing_file
from evalkit.reports.wording import NO_GATE

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

    - `failure`: a finding of grade `min_grade` or worse that is the student's own (its twin is fine or was not
      judged). A defect inherited from the teacher is noted in `system-out` and fails nothing. With a baseline, the
      findings of a case that regressed or newly fails are failures even if they are inherited: they are new.
    - `error`: no picture, or the judge failed and reported no such finding.
    - `skipped`: the judge scored no dimension (with its reasons), the case failed before and the defect is
      inherited, or the case is known to be flaky.
    - a pass lists in `system-out` the defects that the baseline had and this run does not have.

    The gates decide the verdict of the run, so a run can pass with failures here. Of gates, `FAIL` is a
    failure and `UNDECIDED` is skipped; a control judged wrongly is a failure.
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
                suite("gates").add(TestCase("gates", "no gate configured", "skipped", message=NO_GATE))
            for control in summary.controls:
                suite("controls").add(control_case(control))
            judges = list(dict.fromkeys(d.judge for d in summary.dimensions if d.role is Role.STUDENT))
            flaky = frozenset(summary.flaky)
            for result in results.cases():
                unstable = result.case.id in flaky
                for judge, case in judged_cases(result, judges, self.settings.min_grade, flaky=unstable):
                    suite(f"judge {judge}").add(case)
            _write(file, summary.benchmark, list(suites.values()))
        return target


def gate_case(gate: GateResult) -> TestCase:
    """A gate as a test case; one with too little power is skipped, not passed."""
    result = {GateStatus.FAIL: "failure", GateStatus.UNDECIDED: "skipped", GateStatus.PASS: ""}[gate.status]
    message = f"{gate.status.value}: {gate.detail}" if result else ""
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
        "outcome": summary.outcome.value,
        "benchmark": f"{summary.benchmark} {summary.benchmark_version}",
        "evalkit": summary.evalkit_version,
        **compared,
    }


def judged_cases(
    result: CaseResult, judges: Sequence[str], min_grade: Grade, *, flaky: bool = False
) -> Iterator[tuple[str, TestCase]]:
    """One test case per judge for the student's picture of `result`; `judges` are those expected to have looked."""
    verdicts = {verdict.judge: verdict for verdict in result.verdicts.get(Role.STUDENT, ())}
    name = f"{result.case.id} [seed {result.seed}]"
    sample = result.samples.get(Role.STUDENT)
    for judge in dict.fromkeys([*judges, *verdicts]):
        classname = f"{judge}.{result.case.category}" if result.case.category else judge
        verdict = verdicts.get(judge)
        if sample is not None and not sample.ok:
            yield judge, TestCase(classname, name, "error", "no-picture", sample.error)
        elif verdict is None:
            yield judge, TestCase(classname, name, "skipped", message="not judged")
        else:
            case = _verdict_case(classname, name, verdict, min_grade, result.change)
            yield judge, _excused(case) if flaky else case


def _verdict_case(classname: str, name: str, verdict: Verdict, min_grade: Grade, change: CaseChange | None) -> TestCase:
    bucket = change.bucket if change else None
    severe = [finding for _, finding in failures_of(((verdict.judge, f) for f in verdict.findings), min_grade)]
    held = severe if bucket in NEW else [f for f in severe if is_students_own(f)]
    missing = [s for s in verdict.scores if s.status is not Status.SCORED]
    notes = "\n".join(
        [f"inherited: {_line(f)}" for f in severe if not is_students_own(f)][:DETAIL_LINES]
        + [f"{s.dimension}: {s.status.value}: {s.reason}" for s in missing]
        + (_since_baseline(change, verdict.judge) if change else [])
    )
    if held:
        since = f"{bucket.value}: " if bucket in (*NEW, Bucket.STILL_FAILING) else ""
        more = f" (and {len(held) - 1} more)" if len(held) > 1 else ""
        detail = "\n".join(_line(f) for f in held[:DETAIL_LINES])
        return TestCase(classname, name, "failure", held[0].kind, since + held[0].message + more, detail, notes)
    if severe and bucket is Bucket.STILL_FAILING:
        message = f"still failing, inherited from the teacher: {severe[0].message}"
        return TestCase(classname, name, "skipped", message=message, notes=notes)
    reasons = "; ".join(f"{s.dimension}: {s.reason}" for s in missing)
    if any(s.status is Status.ERROR for s in missing):
        return TestCase(classname, name, "error", "judge", reasons, notes=notes)
    if len(missing) == len(verdict.scores):
        return TestCase(classname, name, "skipped", message=reasons or "the judge gave no score", notes=notes)
    return TestCase(classname, name, notes=notes)


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
    measure = f"{finding.size:g} {finding.unit}, severity {finding.severity:.2f}"
    return f"{finding.kind} at {where}, {measure}: {finding.message}"


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
