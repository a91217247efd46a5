"""`summary.md`: the run in one screen of GitHub Markdown, the result first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field

from evalkit import settings
from evalkit.records import Role
from evalkit.results import DimensionResult, GateStatus, Outcome, RunResults, RunSummary
from reports.escape import code_span, markdown
from reports.files import replacing_file
from reports.rows import dimension_rows, worst_cases
from reports.wording import (
    BLAMES,
    NO_GATE,
    OUTCOMES,
    bounds,
    control_counts,
    direction,
    figure,
    no_figure,
    percent,
    reading,
    seconds,
    signed,
)

MARKS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.UNDECIDED: "⚠️"}
GATE_MARKS = {GateStatus.PASS: "✅", GateStatus.FAIL: "❌", GateStatus.LOW_POWER: "⚠️"}


class SummaryExporter:
    """A Markdown summary for a pull request or `$GITHUB_STEP_SUMMARY`."""

    class Settings(settings.Settings):
        """How much to show."""

        worst_cases: int = Field(default=10, ge=0, le=100)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `summary.md` into `out`; its path."""
        target = out / "summary.md"
        with replacing_file(target) as file:
            file.write(render_summary(results, self.settings.worst_cases))
        return target


def render_summary(results: RunResults, worst: int = 10) -> str:
    """The summary as Markdown; every text of the run shows as itself."""
    summary = results.summary()
    sections = [
        *_verdict(summary),
        *_gates(summary),
        *_dimensions(summary),
        *_finding_counts(summary),
        *_worst(results, worst),
        *_details("Controls", _controls(summary)),
        *_details("Generators and run", _run(summary)),
    ]
    return "\n\n".join(sections) + "\n"


def _verdict(summary: RunSummary) -> list[str]:
    names = {g.role: g.name for g in summary.generators}
    who = " against ".join(markdown(names[r]) for r in (Role.STUDENT, Role.TEACHER) if r in names)
    title = f"## {MARKS[summary.outcome]} {OUTCOMES[summary.outcome]}" + (f": {who}" if who else "")
    facts = [
        f"{markdown(summary.benchmark)} {markdown(summary.benchmark_version)}",
        f"{summary.n_cases:,} cases × {summary.seeds} seed{'s' if summary.seeds != 1 else ''}",
        f"coverage {percent(summary.coverage)}",
        f"controls: {control_counts(summary)}",
    ]
    return [title, _bullets(markdown(r, 1000) for r in summary.reasons), " · ".join(facts)]


def _gates(summary: RunSummary) -> list[str]:
    if not summary.gates:
        return [f"**{NO_GATE}**"]
    rows = [[GATE_MARKS[g.status] + " " + g.status.value, markdown(g.rule), markdown(g.detail)] for g in summary.gates]
    return ["### Gates", _table(["", "rule", "figures"], rows)]


def _dimensions(summary: RunSummary) -> list[str]:
    rows = []
    for row in dimension_rows(summary.dimensions):
        difference = row.difference
        change = "–"
        if difference:
            said = reading(difference, row.dimension.higher_is_better)
            change = f"{signed(difference.value)} {bounds(difference, sign=True)} {said}"
        name = f"{markdown(row.judge)}: {markdown(row.dimension.name)}<br><sub>{direction(row.dimension)}</sub>"
        rows.append([name, _cell(row.student), _cell(row.teacher), change])
    if not rows:
        return []
    return ["### Dimensions", _table(["dimension", "student", "teacher", "student − teacher"], rows)]


def _cell(result: DimensionResult | None) -> str:
    if result is None:
        return "–"
    if result.estimate is None:
        return no_figure(result)
    counts = f"<sub>{result.n_scored:,}/{result.n_expected:,} scored</sub>"
    return f"{figure(result.estimate.value)} {bounds(result.estimate)}<br>{counts}"


def _finding_counts(summary: RunSummary) -> list[str]:
    if not summary.finding_counts:
        return []
    used = [b for b in BLAMES if any(b in counts for counts in summary.finding_counts.values())]
    rows = [
        [markdown(kind), *(f"{counts.get(blame, 0):,}" for blame in used)]
        for kind, counts in sorted(summary.finding_counts.items())
    ]
    return ["### Findings", _table(["kind", *(BLAMES[b] for b in used)], rows)]


def _worst(results: RunResults, limit: int) -> list[str]:
    if not limit:
        return []
    rows = [
        [f"{worst.severity:.2f}", markdown(result.case.id), str(result.seed), markdown(worst.message, 200)]
        for result, worst in worst_cases(results.cases(), limit)
    ]
    if not rows:
        return []
    return _details("Worst cases of the student's own", [_table(["severity", "case", "seed", "worst finding"], rows)])


def _controls(summary: RunSummary) -> list[str]:
    rows = [
        ["✅" if c.passed else "❌", markdown(c.judge), markdown(c.name), markdown(c.rule), markdown(c.detail)]
        for c in sorted(summary.controls, key=lambda c: c.passed)
    ]
    return [_table(["", "judge", "control", "must", "detail"], rows)] if rows else []


def _run(summary: RunSummary) -> list[str]:
    rows = [
        [
            g.role.value,
            markdown(g.name),
            "not counted" if g.nfe is None else str(g.nfe),
            seconds(g.seconds_per_picture),
            f"{g.n_pictures:,}",
            f"{g.n_errors:,}",
            markdown(g.hardware) or "not known",
            markdown(g.licence) or "not known",
        ]
        for g in summary.generators
    ]
    head = ["role", "generator", "NFE", "time per picture", "pictures", "errors", "hardware", "licence"]
    return [
        _table(head, rows),
        f"Benchmark digest {code_span(summary.benchmark_digest)}, evalkit {code_span(summary.evalkit_version)}, "
        f"made {markdown(summary.created)}",
        f"Made by {code_span(summary.command, 2000)}",
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _details(title: str, body: Sequence[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", *body, "</details>"] if body else []
