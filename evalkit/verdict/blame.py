"""Whose defect is it? A finding on the student's picture is matched with the findings on its twin."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence

from evalkit.api.records import Blame, Finding, Role, Status, Verdict

MIN_IOU = 0.1
"""Boxes of one defect in two pictures overlap at least this much: layouts drift between student and teacher."""
_FAMILIES = {
    **dict.fromkeys(("typo", "malformed", "punctuation", "missing-text"), "text"),
    **dict.fromkeys(("duplicate-text", "extra-text"), "surplus text"),
}
_PARTNER = "other_target"
"""Evidence of a finding about two elements: the other one."""


def blame_verdicts(verdicts: Mapping[Role, tuple[Verdict, ...]]) -> dict[Role, tuple[Verdict, ...]]:
    """The same verdicts with `blame` on every finding of a judge that looked at both pictures.

    Findings of a judge that saw only one of the two keep `blame=None`: nobody knows.
    """
    result = dict(verdicts)
    student = {verdict.judge: verdict for verdict in verdicts.get(Role.STUDENT, ())}
    teacher = {verdict.judge: verdict for verdict in verdicts.get(Role.TEACHER, ())}
    for judge in student.keys() & teacher.keys():
        if _looked(student[judge]) and _looked(teacher[judge]):
            student[judge], teacher[judge] = _pair(student[judge], teacher[judge])
    for role, named in ((Role.STUDENT, student), (Role.TEACHER, teacher)):
        if role in result:
            result[role] = tuple(named[verdict.judge] for verdict in verdicts[role])
    return result


def affinity(one: Finding, other: Finding) -> float:
    """How surely two findings of one judge, on twin pictures, are the same defect: 0 (they are not) to 3.

    Text defects are the same where they concern the same expected string, whatever went wrong with it. Defects of a
    declared element are the same where element (and partner, if there is one) and kind agree, wherever the two
    pictures have it. All others are the same where their family of kinds and their place do. Being of the very same
    kind counts 1 more, the overlap of the boxes up to 1 more.
    """
    overlap = one.box.iou(other.box)
    nearness = (one.kind == other.kind) + overlap
    expected = one.evidence.get("expected"), other.evidence.get("expected")
    if expected[0] and expected[1]:
        return 1 + nearness if one.target == other.target and expected[0] == expected[1] else 0.0
    if _family(one) != _family(other):
        return 0.0
    if _names_an_element(one) and _names_an_element(other):
        same = one.target == other.target and one.evidence.get(_PARTNER) == other.evidence.get(_PARTNER)
        return 1 + nearness if same else 0.0
    return nearness if overlap >= MIN_IOU else 0.0


def match(findings: Sequence[Finding], others: Sequence[Finding]) -> dict[int, int]:
    """Index of each finding -> index of the same defect among the twin's: at most one to one.

    As many as possible are matched, and of all ways to do so the one with the largest sum of affinities is taken.
    """
    matched: dict[int, int] = {}
    theirs = _by_family(others)
    for family, mine in _by_family(findings).items():
        rivals = theirs.get(family, [])
        table = [[affinity(findings[i], others[j]) for j in rivals] for i in mine]
        matched.update((mine[row], rivals[column]) for row, column in _assigned(table))
    return matched


def _by_family(findings: Sequence[Finding]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        groups[_family(finding)].append(index)
    return groups


def _family(finding: Finding) -> str:
    """Kinds that may be one defect seen twice: a word is misspelt here and missing there."""
    if finding.evidence.get("expected"):
        return "text"
    return _FAMILIES.get(finding.kind, finding.kind)


def _names_an_element(finding: Finding) -> bool:
    """Whether the target is one thing of the layout; `background` is none, and a text has many words."""
    return ":" in finding.target and _family(finding) == finding.kind


def _assigned(table: list[list[float]]) -> list[tuple[int, int]]:
    """(row, column) of the best one-to-one assignment of a table of affinities, 0 meaning never."""
    possible = [(r, c) for r, row in enumerate(table) for c, value in enumerate(row) if value > 0]
    rows, columns = ({pair[axis] for pair in possible} for axis in (0, 1))
    if len(rows) == len(columns) == len(possible):  # nobody has a choice
        return possible
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    values = np.array(table)
    one_more = 3 * min(values.shape) + 1  # worth more than any affinities together
    worth = np.where(values > 0, values + one_more, 0)
    chosen = zip(*linear_sum_assignment(worth, maximize=True), strict=True)
    return [(int(r), int(c)) for r, c in chosen if values[r, c] > 0]


def _looked(verdict: Verdict) -> bool:
    return any(score.status is Status.SCORED for score in verdict.scores)


def _pair(student: Verdict, teacher: Verdict) -> tuple[Verdict, Verdict]:
    matched = match(student.findings, teacher.findings)
    inherited = set(matched.values())
    return (
        _blamed(student, [Blame.BOTH if i in matched else Blame.STUDENT_ONLY for i in range(len(student.findings))]),
        _blamed(teacher, [Blame.BOTH if i in inherited else Blame.TEACHER_ONLY for i in range(len(teacher.findings))]),
    )


def _blamed(verdict: Verdict, blames: Sequence[Blame]) -> Verdict:
    findings = (dataclasses.replace(f, blame=blame) for f, blame in zip(verdict.findings, blames, strict=True))
    return dataclasses.replace(verdict, findings=tuple(findings))
