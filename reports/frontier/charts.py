"""The charts of a sweep as positions in an SVG: one dimension over one kind of cost, student and teacher as series.

Drawn here, without a script: the page opens from file:// under a policy that allows none, and prints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from evalkit.api.frontier import Cost, Frontier, Point
from evalkit.api.records import Dimension, Role
from evalkit.api.results import Interval
from evalkit.reports import wording
from evalkit.reports.html.bars import Axis
from evalkit.reports.html.cost_charts import round_ticks

LEFT, RIGHT, TOP, BOTTOM = 54.0, 428.0, 14.0, 206.0
"""The plot inside the SVG of 440 x 250."""
ASIDE = 3.0
"""Horizontal distance of the two series: points of equal cost must not hide each other."""
WIDE = 300
"""Seconds axes that span more than this ratio get one tick a decade."""
TITLES: dict[Cost, str] = {
    "nfe": "NFE (transformer evaluations per picture, counted)",
    "seconds": "seconds per picture",
}


class Dot(NamedTuple):
    """One point of the chart in SVG units; `low` and `high` are the ends of its interval, `best`: on the front."""

    role: str
    x: float
    y: float
    low: float
    high: float
    best: bool
    in_words: str


class Series(NamedTuple):
    """The dots of one role, cheapest first, and the line through them."""

    role: str
    dots: tuple[Dot, ...]

    @property
    def line(self) -> str:
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


class Chart(NamedTuple):
    """One dimension over one cost; ticks are (position, figure). `best` names the points of the front."""

    cost: Cost
    title: str
    series: tuple[Series, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    best: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """The chart in words."""
        return "; ".join(dot.in_words for series in self.series for dot in series.dots)


class Cell(NamedTuple):
    """One point's figures on a dimension, for the table beneath."""

    point: Point
    estimate: Interval | None
    n_scored: int
    n_expected: int
    difference: Interval | None
    reading: str
    best: tuple[bool, bool]


class Panel(NamedTuple):
    """Everything about one dimension."""

    dimension: Dimension
    judge: str
    judge_version: str
    main: bool
    charts: tuple[Chart, ...]
    cells: tuple[Cell, ...]


def label(point: Point) -> str:
    """A point in words: `student, 4 NFE`, or its steps where evaluations were not counted."""
    cost = f"{point.steps} steps, NFE not counted" if point.nfe is None else f"{point.nfe} NFE"
    return f"{point.role.value}, {cost}"


def panels(frontier: Frontier) -> list[Panel]:
    """One panel per dimension, the main ones first."""
    return [_panel(frontier, dimension) for dimension in frontier.dimensions()]


def _panel(frontier: Frontier, dimension: Dimension) -> Panel:
    fronts = {cost: frontier.front(dimension.name, cost) for cost in TITLES}
    cells = []
    for point in frontier.points:
        figure = point.figure(dimension.name)
        if figure is None:
            continue
        change = figure.change
        best = (point.name in fronts["nfe"], point.name in fronts["seconds"])
        reading = "reference" if point.reference else wording.change_reading(change) if change else ""
        cells.append(
            Cell(
                point,
                figure.estimate,
                figure.n_scored,
                figure.n_expected,
                change.difference if change else None,
                reading,
                best,
            )
        )
    figure = next(figure for point in frontier.points if (figure := point.figure(dimension.name)))
    charts = tuple(chart for cost in TITLES if (chart := _chart(cells, dimension, cost, fronts[cost], frontier)))
    main = dimension.name in frontier.main
    return Panel(dimension, figure.judge, figure.judge_version, main, charts, tuple(cells))


def _chart(
    cells: Sequence[Cell], dimension: Dimension, cost: Cost, best: tuple[str, ...], frontier: Frontier
) -> Chart | None:
    known = [(cell.point, paid, cell.estimate) for cell in cells if cell.estimate and (paid := cell.point.cost(cost))]
    if not known:
        return None
    across = _costs([paid for _, paid, _ in known])
    up = _values(dimension, [estimate for _, _, estimate in known])
    series = []
    for role in (Role.STUDENT, Role.TEACHER):
        aside = -ASIDE if role is Role.STUDENT else ASIDE
        of_role = sorted((item for item in known if item[0].role is role), key=lambda item: item[1])
        dots = tuple(
            Dot(
                role.value,
                round(_x(across, paid) + aside, 2),
                _y(up, estimate.value),
                _y(up, estimate.value if estimate.low is None else estimate.low),
                _y(up, estimate.value if estimate.high is None else estimate.high),
                point.name in best,
                _in_words(point, estimate, point.name in best),
            )
            for point, paid, estimate in of_role
        )
        if dots:
            series.append(Series(role.value, dots))
    x_ticks = tuple((_x(across, value), f"{value:g}") for value in cost_ticks(across, cost))
    y_ticks = tuple((_y(up, value), f"{value:.3g}") for value in round_ticks(up))
    return Chart(cost, TITLES[cost], tuple(series), x_ticks, y_ticks, _named(frontier, best))


def _named(frontier: Frontier, best: tuple[str, ...]) -> tuple[str, ...]:
    """The points of a front in words, by role: `student at 1, 2, 4 NFE`."""
    phrases = []
    for role in (Role.STUDENT, Role.TEACHER):
        of_role = [point for point in frontier.points if point.role is role and point.name in best]
        if of_role:
            counted = all(point.nfe is not None for point in of_role)
            figures = ", ".join(str(point.nfe if counted else point.steps) for point in of_role)
            phrases.append(f"{role.value} at {figures} {'NFE' if counted else 'steps'}")
    return tuple(phrases)


def cost_ticks(across: Axis, cost: Cost) -> list[float]:
    """Powers of two for NFE; 1, 2, 5 times powers of ten for seconds. `across` holds base-2 logarithms."""
    if cost == "nfe":
        return [2.0**power for power in range(math.ceil(across.low), math.floor(across.high) + 1)]
    low, high = 2**across.low, 2**across.high
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wide = high / low > WIDE
    ticks = [factor * 10.0**power for power in powers for factor in ((1,) if wide else (1, 2, 5))]
    return [tick for tick in ticks if low <= tick <= high]


def _in_words(point: Point, estimate: Interval, best: bool) -> str:
    seconds = "" if point.seconds is None else f", {wording.seconds(point.seconds)}"
    optimal = ", Pareto-optimal" if best else ""
    return f"{label(point)}{seconds}: {wording.figure(estimate.value)} {wording.bounds(estimate)}{optimal}"


def _costs(paid: Sequence[float]) -> Axis:
    low, high = math.log2(min(paid)), math.log2(max(paid))
    margin = max((high - low) * 0.06, 0.3)
    return Axis(low - margin, high + margin)


def _values(dimension: Dimension, estimates: Sequence[Interval]) -> Axis:
    """The range of the intervals with some room, within the bounds of the dimension."""
    ends = [end for each in estimates for end in (each.low, each.value, each.high) if end is not None]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.06 or abs(low) * 0.1 or 0.1
    least = low - margin if dimension.low is None else max(low - margin, dimension.low)
    most = high + margin if dimension.high is None else min(high + margin, dimension.high)
    return Axis(least, most) if least < most else Axis(low - margin, high + margin)


def _x(axis: Axis, cost: float) -> float:
    return round(LEFT + axis.at(math.log2(cost)) / 100 * (RIGHT - LEFT), 2)


def _y(axis: Axis, value: float) -> float:
    return round(BOTTOM - axis.at(value) / 100 * (BOTTOM - TOP), 2)
