"""Gates decide on interval bounds; blame matches twins."""

import pytest

from evalkit.blame import blame_verdicts
from evalkit.config.model import Gate
from evalkit.gates import check
from evalkit.records import Blame, Box, Dimension, Finding, Role, Score, Status, Verdict
from evalkit.results import GateStatus, Interval

UP = Dimension("d", "higher is better")
DOWN = Dimension("d", "lower is better", higher_is_better=False)


@pytest.mark.parametrize(
    ("gate", "dimension", "student", "difference", "expected"),
    [
        ({"min_value": 0.9}, UP, (0.95, 0.92, 0.98), None, GateStatus.PASS),
        ({"min_value": 0.9}, UP, (0.85, 0.80, 0.89), None, GateStatus.FAIL),
        ({"min_value": 0.9}, UP, (0.95, 0.85, 0.99), None, GateStatus.LOW_POWER),
        ({"min_value": 0.9}, UP, (0.95, None, 0.99), None, GateStatus.LOW_POWER),
        ({"min_value": 0.9}, UP, None, None, GateStatus.LOW_POWER),
        ({"max_value": 0.1}, DOWN, (0.05, 0.01, 0.09), None, GateStatus.PASS),
        ({"max_value": 0.1}, DOWN, (0.2, 0.15, None), None, GateStatus.FAIL),
        ({"max_drop": 0.05}, UP, (0.9, 0.8, 1), (-0.01, -0.03, 0.01), GateStatus.PASS),
        ({"max_drop": 0.05}, UP, (0.9, 0.8, 1), (-0.2, -0.3, -0.1), GateStatus.FAIL),
        ({"max_drop": 0.05}, UP, (0.9, 0.8, 1), (0.2, 0.1, 0.3), GateStatus.PASS),
        ({"max_drop": 0.05}, UP, (0.9, 0.8, 1), (-0.04, -0.1, 0.02), GateStatus.LOW_POWER),
        ({"max_drop": 0.05}, DOWN, (0.9, 0.8, 1), (0.2, 0.1, 0.3), GateStatus.FAIL),
        ({"max_drop": 0.05}, DOWN, (0.9, 0.8, 1), (-0.2, -0.3, -0.1), GateStatus.PASS),
    ],
)
def test_gates(gate: dict, dimension: Dimension, student: tuple, difference: tuple, expected: GateStatus) -> None:
    student_interval = Interval(*student, n=50) if student else None
    difference_interval = Interval(*difference, n=50) if difference else None
    result = check(Gate(dimension="d", **gate), dimension, student_interval, difference_interval)
    assert result.status is expected, result


def finding(kind: str, box: tuple, expected: str = "", target: str = "text:0") -> Finding:
    evidence = {"expected": expected} if expected else {}
    return Finding(kind, Box(*box), 1, "letters", 0.5, "m", evidence, target)


def verdict(*findings: Finding, status: Status = Status.SCORED) -> tuple[Verdict, ...]:
    score = Score("d", status, 1.0) if status is Status.SCORED else Score("d", status, reason="r")
    return (Verdict("j", (score,), findings),)


def blames(verdicts: dict[Role, tuple[Verdict, ...]], role: Role) -> list[Blame | None]:
    return [finding.blame for finding in blame_verdicts(verdicts)[role][0].findings]


def test_blame() -> None:
    broken_word = finding("typo", (0, 0, 9, 9), "BAKERY")
    pair = {
        Role.STUDENT: verdict(
            broken_word, finding("grain", (0, 0, 50, 50), target="background"), finding("typo", (60, 0, 70, 9), "CAFE")
        ),
        Role.TEACHER: verdict(
            finding("missing-text", (90, 90, 99, 99), "BAKERY"),
            finding("grain", (200, 0, 250, 50), target="background"),
        ),
    }
    assert blames(pair, Role.STUDENT) == [Blame.BOTH, Blame.STUDENT_ONLY, Blame.STUDENT_ONLY]
    assert blames(pair, Role.TEACHER) == [Blame.BOTH, Blame.TEACHER_ONLY]


def test_one_teacher_defect_excuses_one_student_defect() -> None:
    twice = (finding("typo", (0, 0, 9, 9), "CAFE"), finding("typo", (0, 20, 9, 29), "CAFE"))
    pair = {Role.STUDENT: verdict(*twice), Role.TEACHER: verdict(twice[0])}
    assert blames(pair, Role.STUDENT) == [Blame.BOTH, Blame.STUDENT_ONLY]


@pytest.mark.parametrize("status", [Status.ERROR, Status.UNSCORED, Status.SKIPPED])
def test_nobody_is_blamed_where_the_twin_was_not_judged(status: Status) -> None:
    broken = finding("typo", (0, 0, 9, 9), "CAFE")
    assert blames({Role.STUDENT: verdict(broken), Role.TEACHER: verdict(status=status)}, Role.STUDENT) == [None]
    assert blames({Role.STUDENT: verdict(broken)}, Role.STUDENT) == [None]
