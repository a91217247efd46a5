"""Rank ranges: the best and the worst rank that the data allow, not one rank that follows from the values alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import combinations

from evalkit.api.records import Role
from evalkit.formats.leaderboard import MIN_COVERAGE, Board, Entry, Figure
from evalkit.reports.leaderboard.paired_cells import Cells, is_better_by_case

RULE = (
    "An entry's best rank is 1 plus the number of entries that are certainly better, its worst rank the number of "
    "ranked entries minus those that are certainly worse; entries whose ranges overlap are tied. Two entries are told "
    "apart by their paired difference where it is known (both runs were at hand, or one is the other's teacher in the "
    "same run), else only if their intervals do not overlap; each pair at 95 %, not corrected for the number of pairs. "
    "Nobody is certainly better unless so with every cell missing for it at its least favourable value. A figure has "
    "no rank, and moves nobody, without both bounds, with too few of its cells scored, of a judge that failed its "
    "controls, or of a run that stopped early or was undecided for other reasons than too few cases: missing evidence, "
    "or a judge that failed its controls."
)

CellsByRun = Mapping[str, Mapping[Role, Cells]]
"""Run digest -> role -> its cells."""


def ranked(
    entries: Sequence[Entry], cells: CellsByRun | None = None, min_coverage: float = MIN_COVERAGE
) -> tuple[Entry, ...]:
    """The same entries, every figure with its range of ranks among them (see `RULE`).

    Args:
        entries: of one leaderboard.
        cells: the cells of the runs that are at hand, by run digest.
        min_coverage: share of the asked cells that must be scored for a rank.
    """
    names = dict.fromkeys(figure.dimension for entry in entries for figure in entry.dimensions)
    places = {name: _places(entries, name, cells or {}, min_coverage) for name in names}
    return tuple(
        dataclasses.replace(
            entry,
            dimensions=tuple(
                _placed(entry, figure, places[figure.dimension].get(index), min_coverage) for figure in entry.dimensions
            ),
        )
        for index, entry in enumerate(entries)
    )


def why_not_ranked(entry: Entry, figure: Figure, min_coverage: float) -> str:
    """Why a figure can't have a rank; empty if it can."""
    if not entry.has_evidence:
        return "its run is undecided" + (f" ({', '.join(entry.undecided_by)})" if entry.undecided_by else "")
    if entry.n_pictures + entry.n_errors < entry.n_cases * entry.seeds:
        return "its run stopped early, which biases its means"
    if figure.failed_control:
        return f"its judge failed the control `{figure.failed_control}`"
    if figure.value is None:
        return "nothing was scored"
    if figure.share_scored < min_coverage:
        scored = f"{figure.n_scored:,} of {figure.n_expected:,} cells were scored"
        return f"only {scored}; a rank takes {100 * min_coverage:g} %"
    if figure.ci_low is None or figure.ci_high is None:
        return "its interval has no bounds"
    return ""


def basis(board: Board) -> str:
    """How the ranked entries of a file were compared, in words."""
    kept = [entry for entry in board.entries if any(f.rank_best is not None for f in entry.dimensions)]
    pairs = list(combinations(kept, 2))
    paired = sum(_is_paired(one, other, frozenset(board.paired_runs)) for one, other in pairs)
    if not pairs:
        return "nothing was compared"
    if paired == len(pairs):
        return "all pairs of entries were compared case by case"
    if paired == 0:
        return "no pair of entries could be compared case by case: all ranks come from independent intervals"
    return (
        f"{paired} of {len(pairs)} pairs of entries were compared case by case, the others by independent intervals, "
        "which tell fewer apart"
    )


def is_certainly_better(one: Figure, other: Figure) -> bool:
    """By independent intervals: the whole of `one`, missing cells at their worst, on the better side of `other`."""
    least, theirs = one.interval_with_missing_at(one.scale().bad_end), other.interval()
    if least is None or theirs is None:
        return False
    if one.higher_is_better:
        return least.low is not None and theirs.high is not None and least.low > theirs.high
    return least.high is not None and theirs.low is not None and least.high < theirs.low


def best_first(entries: Sequence[Entry], dimension: str) -> tuple[Entry, ...]:
    """Entries by rank on a dimension, equal ranks by value; those without a rank last, those without a value after."""
    last = float("inf")

    def place(entry: Entry) -> tuple[float, float, float, str, str]:
        figure = entry.figure(dimension)
        if figure is None or figure.value is None:
            return (last, last, last, entry.generator, entry.role)
        worse = -figure.value if figure.higher_is_better else figure.value
        if figure.rank_best is None or figure.rank_worst is None:
            return (1e9, 1e9, worse, entry.generator, entry.role)
        return (figure.rank_best, figure.rank_worst, worse, entry.generator, entry.role)

    return tuple(sorted(entries, key=place))


def _places(
    entries: Sequence[Entry], dimension: str, cells: CellsByRun, min_coverage: float
) -> dict[int, tuple[int, int]]:
    """Index of each ranked entry -> (best rank, worst rank)."""
    group: dict[int, tuple[Entry, Figure]] = {}
    for index, entry in enumerate(entries):
        figure = entry.figure(dimension)
        if figure is not None and not why_not_ranked(entry, figure, min_coverage):
            group[index] = (entry, figure)
    above = dict.fromkeys(group, 0)
    below = dict.fromkeys(group, 0)
    for i, j in combinations(group, 2):
        for one, other in ((i, j), (j, i)):
            if _beats(*group[one], *group[other], cells):
                below[one] += 1
                above[other] += 1
    return {index: (1 + above[index], len(group) - below[index]) for index in group}


def _beats(one: Entry, figure: Figure, other: Entry, others: Figure, cells: CellsByRun) -> bool:
    """Whether the data say that `one` is better than `other` on the dimension of their figures."""
    if _same_run(one, other):
        student, its = (one, figure) if one.role is Role.STUDENT else (other, others)
        if its.difference_to_teacher is not None:
            return _beats_teacher(its) if student is one else its.falls_behind_teacher()
    ours, theirs = cells.get(one.run_digest, {}).get(one.role), cells.get(other.run_digest, {}).get(other.role)
    if ours is not None and theirs is not None:
        said = is_better_by_case(ours, theirs, figure.scale())
        if said is not None:
            return said
    return is_certainly_better(figure, others)


def _same_run(one: Entry, other: Entry) -> bool:
    return (one.run_digest, one.created) == (other.run_digest, other.created)


def _is_paired(one: Entry, other: Entry, at_hand: frozenset[str]) -> bool:
    return _same_run(one, other) or {one.run_digest, other.run_digest} <= at_hand


def _beats_teacher(student: Figure) -> bool:
    """Better than its teacher by the paired difference, which holds only where none of its cells is missing."""
    change = student.difference_to_teacher
    if change is None or student.n_scored < student.n_expected:
        return False
    near = change.ci_low if student.higher_is_better else change.ci_high
    return near is not None and (near > 0 if student.higher_is_better else near < 0)


def _placed(entry: Entry, figure: Figure, place: tuple[int, int] | None, min_coverage: float) -> Figure:
    best, worst = place if place else (None, None)
    why = "" if place else why_not_ranked(entry, figure, min_coverage)
    behind = figure.falls_behind_teacher() and not figure.failed_control
    return dataclasses.replace(figure, rank_best=best, rank_worst=worst, worse_than_teacher=behind, not_ranked=why)
