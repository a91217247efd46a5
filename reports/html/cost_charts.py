"""Quality against what a picture costs (NFE, seconds): for each dimension two small charts with every generator.

SVG drawn here, not plotly: plotly 7.1.0 does not run under the page's policy (measured in Chromium: it parses HTML
strings, which Trusted Types refuse, and sets inline styles). These charts also print and need no JavaScript.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from evalkit.api.records import Dimension
from evalkit.api.results import GeneratorResult, Interval, RunSummary
from evalkit.api.timing import timed_alike
from evalkit.reports import wording
from evalkit.reports.dimensions import dimension_rows
from evalkit.reports.html.bars import Axis, Mark

FEWEST = 2
"""Generators below which there is nothing to compare."""


class Point(NamedTuple):
    """One generator: `x` and the mark are percentages of the axes, y upwards."""

    role: str
    x: float
    mark: Mark
    in_words: str


class Chart(NamedTuple):
    """Quality over one kind of cost, on a logarithmic axis; ticks are (position, figure)."""

    cost: str
    points: tuple[Point, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]

    @property
    def in_words(self) -> str:
        """The chart in words."""
        return f"{self.cost}: {'; '.join(point.in_words for point in self.points)}"


class CostCharts(NamedTuple):
    """The charts of one dimension."""

    judge: str
    dimension: Dimension
    charts: tuple[Chart, ...]


def cost_charts(summary: RunSummary) -> list[CostCharts]:
    """The charts of every dimension that two generators with a known cost were scored on."""
    generators = {generator.role: generator for generator in summary.generators}
    found = []
    for row in dimension_rows(summary.dimensions):
        scored = [
            (generators[result.role], result.estimate)
            for result in (row.student, row.teacher)
            if result and result.estimate and result.role in generators
        ]
        charts = [chart for cost in ("NFE", "seconds per picture") if (chart := _chart(cost, scored))]
        if charts:
            found.append(CostCharts(row.judge, row.dimension, tuple(charts)))
    return found


def _chart(cost: str, scored: list[tuple[GeneratorResult, Interval]]) -> Chart | None:
    known = [(generator, x, estimate) for generator, estimate in scored if (x := _cost_of(generator, cost))]
    if len(known) < FEWEST or (cost != "NFE" and not timed_alike(generator for generator, _, _ in known)):
        return None
    across = _room([math.log(x) for _, x, _ in known], 0.18)
    up = _room([end for _, _, interval in known for end in _ends(interval)], 0.12)
    points = tuple(
        Point(
            generator.role.value,
            across.at(math.log(x)),
            up.place(interval),
            f"{generator.role.value} {x:.3g}, {wording.figure(interval.value)} {wording.bounds(interval)}",
        )
        for generator, x, interval in known
    )
    x_ticks = dict.fromkeys((across.at(math.log(x)), f"{x:.3g}") for _, x, _ in known)
    y_ticks = tuple((up.at(value), f"{value:.3g}") for value in round_ticks(up))
    return Chart(cost, points, tuple(x_ticks), y_ticks)


def round_ticks(axis: Axis) -> list[float]:
    """Two to six round values (1, 2 or 5 times a power of ten apart) on the axis."""
    rough = (axis.high - axis.low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(factor * power for factor in (1, 2, 5) if factor * power <= rough)
    first = math.ceil(axis.low / step)
    return [round(i * step, 12) for i in range(first, math.floor(axis.high / step) + 1)]


def _cost_of(generator: GeneratorResult, cost: str) -> float | None:
    return generator.nfe if cost == "NFE" else generator.seconds_per_picture


def _room(values: list[float], margin: float) -> Axis:
    low, high = min(values), max(values)
    spread = (high - low) or abs(low) or 1.0
    return Axis(low - spread * margin, high + spread * margin)


def _ends(interval: Interval) -> tuple[float, ...]:
    return tuple(end for end in (interval.low, interval.value, interval.high) if end is not None)
