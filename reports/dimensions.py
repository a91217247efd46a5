"""The figures of a run by dimension, the student's beside the teacher's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.api.records import Dimension, Role
from evalkit.api.results import DimensionResult, Interval, RunSummary


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


def not_applicable(summary: RunSummary, result: DimensionResult) -> int:
    """The number of pictures whose case does not ask for the dimension; they are not among its expected scores."""
    drawn = [g.n_pictures + g.n_errors for g in summary.generators if g.role is result.role]
    return max(0, drawn[0] - result.n_expected) if drawn else 0
