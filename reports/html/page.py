"""`index.html`: what a run says before any case is opened, readable without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.records import JSON, Role
from evalkit.results import GateStatus, Interval, Outcome, RunSummary
from reports import wording
from reports.escape import clip, label, visible
from reports.html.bars import Axis, Mark, difference_axis, value_axis
from reports.rows import DimensionRow, dimension_rows

LONGEST_TEXT = 5_000
MAX_CONFIG = 50_000


@dataclass(frozen=True, slots=True)
class Plot:
    """The bars of one row of the dimensions table."""

    axis: Axis
    student: Mark | None
    teacher: Mark | None
    difference: Mark | None


@dataclass(frozen=True, slots=True)
class ShownDimension:
    """One row of the dimensions table."""

    row: DimensionRow
    plot: Plot
    reading: str


def render_page(summary: RunSummary, assets: Sequence[str], n_results: int) -> str:
    """The page as HTML; `n_results` is the number of cases and seeds in the list."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters["label"] = label
    return environment.get_template("index.html.j2").render(
        summary=summary,
        words=wording,
        outcome=summary.outcome.value,
        headline=headline(summary),
        student=_generator(summary, Role.STUDENT),
        teacher=_generator(summary, Role.TEACHER),
        speedup=speedup(summary),
        gates=sorted(summary.gates, key=lambda g: g.status is not GateStatus.FAIL),
        dimensions=[_shown(row) for row in dimension_rows(summary.dimensions)],
        blames=[b for b in wording.BLAMES if any(b in counts for counts in summary.finding_counts.values())],
        config=clip(json.dumps(dict(summary.config), indent=2, ensure_ascii=False, default=str), MAX_CONFIG),
        styles=[a for a in assets if a.endswith(".css")],
        scripts=[a for a in assets if a.endswith(".js")],
        n_results=n_results,
    )


def headline(summary: RunSummary) -> str:
    """The run in one sentence that claims no more than its outcome does."""
    names = {g.role: g.name for g in summary.generators}
    student = names.get(Role.STUDENT, "the student")
    against = f" against {names[Role.TEACHER]}" if Role.TEACHER in names else ""
    if summary.outcome is Outcome.UNDECIDED:
        return f"{student} could not be judged{against}"
    if not summary.gates:
        return f"{student} was measured{against}, with no gate to pass"
    if summary.outcome is Outcome.FAILED:
        return f"{student} does not hold its gates{against}"
    return f"{student} holds every gate{against}"


def speedup(summary: RunSummary) -> str:
    """How many times faster the student's median picture is, or empty where a time is not known."""
    times = {g.role: g.seconds_per_picture for g in summary.generators}
    student, teacher = times.get(Role.STUDENT), times.get(Role.TEACHER)
    return f"{teacher / student:.1f}×" if student and teacher else ""


def _generator(summary: RunSummary, role: Role) -> Any:
    return next((g for g in summary.generators if g.role is role), None)


def _shown(row: DimensionRow) -> ShownDimension:
    estimates = [r.estimate if r else None for r in (row.student, row.teacher)]
    known: list[Interval] = [e for e in estimates if e]
    axis = value_axis(row.dimension, known) if known else Axis(0.0, 1.0)
    student, teacher = (axis.place(e) if e else None for e in estimates)
    difference = row.difference
    placed = difference_axis(difference).place(difference) if difference else None
    said = wording.reading(difference, row.dimension.higher_is_better) if difference else ""
    return ShownDimension(row, Plot(axis, student, teacher, placed), said)


def _finalize(value: JSON) -> JSON:
    """Every text that enters the page: nothing unseen in it, and not without end."""
    return clip(visible(value), MAX_CONFIG + LONGEST_TEXT) if type(value) is str else value
