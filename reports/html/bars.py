"""Intervals as positions on a small axis, for the bars in the table of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evalkit.api.records import Dimension
from evalkit.api.results import Interval


class Mark(NamedTuple):
    """One interval on an axis, in percent of its length; without an interval both ends are at the value."""

    low: float
    value: float
    high: float


class Axis(NamedTuple):
    """The values at the two ends of an axis."""

    low: float
    high: float

    def place(self, interval: Interval) -> Mark:
        """Where `interval` lies, held inside the axis."""
        low, high = _ends(interval)
        return Mark(self.at(low), self.at(interval.value), self.at(high))

    def at(self, value: float) -> float:
        """The position of `value` in [0, 100]."""
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 2)


def value_axis(dimension: Dimension, intervals: Sequence[Interval]) -> Axis:
    """The dimension's own bounds; where it has none, what the intervals span with a tenth on either side."""
    ends = [end for interval in intervals for end in _ends(interval)]
    spread = max(ends) - min(ends) or abs(ends[0]) or 1.0
    low = dimension.low if dimension.low is not None else min(ends) - spread / 10
    high = dimension.high if dimension.high is not None else max(ends) + spread / 10
    return Axis(low, high) if high > low else Axis(low, low + 1.0)


def difference_axis(difference: Interval) -> Axis:
    """An axis with 0 in the middle that holds the interval."""
    reach = max(abs(end) for end in _ends(difference)) * 1.15 or 1.0
    return Axis(-reach, reach)


def _ends(interval: Interval) -> tuple[float, float]:
    low, high = interval.low, interval.high
    return (interval.value if low is None else low, interval.value if high is None else high)
