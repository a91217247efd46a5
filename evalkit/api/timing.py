"""When the seconds of two generators may be compared."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.api.records import Role
from evalkit.api.results import GeneratorResult, RunSummary

__all__ = ["TIMED_ON", "timed_alike", "times_as_fast"]

TIMED_ON = "timed_on"
"""The key in a sample's notes under which evalkit stores what its seconds depend on."""


def timed_alike(generators: Iterable[GeneratorResult]) -> bool:
    """Whether all were timed with the same hardware, threads, batch size, version of torch and offloading.

    It is false where this is not known, as for pictures of version 0.1.0, or differs among the pictures of one.
    """
    conditions = [generator.timed_on for generator in generators]
    return bool(conditions) and bool(conditions[0]) and all(each == conditions[0] for each in conditions)


def times_as_fast(summary: RunSummary) -> float | None:
    """The teacher's median seconds per picture over the student's; `None` where the two can't be compared."""
    by_role = {generator.role: generator for generator in summary.generators}
    if Role.STUDENT not in by_role or Role.TEACHER not in by_role or not timed_alike(by_role.values()):
        return None
    student, teacher = by_role[Role.STUDENT].seconds_per_picture, by_role[Role.TEACHER].seconds_per_picture
    return teacher / student if student and teacher else None
