"""Blame matches the findings on twin pictures, and compares their sizes."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from evalkit.api.records import Blame, Box, Finding, FindingKind, Grade, Role, Score, Status, Verdict
from evalkit.verdict.blame import affinity, blame_verdicts, counts_as, match


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


def word(read: str | None, **more: object) -> Finding:
    kind = "missing-text" if read is None else "typo"
    letters = 6 if read is None else 1
    evidence = {"expected": "BAKERY", "read": read, **more}
    return Finding(kind, Box(0, 0, 40, 9), letters, "letters", 0.5, "m", evidence, "text:0", grade=Grade.FAILURE)


def student_blame(mine: Finding, theirs: Finding, kinds: dict[str, FindingKind] | None = None) -> Blame | None:
    pair = {Role.STUDENT: verdict(mine), Role.TEACHER: verdict(theirs)}
    return blame_verdicts(pair, {"j": kinds} if kinds else None)[Role.STUDENT][0].findings[0].blame


def test_other_letters_of_the_same_word_are_another_defect() -> None:
    assert student_blame(word("XAKERY"), word("XAKERY")) is Blame.BOTH
    assert student_blame(word("BAKERX"), word("XAKERY")) is Blame.STUDENT_ONLY


def test_another_occurrence_of_the_same_word_is_another_defect() -> None:
    assert student_blame(word("XAKERY", occurrence=0), word("XAKERY", occurrence=0)) is Blame.BOTH
    assert student_blame(word("XAKERY", occurrence=1), word("XAKERY", occurrence=0)) is Blame.STUDENT_ONLY


def test_one_wrong_letter_of_the_teacher_does_not_excuse_a_missing_word() -> None:
    assert student_blame(word(None), word("XAKERY")) is Blame.WORSENED
    assert student_blame(word("XAKERY"), word(None)) is Blame.BOTH


def test_faint_noise_of_the_teacher_does_not_excuse_a_strong_one() -> None:
    faint, strong = (replace(grain(0, 50), size=size, grade=Grade.BLEMISH) for size in (8.0, 87.0))
    assert student_blame(strong, faint) is Blame.WORSENED
    assert student_blame(faint, strong) is Blame.BOTH
    assert student_blame(replace(faint, size=15.9), faint) is Blame.BOTH


def test_the_kind_says_how_much_larger_is_worse() -> None:
    small, large = (replace(grain(0, 50), size=size, grade=Grade.DEFECT) for size in (10.0, 14.0))
    assert student_blame(large, small) is Blame.BOTH
    assert student_blame(large, small, {"grain": FindingKind("grain", ratio=1.2)}) is Blame.WORSENED


def test_a_higher_grade_is_worse_whatever_the_size() -> None:
    one = replace(grain(0, 50), size=10.0)
    assert student_blame(replace(one, grade=Grade.FAILURE), replace(one, grade=Grade.DEFECT)) is Blame.WORSENED


def test_sizes_in_different_units_are_not_compared() -> None:
    one, other = replace(grain(0, 50), size=90.0, unit="px"), replace(grain(0, 50), size=1.0, unit="JND")
    assert student_blame(one, other) is Blame.BOTH


def test_worsened_is_the_students() -> None:
    worsened = replace(grain(0, 50), blame=Blame.WORSENED)
    assert counts_as(worsened, Blame.STUDENT_ONLY)
    assert counts_as(worsened, Blame.WORSENED)
    assert not counts_as(replace(worsened, blame=Blame.STUDENT_ONLY), Blame.WORSENED)
    assert not counts_as(replace(worsened, blame=Blame.BOTH), Blame.STUDENT_ONLY)


def test_families_are_the_judges_own() -> None:
    crack, split = finding("crack", (0, 0, 50, 50), target=""), finding("split", (0, 0, 50, 50), target="")
    assert student_blame(crack, split) is Blame.STUDENT_ONLY
    kinds = {name: FindingKind(name, "rupture") for name in ("crack", "split")}
    assert student_blame(crack, split, kinds) is Blame.BOTH
