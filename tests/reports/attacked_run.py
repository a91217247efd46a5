"""The compared run of `compared_run` with an attack in the place of every free text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.api.records import Dimension, Finding
from evalkit.api.results import CaseResult, ControlResult, DimensionResult, GateResult
from tests.reports.compared_run import compared_run
from tests.reports.conftest import FakeRunResults

ATTACK = (
    "one\n::error::owned\r\n  ::set-output name=outcome::passed\n##[error]owned ##[add-mask]1 %0A::stop-commands::x%25"
    "\noutcome=passed\noutcome<<EOF\npassed\nEOF\n</details></summary><script>alert(1)</script>\n# head\n- item\n"
    "| cell | `code` ``` **bold** [link](https://a.example) @octocat #1 GH-2\x1b[31m\x00\x07 \u2028 \u202e \ud800"
    "<!-- evalkit comment: evalkit -->,title=x::y,:"
)


def attacked_run(folder: Path) -> FakeRunResults:
    """Every text an attack; ids of cases stay what they may be."""
    calm = compared_run(folder)
    run, change = calm.run, calm.run.comparison
    assert change is not None
    results = [_attacked(result) for result in calm.cases()]
    attacked = replace(
        run,
        reasons=(ATTACK,),
        benchmark=ATTACK,
        benchmark_version=ATTACK,
        benchmark_digest=ATTACK,
        created=ATTACK,
        evalkit_version=ATTACK,
        command=ATTACK,
        generators=tuple(replace(g, name=ATTACK, licence=ATTACK, hardware=ATTACK) for g in run.generators),
        dimensions=tuple(_dimension(row) for row in run.dimensions),
        gates=tuple(GateResult(ATTACK, gate.status, ATTACK, ATTACK) for gate in run.gates),
        controls=(ControlResult(ATTACK, ATTACK, ATTACK, False, ATTACK),),
        finding_counts={ATTACK: {"student-only": 1}},
        environment={ATTACK: ATTACK},
        comparison=replace(
            change,
            baseline=ATTACK,
            baseline_created=ATTACK,
            dimensions=tuple(replace(c, dimension=ATTACK) for c in change.dimensions),
            reasons={ATTACK: 1},
        ),
    )
    return FakeRunResults(attacked, folder, lambda: iter(results))


def _dimension(row: DimensionResult) -> DimensionResult:
    return replace(row, judge=ATTACK, judge_version=ATTACK, dimension=Dimension(ATTACK, ATTACK, unit=ATTACK))


def _attacked(result: CaseResult) -> CaseResult:
    verdicts = {
        role: tuple(replace(v, judge=ATTACK, findings=tuple(map(_finding, v.findings))) for v in given)
        for role, given in result.verdicts.items()
    }
    assert result.change is not None
    case = replace(result.case, prompt=ATTACK, category=ATTACK)
    return replace(result, case=case, verdicts=verdicts, change=replace(result.change, reason=ATTACK))


def _finding(finding: Finding) -> Finding:
    evidence = {"expected": ATTACK, "read": f"{ATTACK}!"}
    return replace(finding, kind=ATTACK, unit=ATTACK, message=ATTACK, evidence=evidence, target=ATTACK)
