"""Whose defect is it? A finding on the student's picture is matched with the findings on its twin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from evalkit.records import Blame, Finding, Role, Status, Verdict

MIN_IOU = 0.1
"""Boxes of one defect in two pictures overlap at least this much: layouts drift between student and teacher."""


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


def same_defect(one: Finding, other: Finding) -> bool:
    """Whether two findings of one judge, on twin pictures, are the same defect.

    Text defects are the same when they concern the same expected string, whatever went wrong with it; all others
    when kind and place agree.
    """
    expected = one.evidence.get("expected"), other.evidence.get("expected")
    if expected[0] and expected[1]:
        return one.target == other.target and expected[0] == expected[1]
    return one.kind == other.kind and one.box.iou(other.box) >= MIN_IOU


def _looked(verdict: Verdict) -> bool:
    return any(score.status is Status.SCORED for score in verdict.scores)


def _pair(student: Verdict, teacher: Verdict) -> tuple[Verdict, Verdict]:
    free = list(range(len(teacher.findings)))
    blamed = []
    for finding in student.findings:
        match = next((i for i in free if same_defect(finding, teacher.findings[i])), None)
        if match is not None:
            free.remove(match)
        blamed.append(dataclasses.replace(finding, blame=Blame.STUDENT_ONLY if match is None else Blame.BOTH))
    inherited = [
        dataclasses.replace(finding, blame=Blame.TEACHER_ONLY if i in free else Blame.BOTH)
        for i, finding in enumerate(teacher.findings)
    ]
    return (
        dataclasses.replace(student, findings=tuple(blamed)),
        dataclasses.replace(teacher, findings=tuple(inherited)),
    )
