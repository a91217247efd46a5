"""Gates: rules decided on the bounds of a confidence interval, and honest about what they can't tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.results import GateResult, GateStatus, Interval
from evalkit.config.model import Gate
from evalkit.stats.intervals import mean_interval
from evalkit.stats.power import cases_needed, detectable

POWER = 0.8
"""The power at which the smallest detectable difference is stated."""


def describe(gate: Gate) -> str:
    """The rule in words."""
    if gate.finding:
        whose = "" if gate.blame is None else f" ({gate.blame.value})"
        return f"{gate.finding}{whose} in at most {gate.max_rate:.3g} of the cases"
    if gate.min_value is not None:
        return f"{gate.dimension} at least {gate.min_value:g}"
    if gate.max_value is not None:
        return f"{gate.dimension} at most {gate.max_value:g}"
    return f"{gate.dimension} at most {gate.max_drop:g} worse than the {gate.against}"


def bound_of(gate: Gate) -> float:
    """The figure the rule compares with."""
    bounds = (gate.min_value, gate.max_value, gate.max_drop, gate.max_rate)
    return next(bound for bound in bounds if bound is not None)


def check(gate: Gate, means: NDArray[np.float64], *, low: float | None = None, high: float | None = None) -> GateResult:
    """Whether one rule holds.

    Args:
        gate: the rule.
        means: one value per case of what it bounds: the student's mean; for `max_drop` how much *worse* it is than the
            reference; for `max_rate` the share of its pictures with such a finding. Shape (n,).
        low: smallest possible value, `None` if unbounded.
        high: largest possible value.

    Returns:
        `PASS` or `FAIL` where the whole interval lies on one side of the bound, else `LOW_POWER` with the number of
        cases that would decide it 8 times in 10, were they like these.
    """
    interval = mean_interval(means, confidence=gate.confidence, low=low, high=high)
    spread = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
    smallest = detectable(len(means), spread, alpha=1 - gate.confidence, power=POWER) if spread > 0 else None
    result = check_interval(gate, interval)
    needed = None
    if result.status is GateStatus.LOW_POWER and interval and spread > 0 and interval.value != bound_of(gate):
        away = abs(interval.value - bound_of(gate))
        needed = cases_needed(spread, away, alpha=1 - gate.confidence, power=POWER)
    more = f"; about {needed:,} cases would decide it 8 times in 10" if needed else ""
    return GateResult(result.rule, result.status, result.detail + more, gate.subject, interval, smallest, needed)


def check_interval(gate: Gate, interval: Interval | None) -> GateResult:
    """The same where only an interval is known (a leaderboard file as the baseline)."""
    rule, bound = describe(gate), bound_of(gate)
    label = "worse by" if gate.max_drop is not None else "share" if gate.finding else "mean"
    detail = f"{label} {format_interval(interval)}"
    return GateResult(rule, _status(interval, bound, upper=gate.min_value is None), detail, gate.subject, interval)


def _status(interval: Interval | None, bound: float, *, upper: bool) -> GateStatus:
    if interval is None:
        return GateStatus.LOW_POWER
    good, bad = (interval.high, interval.low) if upper else (interval.low, interval.high)
    sign = 1 if upper else -1
    if good is not None and sign * good <= sign * bound:
        return GateStatus.PASS
    if bad is not None and sign * bad > sign * bound:
        return GateStatus.FAIL
    return GateStatus.LOW_POWER


def format_interval(interval: Interval | None) -> str:
    """`0.93 [0.90, 0.95] (n = 120)`; an unknown bound is `?`."""
    if interval is None:
        return "nothing was scored"
    low, high = ("?" if bound is None else f"{bound:.4g}" for bound in (interval.low, interval.high))
    return f"{interval.value:.4g} [{low}, {high}] (n = {interval.n})"
