"""The sections of a report as Markdown. Every text of the run is escaped, so that it shows as itself.

`evalkit.reports.sections` lists them; each function takes the section's title and yields its parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from evalkit.api.failing import is_inherited
from evalkit.api.records import Blame, Role
from evalkit.api.results import (
    Bucket,
    Comparison,
    DimensionChange,
    DimensionResult,
    GateResult,
    GateStatus,
    Interval,
    MetricResult,
    Outcome,
    RunSummary,
)
from evalkit.reports.ci.markdown import MarkdownPart, table
from evalkit.reports.detection import shipped_detection
from evalkit.reports.dimensions import dimension_rows, not_applicable
from evalkit.reports.escape import code_span, markdown
from evalkit.reports.failures import Failure, Failures, Merged, expected_and_read
from evalkit.reports.wording import (
    BLAMES,
    NO_GATE,
    OUTCOMES,
    bounds,
    cases_needed,
    cells,
    change_reading,
    control_counts,
    direction,
    figure,
    gate_state,
    measured_on,
    no_figure,
    outcome_of,
    percent,
    reading,
    seconds,
    signed,
)

MARKS = {Outcome.PASSED: "✅", Outcome.MEASURED: "⚪", Outcome.FAILED: "❌", Outcome.UNDECIDED: "⚠️"}
GATE_MARKS = {GateStatus.FAIL: "❌", GateStatus.UNDECIDED: "⚠️", GateStatus.PASS: "✅"}
NONE = "–"


def verdict(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """The outcome with its reasons; the outcome is the title."""
    names = {g.role: g.name for g in summary.generators}
    who = " against ".join(markdown(names[r], 100) for r in (Role.STUDENT, Role.TEACHER) if r in names)
    outcome = outcome_of(summary)
    joint = "; " if ":" in OUTCOMES[outcome] else ": "
    title = f"{MARKS[outcome]} {OUTCOMES[outcome]}" + (f"{joint}{who}" if who else "")
    facts = [
        f"{markdown(summary.benchmark, 100)} {markdown(summary.benchmark_version, 100)}",
        f"{summary.n_cases:,} cases × {summary.seeds} seed{'s' if summary.seeds != 1 else ''}",
        f"coverage {percent(summary.coverage)}",
        f"controls: {control_counts(summary)}",
    ]
    reasons = tuple(f"- {markdown(reason, 1000)}" for reason in summary.reasons)
    yield MarkdownPart(title, reasons, tail=(" · ".join(facts),), level=2)


def baseline(title: str, comparison: Comparison) -> Iterator[MarkdownPart]:
    """How many cases are in which bucket against the baseline."""
    counts = [f"{comparison.buckets.get(bucket, 0):,}" for bucket in Bucket]
    part = table(title, [bucket.value for bucket in Bucket], [counts])
    why = [f"{markdown(reason, 200)} ({n:,})" for reason, n in comparison.reasons.items()]
    more = f" · {len(why) - 5} more reasons" if len(why) > 5 else ""
    notes = [f"Baseline {code_span(comparison.baseline, 200)}, made {markdown(comparison.baseline_created, 100)}"]
    notes += [f"Incomparable: {' · '.join(why[:5])}{more}"] if why else []
    yield replace(part, tail=tuple(notes))


def gates(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """Every gate, the failed ones first."""
    if not summary.gates:
        yield MarkdownPart(title, tail=(f"**{NO_GATE}**",))
        return
    failed_first = sorted(summary.gates, key=lambda g: list(GATE_MARKS).index(g.status))
    yield table(
        title, ["", "rule", "figures", "scored", "smallest detectable", "cases needed"], map(_gate, failed_first)
    )


def _gate(gate: GateResult) -> list[str]:
    needed = NONE
    if gate.status is GateStatus.UNDECIDED:
        needed = cases_needed(gate) or "not known"
    detectable = NONE if gate.detectable is None else f"a difference of {figure(gate.detectable)}"
    return [
        f"{GATE_MARKS[gate.status]} {gate_state(gate)}",
        markdown(gate.rule),
        markdown(gate.detail),
        cells(gate.asked) if gate.asked else NONE,
        detectable,
        needed,
    ]


def dimensions(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """Every dimension: student, teacher, and the differences."""
    compared = summary.comparison.dimensions if summary.comparison else ()
    changes = {change.dimension: change for change in compared if change.group == "all"}
    rows = []
    for row in dimension_rows(summary.dimensions):
        is_full = row.dimension.name.startswith(f"{row.judge}.")
        name = row.dimension.name if is_full else f"{row.judge}: {row.dimension.name}"
        cells = [
            f"{markdown(name)}<br><sub>{direction(row.dimension)}</sub>",
            *(_cell(result, summary) for result in (row.student, row.teacher)),
        ]
        cells.append(_difference(row.difference, row.dimension.higher_is_better))
        if summary.comparison:
            cells.append(_change(changes.get(row.dimension.name)))
        rows.append(cells)
    if rows:
        head = ["dimension", "student", "teacher", "student − teacher"]
        yield table(title, [*head, "student − baseline"] if summary.comparison else head, rows)


def metrics(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """The figures of whole sets of pictures."""
    rows = [
        [
            f"{markdown(m.dimension.name)}<br><sub>{direction(m.dimension)}</sub>",
            m.role.value,
            f"{markdown(m.reference)} ({m.n_reference:,})",
            _metric_cell(m),
            markdown(m.note, 300) or NONE,
        ]
        for m in summary.metrics
    ]
    if rows:
        yield table(title, ["figure", "of", "against", "value", "note"], rows)


def _metric_cell(result: MetricResult) -> str:
    if result.estimate is None:
        return f"no figure: {markdown(result.reason, 300)}"
    counts = f"<sub>{result.n_pictures:,}/{result.n_expected:,} pictures</sub>"
    return f"{figure(result.estimate.value)} {bounds(result.estimate)}<br>{counts}"


def _cell(result: DimensionResult | None, summary: RunSummary) -> str:
    if result is None:
        return NONE
    if result.estimate is None:
        return no_figure(result)
    apart = f", {n:,} not applicable" if (n := not_applicable(summary, result)) else ""
    counts = f"<sub>{result.n_scored:,}/{result.n_expected:,} scored{apart}</sub>"
    return f"{figure(result.estimate.value)} {bounds(result.estimate)}<br>{counts}"


def _difference(difference: Interval | None, higher_is_better: bool) -> str:
    if difference is None:
        return NONE
    return f"{signed(difference.value)} {bounds(difference, sign=True)} {reading(difference, higher_is_better)}"


def _change(change: DimensionChange | None) -> str:
    if change is None or change.difference is None:
        return NONE
    return f"{signed(change.difference.value)} {bounds(change.difference, sign=True)} {change_reading(change)}"


def failing(failures: Failures) -> Iterator[MarkdownPart]:
    """The worst failures, those that are new since the baseline first."""
    if not failures.worst:
        return
    head = ["grade", "case", "seed", "failure", "expected", "read", "counted by a failed gate"]
    new = "" if failures.n_new is None else f", {failures.n_new:,} of them new"
    compared = failures.n_new is not None
    part = table(
        f"Failures: {failures.n:,}{new}",
        [*head, "since the baseline"] if compared else head,
        [_failure(failure, compared) for failure in failures.worst],
    )
    more = failures.n - len(failures.worst)
    yield replace(part, tail=(f"*{more:,} more: see the report.*",) if more else ())


def _failure(failure: Failure, compared: bool) -> list[str]:
    expected, read = expected_and_read(failure.worst.worst) if failure.worst else (None, None)
    cells = [
        failure.worst.grade.value if failure.worst else NONE,
        markdown(failure.case_id),
        str(failure.seed),
        _found(failure),
        *(NONE if text is None else markdown(text, 80) for text in (expected, read)),
        "<br>".join(markdown(f"{one.rule}: {one.measured}" if one.measured else one.rule) for one in failure.counted)
        or NONE,
    ]
    since = failure.bucket.value if failure.bucket else NONE
    return [*cells, since] if compared else cells


def _found(failure: Failure) -> str:
    """The worst finding, and what else there is, one entry for each kind."""
    if not failure.worst:
        return NONE
    entries = [_merged(failure.worst, full=True), *(_merged(one, full=False) for one in failure.found[1:])]
    return "; ".join(entries)


def _merged(one: Merged, *, full: bool) -> str:
    has_texts = any(text is not None for text in expected_and_read(one.worst))
    said = markdown(one.worst.message, 200) if full and not has_texts else markdown(one.kind, 80)
    marks = ([f"×{one.n:,}"] if one.n > 1 else []) + (["(inherited)"] if is_inherited(one.worst) else [])
    if one.worst.blame is Blame.WORSENED:
        marks.append(f"({BLAMES[Blame.WORSENED.value]})")
    return " ".join([said, *marks])


def inherited(failures: Failures) -> Iterator[MarkdownPart]:
    """The cases that only have failures of the teacher's, which no failed gate counted."""
    if failures.n_inherited:
        rows = [_failure(failure, compared=False)[:4] for failure in failures.inherited]
        title = f"Inherited from the teacher, and not counted by a failed gate: {failures.n_inherited:,}"
        yield table(title, ["grade", "case", "seed", "failure"], rows, collapsed=True)


def flaky(summary: RunSummary, failures: Failures) -> Iterator[MarkdownPart]:
    """The failures of cases known to be unstable."""
    if not summary.flaky:
        return
    head = ["grade", "case", "seed", "failure"]
    rows = [_failure(failure, compared=False)[:4] for failure in failures.flaky]
    part = table(f"⚠️ Flaky cases that fail: {failures.n_flaky:,}", head, rows, collapsed=True)
    note = f"Cases known to be unstable, left out of the gates: {len(summary.flaky):,}."
    yield replace(part, tail=(note,))


def finding_counts(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """The number of findings by kind and blame."""
    used = [b for b in BLAMES if any(b in counts for counts in summary.finding_counts.values())]
    rows = [
        [markdown(kind), *(f"{counts.get(blame, 0):,}" for blame in used)]
        for kind, counts in sorted(summary.finding_counts.items())
    ]
    if rows:
        yield table(title, ["kind", *(BLAMES[b] for b in used)], rows, collapsed=True)


def groups(title: str, comparison: Comparison) -> Iterator[MarkdownPart]:
    """The changes since the baseline by category and task, the smallest p first."""
    changes = [c for c in comparison.dimensions if c.group != "all" and c.difference]
    changes.sort(key=lambda c: 2.0 if c.p_adjusted is None else c.p_adjusted)
    rows = [
        [
            markdown(change.dimension),
            markdown(change.group),
            _change(change),
            NONE if change.p_adjusted is None else figure(change.p_adjusted),
        ]
        for change in changes
    ]
    if rows:
        head = ["dimension", "group", "student − baseline", "adjusted p"]
        yield table(title, head, rows, collapsed=True)


def controls(summary: RunSummary) -> Iterator[MarkdownPart]:
    """Every control, the ones judged wrongly first."""
    rows = [
        ["✅" if c.passed else "❌", markdown(c.judge), markdown(c.name), markdown(c.rule), markdown(c.detail)]
        for c in sorted(summary.controls, key=lambda c: c.passed)
    ]
    if rows:
        head = ["", "judge", "control", "must", "detail"]
        yield table(f"Controls: {control_counts(summary)}", head, rows, collapsed=True)


def detection(summary: RunSummary) -> Iterator[MarkdownPart]:
    """Which faults each judge detects, where that was measured."""
    rows = []
    for judge, version in dict.fromkeys((d.judge, d.judge_version) for d in summary.dimensions):
        if measured := shipped_detection(judge, version):
            columns = (measured.reliably, measured.sometimes, measured.rarely, measured.false_alarms)
            cells = [markdown(", ".join(faults)) or NONE for faults in columns]
            rows.append([markdown(f"{judge} ({measured.note.rstrip('.')})"), *cells])
    if rows:
        head = ["judge", "finds 9 times in 10", "finds sometimes", "does not find", "false alarms"]
        yield table("What each judge can detect, measured with known defects", head, rows, collapsed=True)


def run(title: str, summary: RunSummary) -> Iterator[MarkdownPart]:
    """The generators, and how the run was made."""
    rows = [
        [
            g.role.value,
            markdown(g.name),
            "not counted" if g.nfe is None else str(g.nfe),
            seconds(g.seconds_per_picture) + measured_on(g),
            f"{g.n_pictures:,}",
            f"{g.n_errors:,}",
            markdown(g.hardware) or "not known",
            markdown(g.licence) or "not known",
        ]
        for g in summary.generators
    ]
    head = ["role", "generator", "NFE", "time per picture", "pictures", "errors", "hardware", "licence"]
    part = table(title, head, rows, collapsed=True)
    notes = (
        f"Benchmark digest {code_span(summary.benchmark_digest)}, evalkit {code_span(summary.evalkit_version)}, "
        f"made {markdown(summary.created)}",
        f"Made by {code_span(summary.command, 2000)}",
    )
    yield replace(part, tail=notes)
