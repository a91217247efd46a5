"""The cells of a run that one gate is about, as the store has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.api.records import Case, Role, Status
from evalkit.config.model import Gate
from evalkit.store.run_reader import RunReader
from evalkit.verdict.evidence import NO_ROW, Cell, Pair

_NO_CELL = Cell(Status.SKIPPED, reason=NO_ROW)


@dataclass(frozen=True)
class Asked:
    """What a gate asks of a run: the cases that fit its `where`, but for those known to be unstable."""

    store: RunReader
    gate: Gate
    flaky: frozenset[str] = frozenset()

    def cells(self) -> Iterator[tuple[int, Case, int]]:
        """(index, case, seed) of every cell, in suite order; what an early stop left out was not asked."""
        drawn = self.store.drawn(Role.STUDENT)
        for idx, case in self.store.cases():
            if case.id in self.flaky or not self.gate.asks(case):
                continue
            for seed in range(self.store.meta("seeds") or 1):
                if (idx, seed) in drawn:
                    yield idx, case, seed


def pairs_of(
    asked: Asked, dimension: str, reference: RunReader | None = None, role: Role = Role.TEACHER
) -> Iterator[Pair]:
    """The student's cells of a dimension, each with the reference's of the same case and seed.

    Args:
        asked: the cells.
        dimension: its name.
        reference: the run that holds the reference; the same one for the teacher, `None` without a reference.
        role: the reference's role in it.
    """
    ours = _cells(asked.store, Role.STUDENT, dimension)
    theirs = _cells(reference, role, dimension) if reference else {}
    same = reference is None or reference is asked.store
    index = {} if same or reference is None else {case.id: idx for idx, case in reference.cases()}
    pictures = asked.store.drawn(Role.TEACHER)
    for idx, case, seed in asked.cells():
        student = ours.get((idx, seed), _NO_CELL)
        if reference is None:
            yield Pair(case.id, student)
            continue
        place = idx if same else index.get(case.id)
        if place is None:
            continue  # the baseline was never asked this case
        other = theirs.get((place, seed), _NO_CELL)
        if role is Role.TEACHER and other.status is Status.NOT_APPLICABLE is not student.status:
            other = _twin(pictures.get((idx, seed), False))
        yield Pair(case.id, student, other)


def _twin(drawn: bool) -> Cell:
    """Of a dimension that only the student has: whether the teacher's picture, which it compares with, exists."""
    return Cell(Status.SCORED, 0.0) if drawn else Cell(Status.SKIPPED, reason="the teacher's picture is missing")


def _cells(reader: RunReader, role: Role, dimension: str) -> dict[tuple[int, int], Cell]:
    rows = reader.statuses(role, dimension)
    return {(idx, seed): Cell(status, value, reason) for idx, seed, status, value, reason in rows}
