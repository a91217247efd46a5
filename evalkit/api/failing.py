"""Which cases fail: the one rule that comparison, verdict, JUnit, summary, report and leaderboard share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.api.records import Finding, Grade, Role, Verdict, grade_of
from evalkit.api.results import CaseResult, GateResult, GateStatus

__all__ = ["case_fails", "failed_gates_by_case", "fails", "is_failure"]


def is_failure(finding: Finding, least: Grade = Grade.FAILURE) -> bool:
    """Whether a finding fails its case: its grade is `failure`, or at least the grade that is asked for."""
    return grade_of(finding).rank >= least.rank


def fails(verdicts: Iterable[Verdict], failed_gates: Sequence[str] = ()) -> bool:
    """Whether a picture with these verdicts fails: it has a failure, or a failed gate counted its case."""
    return bool(failed_gates) or any(is_failure(finding) for verdict in verdicts for finding in verdict.findings)


def case_fails(result: CaseResult) -> bool:
    """Whether the student fails a case."""
    return fails(result.verdicts.get(Role.STUDENT, ()), result.failed_gates)


def failed_gates_by_case(gates: Iterable[GateResult]) -> dict[str, tuple[str, ...]]:
    """Case id -> rules of the failed gates that counted it against the student."""
    rules: dict[str, tuple[str, ...]] = {}
    for gate in gates:
        for case in gate.cases if gate.status is GateStatus.FAIL else ():
            rules[case] = (*rules.get(case, ()), gate.rule)
    return rules
