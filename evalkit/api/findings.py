"""Findings: located defects, the kinds that a judge declares, how bad a defect is and whose it is.

`evalkit.api.records` holds the other records, and hands these on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evalkit.api.geometry import Box

JSON = Any
"""A JSON value: None, bool, number, str, list or dict of them."""


class Blame(StrEnum):
    """Whose defect a finding is.

    `STUDENT_ONLY`: the twin is fine, so distillation broke it. `WORSENED`: the twin has the same defect, but clearly
    smaller; it counts as the student's. `BOTH`: inherited, about as severe in the twin. `TEACHER_ONLY`: the student
    does not have it.
    """

    STUDENT_ONLY = "student-only"
    WORSENED = "worsened"
    BOTH = "both"
    TEACHER_ONLY = "teacher-only"


class Grade(StrEnum):
    """How bad a finding is, with the same meaning in every judge.

    `BLEMISH`: visible to those who look for it. `DEFECT`: visible at once, but the picture can be used. `FAILURE`: the
    picture does not do what was asked; its case fails.
    """

    BLEMISH = "blemish"
    DEFECT = "defect"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """0 for a blemish, 2 for a failure."""
        return tuple(Grade).index(self)


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One kind of defect that a judge reports. A judge reports no kind that it does not declare.

    Args:
        name: of the kind, as gates and filters name it: `typo`.
        family: kinds that may be one defect seen twice (a word is misspelt here and missing there); a gate may name a
            family instead of a kind. Empty: the kind is its own family.
        description: what the defect is, one sentence.
        grade: of a finding that does not say its own. `None`: it follows from the finding's severity (`grade_of`).
        reason: why a finding of this kind has its grade, one sentence.
        ratio: how many times the twin's size a finding must have to count as worsened and not as inherited.
        dimensions: of the judge, under which it looks for this kind: a gate on it asks the cases to which one of them
            applies, and takes a picture for looked at where one of them is scored. Empty: all of the judge's, and a
            picture is looked at only where each of them that applies is scored.
    """

    name: str
    family: str = ""
    description: str = ""
    grade: Grade | None = None
    reason: str = ""
    ratio: float = 2.0
    dimensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name or not (math.isfinite(self.ratio) and self.ratio >= 1):
            raise ValueError(f"finding kind {self.name!r} with ratio {self.ratio!r}: a name and a ratio of 1 or more")


FAILURE_FROM, DEFECT_FROM = 0.5, 0.2
"""Severities from which a finding without a declared grade is a failure, or a defect."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One located defect.

    Args:
        kind: `typo`, `missing-text`, `extra-text`, `grain`, `overlap`, …
        box: where it is, in pixels of the judged picture.
        size: how large it is, in `unit` (letters, px, L* of visible noise, …).
        severity: 0 (barely visible) to 1 (unusable); another value raises `ValueError`.
        message: one sentence for people.
        evidence: JSON for the report (expected and read text, thresholds, maps).
        target: the part of the case it is about (`text:0`, `background`), so that it can be matched with the twin's.
        blame: whose defect it is; evalkit sets it if the twin was judged too.
        grade: blemish, defect or failure; `None` if it follows from the kind or the severity.
    """

    kind: str
    box: Box
    size: float
    unit: str
    severity: float
    message: str
    evidence: Mapping[str, JSON] = field(default_factory=dict)
    target: str = ""
    blame: Blame | None = None
    grade: Grade | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and 0.0 <= self.severity <= 1.0):
            raise ValueError(f"finding {self.kind}: size {self.size!r}, severity {self.severity!r}")


def grade_of(finding: Finding) -> Grade:
    """The grade of a finding: its own, else by its severity (a failure from 0.5, a defect from 0.2 on)."""
    if finding.grade is not None:
        return finding.grade
    if finding.severity >= FAILURE_FROM:
        return Grade.FAILURE
    return Grade.DEFECT if finding.severity >= DEFECT_FROM else Grade.BLEMISH
