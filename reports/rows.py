"""What a run says, arranged as people read it: student beside teacher, worst cases first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evalkit.records import Blame, Dimension, Finding, Role
from evalkit.results import CaseResult, DimensionResult, Interval


@dataclass(frozen=True, slots=True)
class DimensionRow:
    """One dimension of one judge: student beside teacher (`None` where that role did not run)."""

    judge: str
    judge_version: str
    dimension: Dimension
    student: DimensionResult | None
    teacher: DimensionResult | None

    @property
    def difference(self) -> Interval | None:
        """Student minus teacher, paired; `None` without both."""
        return self.student.difference if self.student else None


def dimension_rows(results: Iterable[DimensionResult]) -> list[DimensionRow]:
    """One row per judge and dimension, in the order in which they first appear."""
    paired: dict[tuple[str, str], dict[Role, DimensionResult]] = {}
    for result in results:
        paired.setdefault((result.judge, result.dimension.name), {})[result.role] = result
    rows = []
    for roles in paired.values():
        first = next(iter(roles.values()))
        student, teacher = roles.get(Role.STUDENT), roles.get(Role.TEACHER)
        rows.append(DimensionRow(first.judge, first.judge_version, first.dimension, student, teacher))
    return rows


def findings(result: CaseResult, role: Role) -> Iterator[tuple[str, Finding]]:
    """Every finding of every judge on the picture of `role`, with the judge's name."""
    for verdict in result.verdicts.get(role, ()):
        for finding in verdict.findings:
            yield verdict.judge, finding


def is_students_own(finding: Finding) -> bool:
    """Whether the student may be held to it: the twin is fine, or was not judged. Inherited defects are not."""
    return finding.blame in (None, Blame.STUDENT_ONLY)


def worst_cases(results: Iterable[CaseResult], limit: int) -> list[tuple[CaseResult, Finding]]:
    """The cases with the most severe findings of the student's own, worst first, each with its worst finding."""
    kept: list[tuple[float, int, CaseResult, Finding]] = []
    for order, result in enumerate(results):
        own = [f for _, f in findings(result, Role.STUDENT) if is_students_own(f)]
        if own:
            worst = max(own, key=lambda f: f.severity)
            entry = (worst.severity, -order, result, worst)
            heapq.heappush(kept, entry) if len(kept) < limit else heapq.heappushpop(kept, entry)
    return [(result, worst) for _, _, result, worst in sorted(kept, key=lambda e: e[:2], reverse=True)]
