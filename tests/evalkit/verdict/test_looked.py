"""A picture is looked at only where every kind that a gate counts was looked for."""

import pytest

from evalkit.api.records import Blame, Box, Finding, FindingKind, Role, Score, Status, Verdict
from evalkit.verdict.blame import blame_verdicts
from evalkit.verdict.looked import look, looked

SCORED, UNSCORED, OUTSIDE, ERROR = Status.SCORED, Status.UNSCORED, Status.NOT_APPLICABLE, Status.ERROR
TYPO = FindingKind("typo", "text", dimensions=("d.letters", "d.words"))
EXTRA = FindingKind("extra-text", "text", dimensions=("d.extra",))
BLUR = FindingKind("blur")


def verdict(*findings: Finding, **statuses: Status) -> Verdict:
    scores = [
        Score(f"d.{name}", status, 1.0) if status is SCORED else Score(f"d.{name}", status, reason=f"no {name}")
        for name, status in statuses.items()
    ]
    return Verdict("d", tuple(scores), findings)


def finding(kind: str) -> Finding:
    return Finding(kind, Box(0, 0, 9, 9), 1, "px", 0.5, "m")


@pytest.mark.parametrize(
    ("kind", "statuses", "expected"),
    [
        (TYPO, {"letters": SCORED, "words": UNSCORED}, SCORED),
        (TYPO, {"letters": UNSCORED, "words": OUTSIDE, "extra": SCORED}, UNSCORED),
        (TYPO, {"letters": OUTSIDE, "words": OUTSIDE, "extra": SCORED}, OUTSIDE),
        (BLUR, {"letters": SCORED, "extra": SCORED}, SCORED),
        (BLUR, {"letters": SCORED, "extra": UNSCORED}, UNSCORED),
        (BLUR, {"letters": SCORED, "extra": OUTSIDE}, SCORED),
        (BLUR, {"letters": ERROR, "extra": ERROR}, ERROR),
        (TYPO, {"extra": SCORED}, Status.SKIPPED),
    ],
)
def test_one_kind(kind: FindingKind, statuses: dict[str, Status], expected: Status) -> None:
    cell = look(kind, verdict(**statuses))
    assert cell.status is expected
    assert (cell.value is not None) is (expected is SCORED)


def test_every_kind_of_a_family_must_be_looked_for() -> None:
    family = {"d": [TYPO, EXTRA]}
    assert looked([verdict(letters=SCORED, words=SCORED, extra=SCORED)], family).value is not None
    cell = looked([verdict(letters=UNSCORED, words=UNSCORED, extra=SCORED)], family)
    assert (cell.status, cell.reason) == (UNSCORED, "no letters")
    assert looked([verdict(letters=OUTSIDE, words=OUTSIDE, extra=SCORED)], family).value is not None
    assert looked([verdict(letters=OUTSIDE, words=OUTSIDE, extra=OUTSIDE)], family).status is OUTSIDE
    assert looked([], family).status is Status.SKIPPED, "a judge without a verdict has not looked"


def test_a_twin_that_was_not_looked_at_for_the_kind_puts_no_blame_on_the_student() -> None:
    kinds = {"d": {kind.name: kind for kind in (TYPO, EXTRA)}}
    student = verdict(finding("typo"), finding("extra-text"), letters=SCORED, words=SCORED, extra=SCORED)
    teacher = verdict(letters=UNSCORED, words=UNSCORED, extra=SCORED)
    blamed = blame_verdicts({Role.STUDENT: (student,), Role.TEACHER: (teacher,)}, kinds)
    assert [f.blame for f in blamed[Role.STUDENT][0].findings] == [None, Blame.STUDENT_ONLY]
    blamed = blame_verdicts({Role.STUDENT: (teacher,), Role.TEACHER: (student,)}, kinds)
    assert [f.blame for f in blamed[Role.TEACHER][0].findings] == [None, Blame.TEACHER_ONLY]
