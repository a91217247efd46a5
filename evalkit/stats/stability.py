"""A/A checks: what differs between runs of the same student is due to chance, and must not fail a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnstableCase:
    """A case that passed in some runs of one student and failed in others."""

    case_id: str
    rate: float
    """Share of the case's pictures that failed."""
    n: int


def unstable_cases(history: Mapping[str, Sequence[bool]]) -> tuple[UnstableCase, ...]:
    """The cases that sometimes passed and sometimes failed; those with a rate nearest to 1/2 come first.

    Args:
        history: case id -> whether each of its pictures failed, over all runs.
    """
    found = [
        UnstableCase(case, sum(ended) / len(ended), len(ended))
        for case, ended in history.items()
        if len(set(ended)) > 1
    ]
    return tuple(sorted(found, key=lambda case: (abs(case.rate - 0.5), case.case_id)))
