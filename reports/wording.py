"""Figures and outcomes in words, the same in every report."""

from __future__ import annotations

import math

from evalkit.api.records import Dimension
from evalkit.api.results import (
    CellCounts,
    DimensionChange,
    DimensionResult,
    GateResult,
    GateStatus,
    GeneratorResult,
    Interval,
    Outcome,
    RunSummary,
    Undecided,
)

OUTCOMES = {
    Outcome.PASSED: "Passed",
    Outcome.MEASURED: "Measured: no gate applied",
    Outcome.FAILED: "Failed",
    Outcome.UNDECIDED: "Undecided",
}
GLYPHS = {Outcome.PASSED: "✓", Outcome.MEASURED: "–", Outcome.FAILED: "✕", Outcome.UNDECIDED: "?"}
CAUSES = {
    Undecided.POWER: "too few cases",
    Undecided.FAMILY: "only by the correction for several gates",
    Undecided.EVIDENCE: "missing evidence",
    Undecided.INVALID_JUDGE: "its judge failed the controls",
    Undecided.LIMITED: "only a part of the suite was asked",
}
"""Why a gate is undecided, in words that follow "undecided: "."""
GATES = {GateStatus.FAIL: "fail", GateStatus.UNDECIDED: "undecided", GateStatus.PASS: "pass"}
NO_GATE = "No gate configured: this run could not have failed."
NOT_SIGNIFICANT = "not significant"
SIGNIFICANT = 0.05
"""Largest adjusted p-value at which a change counts as significant."""
BLAMES = {
    "student-only": "student only",
    "worsened": "worsened: the teacher has it, clearly smaller",
    "both": "both (inherited)",
    "student": "student (twin not judged)",
    "teacher-only": "teacher only",
    "teacher": "teacher",
}
"""The columns of `RunSummary.finding_counts` in reading order."""


def figure(value: float) -> str:
    """A figure to about three digits; a true minus sign; never a rounded 0 for a value that is not 0."""
    size = abs(value)
    if 0 < size < 0.0005:
        text = f"{size:.1e}"
    else:
        text = f"{size:.3f}" if size < 10 else f"{size:,.1f}" if size < 1000 else f"{size:,.0f}"
    return f"−{text}" if value < 0 else text


def signed(value: float) -> str:
    """`figure` with its sign always shown."""
    return figure(value) if value < 0 else f"+{figure(value)}"


def bounds(interval: Interval, *, sign: bool = False) -> str:
    """`[low, high]`, or that there is no interval."""
    if interval.low is None or interval.high is None:
        return "(no interval)"
    write = signed if sign else figure
    return f"[{write(interval.low)}, {write(interval.high)}]"


def percent(share: float) -> str:
    """A share rounded down, so that 100 % means all."""
    return f"{math.floor(share * 1000) / 10:.1f} %".replace(".0 %", " %")


def direction(dimension: Dimension) -> str:
    """Which way is better."""
    return "higher is better" if dimension.higher_is_better else "lower is better"


def no_figure(result: DimensionResult) -> str:
    """That there is no figure, with the number of scores."""
    if result.n_expected == 0:
        return "not applicable: no case asks for it"
    return f"no figure: {result.n_scored} of {result.n_expected} scored"


def reading(difference: Interval, higher_is_better: bool) -> str:
    """`worse`, `better` or `not significant`, which means that the confidence interval of the difference contains 0."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return NOT_SIGNIFICANT
    return "better" if (difference.value > 0) == higher_is_better else "worse"


def change_reading(change: DimensionChange) -> str:
    """`reading` of a change since the baseline, if it is significant after correction for multiple comparisons."""
    if change.difference is None or change.p_adjusted is None or change.p_adjusted > SIGNIFICANT:
        return NOT_SIGNIFICANT
    return reading(change.difference, change.higher_is_better)


def outcome_of(summary: RunSummary) -> Outcome:
    """The outcome of a run, under today's rules also for runs of version 0.1.0.

    That version called a run passed that had no gate, or whose gates could not decide.
    """
    if summary.outcome is not Outcome.PASSED:
        return summary.outcome
    if not summary.gates:
        return Outcome.MEASURED
    undecided = (gate for gate in summary.gates if gate.status is GateStatus.UNDECIDED)
    return Outcome.PASSED if all(gate.warns for gate in undecided) else Outcome.UNDECIDED


def gate_state(gate: GateResult) -> str:
    """`pass`, `fail`, or `undecided` with its cause."""
    if gate.status is not GateStatus.UNDECIDED or gate.cause is None:
        return gate.status.value
    return f"undecided: {CAUSES[gate.cause]}" + (" (only warns)" if gate.warns else "")


def cells(counts: CellCounts) -> str:
    """How many of the cells that a gate asks for were scored on each side, and what became of the others."""
    parts = [f"student {counts.student_scored:,} of {counts.student:,} cells scored"]
    if counts.reference:
        parts.append(f"reference {counts.reference_scored:,} of {counts.reference:,}")
    if counts.left_out:
        parts.append(f"{counts.left_out:,} left out, missing on both sides")
    if counts.not_applicable:
        parts.append(f"{counts.not_applicable:,} not applicable")
    return ", ".join(parts)


def cases_needed(gate: GateResult) -> str:
    """How many cases would decide a gate that has too few; empty where that is not known."""
    if gate.n_needed is None:
        return ""
    if gate.n_needed_most is None:  # as runs of version 0.1.0 say it
        return f"about {gate.n_needed:,}"
    return f"{gate.n_needed:,} to {gate.n_needed_most:,}"


def gate_counts(summary: RunSummary) -> str:
    """The gates in one line, or that there are none."""
    if not summary.gates:
        return "No gate configured"
    counted = [(label, sum(g.status is status for g in summary.gates)) for status, label in GATES.items()]
    return ", ".join(f"{n} {label}" for label, n in counted if n)


def control_counts(summary: RunSummary) -> str:
    """The controls in one line, or that there are none."""
    if not summary.controls:
        return "none"
    return f"{sum(c.passed for c in summary.controls)} of {len(summary.controls)} judged correctly"


def seconds(value: float | None) -> str:
    """A duration, or that it is not known."""
    return "not known" if value is None else f"{value:.3g} s"


def measured_on(generator: GeneratorResult) -> str:
    """`, measured on 5 cases drawn anew`; empty where the seconds are those of the run's own pictures."""
    n = generator.n_timed
    return f", measured on {n:,} case{'' if n == 1 else 's'} drawn anew" if n else ""
