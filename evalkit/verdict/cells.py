"""The cells of a run that one gate is about, as the store has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.api.records import Case, Role, Status
from evalkit.config.model import Gate
from evalkit.store.run_reader import RunReader
from evalkit.verdict.evidence import NO_ROW, Cell, Pair
from evalkit.verdict.question import same_question

_NO_CELL = Cell(Status.SKIPPED, reason=NO_ROW)
_NEVER_ASKED = Cell(Status.SKIPPED, reason="the baseline was not asked for it")
_Cells = dict[tuple[int, int], Cell]


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
    if reference is None:
        for idx, case, seed in asked.cells():
            yield Pair(case.id, ours.get((idx, seed), _NO_CELL))
    elif reference is asked.store:
        theirs = _cells(reference, role, dimension)
        of_a_pair = asked.gate.max_drop is None and not _any_scored(theirs)
        pictures = reference.drawn(role)
        for idx, case, seed in asked.cells():
            student, other = ours.get((idx, seed), _NO_CELL), theirs.get((idx, seed), _NO_CELL)
            outside = asked.gate.max_drop is None and other.status is Status.NOT_APPLICABLE
            if outside or (of_a_pair and other.status is Status.UNSCORED):
                other = twin_cell(pictures.get((idx, seed), False))
            yield Pair(case.id, student, other)
    else:
        yield from _pairs_with_a_run(asked, ours, reference, role, _cells(reference, role, dimension))


def _pairs_with_a_run(asked: Asked, ours: _Cells, reference: RunReader, role: Role, theirs: _Cells) -> Iterator[Pair]:
    """The student's cells, each with those of another run.

    A case that the other run's benchmark does not have, or asks in another way, can't be compared. One that the same
    benchmark has, and that the other run was never asked, is missing evidence.
    """
    index = {case.id: (idx, case) for idx, case in reference.cases()}
    drawn = reference.drawn(role)
    one_suite = asked.store.meta("benchmark") == reference.meta("benchmark")
    for idx, case, seed in asked.cells():
        student = ours.get((idx, seed), _NO_CELL)
        place, other = index.get(case.id, (None, case))
        if place is not None and not same_question(case, other):
            continue
        if place is not None and (place, seed) in drawn:
            yield Pair(case.id, student, theirs.get((place, seed), _NO_CELL))
        elif one_suite:
            yield Pair(case.id, student, _NEVER_ASKED)


def twin_cell(drawn: bool) -> Cell:
    """Of a dimension that only the student has: whether the teacher's picture, which it compares with, exists."""
    return Cell(Status.SCORED, 0.0) if drawn else Cell(Status.SKIPPED, reason="the teacher's picture is missing")


def _any_scored(cells: _Cells) -> bool:
    return any(cell.value is not None for cell in cells.values())


def _cells(reader: RunReader, role: Role, dimension: str) -> _Cells:
    rows = reader.statuses(role, dimension)
    return {(idx, seed): Cell(status, value, reason) for idx, seed, status, value, reason in rows}
