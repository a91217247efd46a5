"""How cases and dimensions changed against the baseline."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.results import Bucket, Comparison, DimensionChange
from evalkit.reports import wording
from evalkit.reports.html.addresses import address
from evalkit.reports.html.bars import Mark, difference_axis
from evalkit.reports.html.forest import ALL

MEANINGS = {
    Bucket.REGRESSED: "failing now, fine in the baseline",
    Bucket.NEW_FAILURE: "failing now, not judged in the baseline",
    Bucket.STILL_FAILING: "failing in both",
    Bucket.FIXED: "fine now, failing in the baseline",
    Bucket.UNCHANGED: "fine now, not failing in the baseline",
    Bucket.INCOMPARABLE: "can't be compared",
}
"""The buckets, worst first, and what they mean."""


class Tile(NamedTuple):
    """How many cases are in a bucket, and the address of the list that holds just them."""

    bucket: Bucket
    n: int
    meaning: str
    address: str

    @property
    def name(self) -> str:
        """The bucket as part of a class name."""
        return self.bucket.value.replace(" ", "-")


class Change(NamedTuple):
    """The change of a dimension in one group of cases. Without an interval it has no mark and no reading."""

    of: DimensionChange
    mark: Mark | None
    reading: str


class Group(NamedTuple):
    """A group of cases, with the changes of all dimensions in it, and the address of its cases."""

    kind: str
    name: str
    changes: tuple[Change, ...]
    address: str


class Regressions(NamedTuple):
    """The comparison as the page shows it. `kinds` are `category` and `task`, each with its groups."""

    comparison: Comparison
    tiles: tuple[Tile, ...]
    overall: tuple[Change, ...]
    kinds: tuple[tuple[str, tuple[Group, ...]], ...]


def regressions(comparison: Comparison | None) -> Regressions | None:
    """The comparison arranged for reading; `None` where the run has no baseline."""
    if comparison is None:
        return None
    groups = dict.fromkeys(change.group for change in comparison.dimensions if change.group != ALL)
    named = [_group(comparison, group) for group in groups]
    kinds = dict.fromkeys(group.kind for group in named)
    return Regressions(
        comparison,
        tuple(
            Tile(b, comparison.buckets.get(b, 0), meaning, address(("bucket", b.value)))
            for b, meaning in MEANINGS.items()
        ),
        tuple(_change(change) for change in comparison.dimensions if change.group == ALL),
        tuple((kind, tuple(group for group in named if group.kind == kind)) for kind in kinds),
    )


def _group(comparison: Comparison, group: str) -> Group:
    kind, _, name = group.partition(":")
    changes = tuple(_change(change) for change in comparison.dimensions if change.group == group)
    return Group(kind, name, changes, address((kind, name)))


def _change(of: DimensionChange) -> Change:
    if of.difference is None:
        return Change(of, None, "")
    mark = difference_axis(of.difference).place(of.difference)
    return Change(of, mark, wording.reading(of.difference, of.higher_is_better))
