"""Gates: rules over a dimension, decided on the bounds of its confidence interval."""

from __future__ import annotations

from evalkit.config.model import Gate
from evalkit.records import Dimension
from evalkit.results import GateResult, GateStatus, Interval


def describe(gate: Gate) -> str:
    """The rule in words."""
    if gate.min_value is not None:
        return f"{gate.dimension} at least {gate.min_value:g}"
    if gate.max_value is not None:
        return f"{gate.dimension} at most {gate.max_value:g}"
    return f"{gate.dimension} at most {gate.max_drop:g} worse than the {gate.against}"


def check(gate: Gate, dimension: Dimension, student: Interval | None, difference: Interval | None) -> GateResult:
    """Whether one rule holds.

    Args:
        gate: the rule.
        dimension: what it is about; `higher_is_better` says which way a drop goes.
        student: the student's mean, at the gate's confidence; `None` where nothing was scored.
        difference: student minus reference, paired, at the gate's confidence; only for `max_drop`.

    Returns:
        `PASS` or `FAIL` where the whole interval lies on one side of the bound, else `LOW_POWER`.
    """
    if gate.max_drop is not None:
        worse = _flip(difference) if dimension.higher_is_better else difference
        return _at_most(describe(gate), worse, gate.max_drop, "worse by")
    if gate.max_value is not None:
        return _at_most(describe(gate), student, gate.max_value, "mean")
    return _at_most(describe(gate), _flip(student), -(gate.min_value or 0.0), "mean", sign=-1)


def _at_most(rule: str, interval: Interval | None, bound: float, label: str, sign: int = 1) -> GateResult:
    if interval is None:
        return GateResult(rule, GateStatus.LOW_POWER, "nothing was scored")
    shown = interval if sign == 1 else _flip(interval)
    detail = f"{label} {format_interval(shown)}"
    if interval.high is not None and interval.high <= bound:
        return GateResult(rule, GateStatus.PASS, detail)
    if interval.low is not None and interval.low > bound:
        return GateResult(rule, GateStatus.FAIL, detail)
    return GateResult(rule, GateStatus.LOW_POWER, detail)


def _flip(interval: Interval | None) -> Interval | None:
    """The interval of the negated quantity."""
    if interval is None:
        return None
    low = None if interval.high is None else -interval.high
    high = None if interval.low is None else -interval.low
    return Interval(-interval.value, low, high, interval.n, interval.confidence)


def format_interval(interval: Interval | None) -> str:
    """`0.93 [0.90, 0.95] (n = 120)`; an unknown bound is `?`."""
    if interval is None:
        return "not scored"
    low, high = ("?" if bound is None else f"{bound:.4g}" for bound in (interval.low, interval.high))
    return f"{interval.value:.4g} [{low}, {high}] (n = {interval.n})"
