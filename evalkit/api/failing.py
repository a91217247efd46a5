"""Which cases fail: the one rule that comparison, verdict, JUnit, summary, report and leaderboard share.

A case fails if the student's picture has a failure of the student's own, or if a failed gate counted the case. A
failure that is inherited from the teacher (blame `both`) does not fail its case by itself: distillation did not cause
it. It is listed apart, unless a gate that counts inherited defects has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evalkit.api.records import Blame, Finding, Grade, Role, Verdict, grade_of
from evalkit.api.results import CaseResult, GateResult, GateStatus

__all__ = [
    "case_fails",
    "case_inherits",
    "failed_gates_by_case",
    "fails",
    "inherits",
    "is_failure",
    "is_inherited",
    "knows_blame",
]


def is_failure(finding: Finding, least: Grade = Grade.FAILURE) -> bool:
    """Whether a finding is a failure of its picture: it has the grade `failure`, or at least the one asked for."""
    return grade_of(finding).rank >= least.rank


def is_inherited(finding: Finding) -> bool:
    """Whether the twin has it too, about as severe. It is not where that is unknown: the student is then to blame."""
    return finding.blame is Blame.BOTH


def fails(verdicts: Iterable[Verdict], failed_gates: Sequence[str] = ()) -> bool:
    """Whether the student fails with these verdicts: a failure of its own, or a failed gate that counted the case."""
    return bool(failed_gates) or any(not is_inherited(finding) for finding in _failures(verdicts))


def inherits(verdicts: Iterable[Verdict]) -> bool:
    """Whether any failure of these verdicts is inherited."""
    return any(map(is_inherited, _failures(verdicts)))


def knows_blame(verdicts: Iterable[Verdict]) -> bool:
    """Whether it is known of each failure whose it is: the judge has scored the twin, too."""
    return all(finding.blame is not None for finding in _failures(verdicts))


def case_fails(result: CaseResult) -> bool:
    """Whether the student fails a case."""
    return fails(result.verdicts.get(Role.STUDENT, ()), result.failed_gates)


def case_inherits(result: CaseResult) -> bool:
    """Whether a case does not fail, though its picture has a failure: one that the teacher has, too."""
    return not case_fails(result) and inherits(result.verdicts.get(Role.STUDENT, ()))


def _failures(verdicts: Iterable[Verdict]) -> Iterator[Finding]:
    return (finding for verdict in verdicts for finding in verdict.findings if is_failure(finding))


def failed_gates_by_case(gates: Iterable[GateResult]) -> dict[str, tuple[str, ...]]:
    """Case id -> rules of the failed gates that counted it against the student."""
    rules: dict[str, tuple[str, ...]] = {}
    for gate in gates:
        for case in gate.cases if gate.status is GateStatus.FAIL else ():
            rules[case] = (*rules.get(case, ()), gate.rule)
    return rules
