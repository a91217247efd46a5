"""The dimensions as a forest plot: one axis per dimension, one row of marks per generator and per difference."""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.records import Dimension
from evalkit.api.results import Comparison, DimensionChange, DimensionResult, Interval, RunSummary
from evalkit.reports import wording
from evalkit.reports.dimensions import DimensionRow, dimension_rows, not_applicable
from evalkit.reports.html.bars import Axis, Mark, difference_axis, value_axis

ALL = "all"
"""The group of a comparison that holds every case."""


class Value(NamedTuple):
    """What one role reached on a dimension: its figures, and its mark on the axis where it has one.

    `apart` is the number of pictures whose case does not ask for the dimension.
    """

    role: str
    result: DimensionResult | None
    mark: Mark | None
    apart: int = 0


class Difference(NamedTuple):
    """The student against `reference`: its interval, its mark on the axis, and how it reads in words."""

    reference: str
    interval: Interval
    mark: Mark
    reading: str


class ForestRow(NamedTuple):
    """One dimension. `axis` bounds the values, `None` where nothing was scored; `ticks` are (position, figure)."""

    judge: str
    judge_version: str
    dimension: Dimension
    values: tuple[Value, ...]
    axis: Axis | None
    ticks: tuple[tuple[float, str], ...]
    differences: tuple[Difference, ...]


def forest(summary: RunSummary) -> list[ForestRow]:
    """One row per judge and dimension, with the difference from the baseline where the run has one."""
    return [
        _row(row, overall(summary.comparison, row.dimension.name), summary)
        for row in dimension_rows(summary.dimensions)
    ]


def overall(comparison: Comparison | None, dimension: str) -> DimensionChange | None:
    """The change of a dimension over all cases."""
    changes = comparison.dimensions if comparison else ()
    return next((change for change in changes if (change.dimension, change.group) == (dimension, ALL)), None)


def confidence(summary: RunSummary) -> str:
    """The confidence of the intervals, in percent; more than one where they differ."""
    levels = [d.estimate.confidence for d in summary.dimensions if d.estimate]
    return " or ".join(f"{100 * level:g}" for level in dict.fromkeys(levels or [0.95]))


def _row(row: DimensionRow, change: DimensionChange | None, summary: RunSummary) -> ForestRow:
    results = (("student", row.student), ("teacher", row.teacher))
    known = [result.estimate for _, result in results if result and result.estimate]
    axis = value_axis(row.dimension, known) if known else None
    values = tuple(
        Value(
            role,
            result,
            axis.place(result.estimate) if axis and result and result.estimate else None,
            not_applicable(summary, result) if result else 0,
        )
        for role, result in results
    )
    ends = ((0.0, axis.low), (50.0, (axis.low + axis.high) / 2), (100.0, axis.high)) if axis else ()
    ticks = tuple((at, f"{value:.3g}") for at, value in ends)
    differences = _differences(row, change)
    return ForestRow(row.judge, row.judge_version, row.dimension, values, axis, ticks, differences)


def _differences(row: DimensionRow, change: DimensionChange | None) -> tuple[Difference, ...]:
    references = (("teacher", row.difference), ("baseline", change.difference if change else None))
    known = [(reference, interval) for reference, interval in references if interval]
    if not known:
        return ()
    axis = max((difference_axis(interval) for _, interval in known), key=lambda axis: axis.high)
    better = row.dimension.higher_is_better
    return tuple(
        Difference(reference, interval, axis.place(interval), wording.reading(interval, better))
        for reference, interval in known
    )
