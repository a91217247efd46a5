"""What a gate can decide on when cells are missing: the scored cells alone, and every cell at its least favourable.

A cell is one case and seed. Missing evidence is never good: a cell that is missing only for the student takes the value
that is worst for the student, one that is missing only for the reference takes the value that is best for the
reference, and one that is missing on both sides is left out and counted. Cells that a case does not ask for are in no
figure at all. This is the worst-case imputation of Manski (1990), "Nonparametric bounds on treatment effects".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Dimension, Status
from evalkit.api.results import CellCounts
from evalkit.stats.intervals import case_means

FAILED = (Status.ERROR, Status.SKIPPED)
"""The judge failed, or there was no picture to judge."""
NO_ROW = "it was not judged"


class Cell(NamedTuple):
    """One picture on one dimension (or on one kind of finding): its status, its value if scored, else the reason."""

    status: Status
    value: float | None = None
    reason: str = ""


class Pair(NamedTuple):
    """One case and seed: the student's cell and the reference's.

    `reference` is `None` where the gate has no reference. Of a dimension that only the student has (a distance to the
    twin), it tells whether the teacher's picture exists.
    """

    case: str
    student: Cell
    reference: Cell | None = None


@dataclass(frozen=True)
class Evidence:
    """The values of one gate, one per case.

    Args:
        scored: from the scored cells (pairs) alone, shape (n,).
        imputed: with every missing cell at its least favourable value, shape (m,); `None` where there is no such value.
        cases: ids of the cases of `scored`.
        counts: the cells behind it.
    """

    scored: NDArray[np.float64]
    imputed: NDArray[np.float64] | None
    cases: tuple[str, ...]
    counts: CellCounts


def of_values(pairs: Iterable[Pair], worst: float | None) -> Evidence:
    """Evidence of a bound on the student's own values; `worst` is the value on the side that breaks it.

    A cell is left out where the reference (the teacher) misses it too. Without a reference every missing cell counts.
    """
    known: list[tuple[str, float]] = []
    assumed: list[tuple[str, float | None]] = []
    kept = list(pairs)
    left_out = 0
    for case, student, reference in kept:
        if student.status is Status.NOT_APPLICABLE:
            continue
        if student.value is not None:
            known.append((case, student.value))
            assumed.append((case, student.value))
        elif reference is not None and _missing(reference):
            left_out += 1
        else:
            assumed.append((case, worst))
    return _evidence(known, assumed, kept, left_out)


def of_drops(pairs: Iterable[Pair], dimension: Dimension) -> Evidence:
    """Evidence of how much worse the student is than the reference, paired by case and seed."""
    sign = -1.0 if dimension.higher_is_better else 1.0
    known: list[tuple[str, float]] = []
    assumed: list[tuple[str, float | None]] = []
    kept = list(pairs)
    left_out = 0
    for case, student, reference in kept:
        if reference is None or Status.NOT_APPLICABLE in (student.status, reference.status):
            continue
        ours, theirs = student.value, reference.value
        if ours is None and theirs is None:
            left_out += 1
            continue
        if ours is not None and theirs is not None:
            known.append((case, sign * (ours - theirs)))
        ours = dimension.bad_end if ours is None else ours
        theirs = dimension.good_end if theirs is None else theirs
        assumed.append((case, None if ours is None or theirs is None else sign * (ours - theirs)))
    return _evidence(known, assumed, kept, left_out)


def breaking(evidence: Evidence, bound: float, *, upper: bool) -> list[str]:
    """Ids of the cases whose own scored value breaks the bound."""
    pairs = zip(evidence.cases, evidence.scored, strict=True)
    return [case for case, value in pairs if (value > bound if upper else value < bound)]


def bounds_of_drops(dimension: Dimension) -> tuple[float | None, float | None]:
    """Smallest and largest possible "worse by"; the declared `worst` stands for a bound that is not there."""
    bad, good = dimension.bad_end, dimension.good_end
    if bad is None or good is None:
        return None, None
    return -abs(bad - good), abs(bad - good)


def breaking_end(dimension: Dimension, *, upper: bool) -> float | None:
    """The value that is least favourable to a gate with an upper (or a lower) bound; `None` if that side is open."""
    return dimension.bad_end if upper is not dimension.higher_is_better else dimension.good_end


def _missing(cell: Cell) -> bool:
    return cell.value is None


def _outside(pair: Pair) -> Cell | None:
    """The cell of a pair that its case does not ask for, if there is one: then the pair was not asked."""
    return next((cell for cell in pair[1:] if cell is not None and cell.status is Status.NOT_APPLICABLE), None)


def _evidence(
    known: Sequence[tuple[str, float]],
    assumed: Sequence[tuple[str, float | None]],
    pairs: Sequence[Pair],
    left_out: int,
) -> Evidence:
    complete = [(case, value) for case, value in assumed if value is not None]
    return Evidence(
        case_means(known),
        case_means(complete) if len(complete) == len(assumed) else None,
        tuple(dict.fromkeys(case for case, _ in known)),
        count(pairs, left_out),
    )


def count(pairs: Sequence[Pair], left_out: int) -> CellCounts:
    """How many cells were asked and scored on each side, and why the others were not."""
    outside = [cell for pair in pairs if (cell := _outside(pair))]
    asked = [pair for pair in pairs if not _outside(pair)]
    ours = [pair.student for pair in asked]
    theirs = [pair.reference for pair in asked if pair.reference is not None]
    missing = [cell for cell in (*ours, *theirs) if cell.value is None]
    if not any(cell.value is not None for cell in ours):  # then what is not applicable explains it too
        missing += outside
    reasons = Counter(cell.reason or NO_ROW for cell in missing).most_common(2)
    return CellCounts(
        student=len(ours),
        student_scored=sum(cell.value is not None for cell in ours),
        reference=len(theirs),
        reference_scored=sum(cell.value is not None for cell in theirs),
        left_out=left_out,
        not_applicable=len(outside),
        failed=sum(cell.status in FAILED for cell in ours),
        reference_failed=sum(cell.status in FAILED for cell in theirs),
        reason="; ".join(f"{reason} ({n} cell{'s' * (n > 1)})" for reason, n in reasons),
    )
