"""Gates decide on interval bounds; blame matches twins."""

from itertools import permutations

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.records import Blame, Box, Finding, Role, Score, Status, Verdict
from evalkit.api.results import GateStatus, Interval
from evalkit.config.model import Gate
from evalkit.verdict.blame import affinity, blame_verdicts, match
from evalkit.verdict.gates import check, check_interval


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


def grain(left: float, right: float) -> Finding:
    return finding("grain", (left, 0, right, 10), target="background")


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


def test_a_word_that_is_there_twice_is_matched_by_place() -> None:
    here, there = (finding("typo", (0, y, 40, y + 9), "CAFE") for y in (0, 50))
    pair = {Role.STUDENT: verdict(here, there), Role.TEACHER: verdict(finding("typo", (2, 51, 41, 60), "CAFE"))}
    assert blames(pair, Role.STUDENT) == [Blame.STUDENT_ONLY, Blame.BOTH]


def test_the_best_assignment_is_not_the_greedy_one() -> None:
    """The first grain overlaps both of the teacher's; only if it leaves the larger overlap do both find a twin."""
    student = verdict(grain(0, 60), grain(0, 38))
    teacher = verdict(grain(0, 40), grain(45, 60))
    pair = {Role.STUDENT: student, Role.TEACHER: teacher}
    assert blames(pair, Role.STUDENT) == [Blame.BOTH, Blame.BOTH]
    assert match(student[0].findings, teacher[0].findings) == {0: 1, 1: 0}


def test_an_element_is_the_same_wherever_it_is_drawn() -> None:
    moved = finding("out-of-place", (0, 0, 9, 9), target="element:badge")
    pair = {
        Role.STUDENT: verdict(moved, finding("out-of-place", (0, 0, 9, 9), target="element:logo")),
        Role.TEACHER: verdict(finding("out-of-place", (80, 80, 89, 89), target="element:badge")),
    }
    assert blames(pair, Role.STUDENT) == [Blame.BOTH, Blame.STUDENT_ONLY]


def test_an_overlap_is_the_same_only_with_the_same_partner() -> None:
    def overlap(other: str) -> Finding:
        evidence = {"other_target": other}
        return Finding("overlap", Box(0, 0, 9, 9), 4, "px", 0.5, "m", evidence, "element:title")

    pair = {Role.STUDENT: verdict(overlap("element:badge")), Role.TEACHER: verdict(overlap("element:rule"))}
    assert blames(pair, Role.STUDENT) == [Blame.STUDENT_ONLY]


def test_defects_of_other_families_are_not_the_same() -> None:
    pair = {
        Role.STUDENT: verdict(finding("grain", (0, 0, 50, 50)), finding("extra-text", (60, 0, 90, 9), target="")),
        Role.TEACHER: verdict(finding("grid", (0, 0, 50, 50)), finding("duplicate-text", (61, 0, 90, 9), target="")),
    }
    assert blames(pair, Role.STUDENT) == [Blame.STUDENT_ONLY, Blame.BOTH]


def test_blame_is_one_to_one_and_of_the_largest_sum() -> None:
    """Against trying every assignment."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        mine, theirs = (
            [grain(x, x + width) for x, width in rng.uniform((0, 5), (40, 40), (n, 2))] for n in rng.integers(1, 5, 2)
        )
        matched = match(mine, theirs)
        assert len(set(matched.values())) == len(matched)
        places = [*range(len(theirs)), *[None] * len(mine)]
        most = max(
            (sum(v > 0 for v in values), sum(values))
            for chosen in set(permutations(places, len(mine)))
            for values in [[0 if j is None else affinity(mine[i], theirs[j]) for i, j in enumerate(chosen)]]
        )
        found = [affinity(mine[i], theirs[j]) for i, j in matched.items()]
        assert (len(found), sum(found)) == pytest.approx(most)


@pytest.mark.parametrize("status", [Status.ERROR, Status.UNSCORED, Status.SKIPPED])
def test_nobody_is_blamed_where_the_twin_was_not_judged(status: Status) -> None:
    broken = finding("typo", (0, 0, 9, 9), "CAFE")
    assert blames({Role.STUDENT: verdict(broken), Role.TEACHER: verdict(status=status)}, Role.STUDENT) == [None]
    assert blames({Role.STUDENT: verdict(broken)}, Role.STUDENT) == [None]
