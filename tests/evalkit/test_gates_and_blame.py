"""Gates decide on interval bounds; blame matches twins."""

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.blame import blame_verdicts
from evalkit.config.model import Gate
from evalkit.gates import check, check_interval
from evalkit.records import Blame, Box, Finding, Role, Score, Status, Verdict
from evalkit.results import GateStatus, Interval


@pytest.mark.parametrize(
    ("rule", "interval", "expected"),
    [
        ({"min_value": 0.9}, (0.95, 0.92, 0.98), GateStatus.PASS),
        ({"min_value": 0.9}, (0.85, 0.80, 0.89), GateStatus.FAIL),
        ({"min_value": 0.9}, (0.95, 0.85, 0.99), GateStatus.LOW_POWER),
        ({"min_value": 0.9}, (0.95, None, 0.99), GateStatus.LOW_POWER),
        ({"min_value": 0.9}, None, GateStatus.LOW_POWER),
        ({"max_value": 0.1}, (0.05, 0.01, 0.09), GateStatus.PASS),
        ({"max_value": 0.1}, (0.2, 0.15, None), GateStatus.FAIL),
        ({"max_drop": 0.05}, (0.01, -0.01, 0.03), GateStatus.PASS),
        ({"max_drop": 0.05}, (0.2, 0.1, 0.3), GateStatus.FAIL),
        ({"max_drop": 0.05}, (-0.2, -0.3, -0.1), GateStatus.PASS),
        ({"max_drop": 0.05}, (0.04, -0.02, 0.1), GateStatus.LOW_POWER),
    ],
)
def test_a_gate_is_decided_on_the_bounds(rule: dict, interval: tuple | None, expected: GateStatus) -> None:
    result = check_interval(Gate(dimension="d", **rule), Interval(*interval, n=50) if interval else None)
    assert result.status is expected, result


def test_too_little_power_says_how_much_would_do() -> None:
    worse = np.random.default_rng(0).normal(0.06, 0.2, 60)
    gate = Gate(dimension="d", max_drop=0.1)
    result = check(gate, worse, low=-1, high=1)
    assert result.status is GateStatus.LOW_POWER
    assert result.n_needed is not None
    more = np.random.default_rng(1).normal(worse.mean(), worse.std(ddof=1), 2 * result.n_needed)
    assert check(gate, more, low=-1, high=1).status is GateStatus.PASS
    assert result.detectable == pytest.approx(2.85 * worse.std(ddof=1) / 60**0.5, rel=0.06)


@pytest.mark.parametrize(
    "rule",
    [
        {"dimension": "d"},
        {"dimension": "d", "min_value": 1, "max_value": 2},
        {"dimension": "d", "max_rate": 0.1},
        {"finding": "typo"},
        {"finding": "typo", "dimension": "d", "max_rate": 0.1},
        {"max_rate": 0.1},
    ],
)
def test_a_gate_is_one_rule(rule: dict) -> None:
    with pytest.raises(ValidationError):
        Gate(**rule)


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
