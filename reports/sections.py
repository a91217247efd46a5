"""The sections of a report, in one list that the HTML page, the Markdown summary and the comment share.

To add a section, write a function that computes its data from a `ReportInput`, a template in
`reports/html/templates/sections/` that draws them, a function that yields it as Markdown, or only one of the two, and
put one `Section` into `SECTIONS`. `docs/report.md` has a complete example.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from evalkit.api.results import RunSummary
from evalkit.reports import wording
from evalkit.reports.ci import summary_parts
from evalkit.reports.ci.markdown import MarkdownPart
from evalkit.reports.escape import clip
from evalkit.reports.failures import NO_FAILURES, Failures
from evalkit.reports.html.cost_charts import cost_charts
from evalkit.reports.html.forest import forest
from evalkit.reports.html.gate_bars import gate_rows
from evalkit.reports.html.judge_ability import judge_rows
from evalkit.reports.html.missing_scores import MissingScores
from evalkit.reports.html.regressions import regressions

MAX_CONFIG = 50_000
"""Most characters of the configuration that the page shows."""


@dataclass(frozen=True, slots=True)
class ReportInput:
    """What sections are made from. `failures` are counted for CI, `missing` for the page, while the cases stream by."""

    summary: RunSummary
    failures: Failures = NO_FAILURES
    missing: MissingScores | None = None


def _always(_: ReportInput) -> Any:
    return ()


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the report.

    Args:
        anchor: id of the section in the page, where links lead; `#anchor`.
        title: heading of the section.
        label: what the navigation of the page calls it; empty if only the summary has the section.
        build: computes what the template draws, there called `data`; `None` leaves the section out of this report.
        template: file in `templates/sections/`; empty if only the summary has the section.
        markdown: yields the section for the summary, from the title and the input; `None` if only the page has it.
    """

    anchor: str
    title: str
    label: str = ""
    build: Callable[[ReportInput], Any] = _always
    template: str = ""
    markdown: Callable[[str, ReportInput], Iterable[MarkdownPart]] | None = None


class BuiltSection(NamedTuple):
    """A section of the page with the data that its template draws."""

    section: Section
    data: Any


def page_sections(given: ReportInput) -> list[BuiltSection]:
    """The sections that the page of this run has, in order."""
    drawn = ((section, section.build(given)) for section in SECTIONS if section.template)
    return [BuiltSection(section, data) for section, data in drawn if data is not None]


def markdown_parts(given: ReportInput) -> Iterator[MarkdownPart]:
    """All sections as Markdown, in order."""
    for section in SECTIONS:
        if section.markdown:
            yield from section.markdown(section.title, given)


def _finding_columns(given: ReportInput) -> list[str]:
    counts = given.summary.finding_counts.values()
    return [blame for blame in wording.BLAMES if any(blame in counted for counted in counts)]


def _config(given: ReportInput) -> str:
    return clip(json.dumps(dict(given.summary.config), indent=2, ensure_ascii=False, default=str), MAX_CONFIG)


def _baseline(title: str, given: ReportInput) -> Iterator[MarkdownPart]:
    if given.summary.comparison:
        yield from summary_parts.baseline(title, given.summary.comparison)


def _groups(title: str, given: ReportInput) -> Iterator[MarkdownPart]:
    if given.summary.comparison:
        yield from summary_parts.groups(title, given.summary.comparison)


def _failures(_: str, given: ReportInput) -> Iterator[MarkdownPart]:
    yield from summary_parts.failing(given.failures)
    yield from summary_parts.inherited(given.failures)
    yield from summary_parts.flaky(given.summary, given.failures)


def _judges(_: str, given: ReportInput) -> Iterator[MarkdownPart]:
    yield from summary_parts.controls(given.summary)
    yield from summary_parts.detection(given.summary)


def _of_summary(
    parts: Callable[[str, RunSummary], Iterable[MarkdownPart]],
) -> Callable[[str, ReportInput], Iterable[MarkdownPart]]:
    """A section as Markdown that needs nothing but the summary of the run."""
    return lambda title, given: parts(title, given.summary)


SECTIONS = (
    Section(
        "verdict",
        "Verdict",
        "Verdict",
        lambda given: gate_rows(given.summary),
        "verdict.html.j2",
        _of_summary(summary_parts.verdict),
    ),
    Section(
        "regressions",
        "Against the baseline",
        "Baseline",
        lambda given: regressions(given.summary.comparison),
        "regressions.html.j2",
        _baseline,
    ),
    Section("gates", "Gates", markdown=_of_summary(summary_parts.gates)),  # on the page they are part of the verdict
    Section(
        "dimensions",
        "Dimensions",
        "Dimensions",
        lambda given: forest(given.summary),
        "dimensions.html.j2",
        _of_summary(summary_parts.dimensions),
    ),
    Section("failures", "Failures", markdown=_failures),  # on the page they are first in the list of cases
    Section(
        "findings",
        "Findings by kind",
        "Findings",
        _finding_columns,
        "findings.html.j2",
        _of_summary(summary_parts.finding_counts),
    ),
    Section(
        "metrics",
        "Whole sets of pictures",
        "Whole sets",
        lambda given: given.summary.metrics or None,
        "metrics.html.j2",
        _of_summary(summary_parts.metrics),
    ),
    Section("groups", "Changes by category and task", markdown=_groups),  # on the page they are part of the baseline
    Section(
        "costs",
        "Quality against cost",
        "Cost",
        lambda given: cost_charts(given.summary) or None,
        "costs.html.j2",
    ),
    Section(
        "judges",
        "Judges",
        "Judges",
        lambda given: judge_rows(given.summary, given.missing) or None,
        "judges.html.j2",
        _judges,
    ),
    Section("gallery", "Gallery", "Gallery", template="gallery.html.j2"),
    Section("cases", "Cases", "Cases", template="cases.html.j2"),
    Section("run", "Generators and run", "Run", _config, "run.html.j2", _of_summary(summary_parts.run)),
)
"""Every section, in the order in which a reader needs it."""
