"""Ranks that follow from the confidence intervals, not from the values alone."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from evalkit.api.results import Outcome
from evalkit.reports.leaderboard.entries import Entry, Figure

RULE = (
    "An entry's rank is 1 plus the number of entries whose interval lies entirely on the better side of its own; "
    "equal ranks are ties. A figure without both bounds, or of a run that was undecided or stopped early, has no "
    "rank and moves nobody."
)


def ranked(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The same entries, every figure with its rank among them (see `RULE`)."""
    groups: dict[str, list[Figure]] = {}
    for entry in entries:
        for figure in entry.dimensions if _is_whole(entry) else ():
            if figure.ci_low is not None and figure.ci_high is not None:
                groups.setdefault(figure.dimension, []).append(figure)
    places = {name: _ranks(figures) for name, figures in groups.items()}
    return tuple(dataclasses.replace(entry, dimensions=_placed(entry, places)) for entry in entries)


def _is_whole(entry: Entry) -> bool:
    """Whether the run was decided and covers every case. The means of a run that stopped early are biased."""
    asked = entry.n_pictures + entry.n_errors
    return entry.outcome is not Outcome.UNDECIDED and asked >= entry.n_cases * entry.seeds


def _ranks(figures: Sequence[Figure]) -> dict[int, tuple[int, bool]]:
    """`id` of each figure -> (rank, tied)."""
    ranks = {id(figure): 1 + sum(is_better(other, figure) for other in figures) for figure in figures}
    shared = Counter(ranks.values())
    return {key: (rank, shared[rank] > 1) for key, rank in ranks.items()}


def _placed(entry: Entry, places: dict[str, dict[int, tuple[int, bool]]]) -> tuple[Figure, ...]:
    placed = []
    for figure in entry.dimensions:
        rank, tied = places.get(figure.dimension, {}).get(id(figure), (None, False))
        placed.append(dataclasses.replace(figure, rank=rank, tied=tied))
    return tuple(placed)


def is_better(one: Figure, other: Figure) -> bool:
    """Whether the interval of `one` lies entirely on the better side of the other's."""
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return False
    return one.ci_low > other.ci_high if one.higher_is_better else one.ci_high < other.ci_low


def best_first(entries: Sequence[Entry], dimension: str) -> tuple[Entry, ...]:
    """Entries by rank on a dimension, equal ranks by value; those without a rank last, those without a value after."""

    def place(entry: Entry) -> tuple[float, float, str, str]:
        figure = entry.figure(dimension)
        if figure is None or figure.value is None:
            return (float("inf"), float("inf"), entry.generator, entry.role)
        worse = -figure.value if figure.higher_is_better else figure.value
        return (figure.rank or float("1e9"), worse, entry.generator, entry.role)

    return tuple(sorted(entries, key=place))
