"""Figures and outcomes in words, the same in every report."""

from __future__ import annotations

import math

from evalkit.api.records import Dimension
from evalkit.api.results import DimensionChange, DimensionResult, GateStatus, Interval, Outcome, RunSummary

OUTCOMES = {
    Outcome.PASSED: "Passed",
    Outcome.MEASURED: "Measured",
    Outcome.FAILED: "Failed",
    Outcome.UNDECIDED: "Undecided",
}
GLYPHS = {Outcome.PASSED: "✓", Outcome.MEASURED: "–", Outcome.FAILED: "✕", Outcome.UNDECIDED: "?"}
GATES = {GateStatus.FAIL: "fail", GateStatus.UNDECIDED: "undecided", GateStatus.PASS: "pass"}
NO_GATE = "No gate configured: this run could not have failed."
NOT_SIGNIFICANT = "not significant"
SIGNIFICANT = 0.05
"""Largest adjusted p-value at which a change counts as significant."""
BLAMES = {
    "student-only": "student only",
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
