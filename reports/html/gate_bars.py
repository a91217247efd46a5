"""Each gate as a bar: its interval against its bound, with notes on its cells and its statistical power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evalkit.api.records import JSON
from evalkit.api.results import GateResult, GateStatus, Interval, RunSummary
from evalkit.reports import wording
from evalkit.reports.html.bars import Axis, Mark

AT_LEAST = "min_value"
BOUNDS = (AT_LEAST, "max_value", "max_drop", "max_rate")
"""The options of a gate that hold its bound; all but `min_value` bound from above."""
_MARGIN = 0.16


class Bar(NamedTuple):
    """An interval and its bound as percentages of an axis; what is allowed runs from `allowed` to `allowed_end`."""

    mark: Mark
    bound: float
    shown_bound: str
    allowed: float
    allowed_end: float


class GateRow(NamedTuple):
    """One gate: its bar where there is an interval, and notes on its cells and its power."""

    gate: GateResult
    bar: Bar | None
    notes: tuple[str, ...]


def gate_rows(summary: RunSummary) -> list[GateRow]:
    """Every gate: the failed ones first, then the undecided ones."""
    rows = [
        GateRow(gate, _bar(gate.interval, rule) if gate.interval and rule else None, _notes(gate))
        for gate, rule in zip(summary.gates, rules_of(summary.gates, summary.config), strict=True)
    ]
    order = (GateStatus.FAIL, GateStatus.UNDECIDED, GateStatus.PASS)
    return sorted(rows, key=lambda row: order.index(row.gate.status))


def rules_of(gates: Sequence[GateResult], config: Mapping[str, JSON]) -> list[tuple[str, float] | None]:
    """The option and the bound of each gate, from the config it was made from; `None` where they don't agree.

    A result names its rule in words only. Gates and their results stand in the same order.
    """
    rules = config.get("gates")
    if not isinstance(rules, list | tuple) or len(rules) != len(gates):
        return [None] * len(gates)
    return [_rule(rule) if _is_about(rule, gate) else None for rule, gate in zip(rules, gates, strict=True)]


def _is_about(rule: JSON, gate: GateResult) -> bool:
    return isinstance(rule, Mapping) and gate.dimension in (rule.get("dimension"), rule.get("finding"))


def _rule(rule: Mapping[str, Any]) -> tuple[str, float] | None:
    given = [(name, rule[name]) for name in BOUNDS if isinstance(rule.get(name), int | float)]
    return given[0] if len(given) == 1 else None


def _bar(interval: Interval, rule: tuple[str, float]) -> Bar:
    option, bound = rule
    ends = [end for end in (interval.low, interval.value, interval.high, bound) if end is not None]
    spread = (max(ends) - min(ends)) or abs(bound) or 1.0
    axis = Axis(min(ends) - spread * _MARGIN, max(ends) + spread * _MARGIN)
    at = axis.at(bound)
    allowed = (at, 100.0) if option == AT_LEAST else (0.0, at)
    return Bar(axis.place(interval), at, wording.figure(bound), *allowed)


def _notes(gate: GateResult) -> tuple[str, ...]:
    notes = []
    if gate.asked is not None:
        notes.append(wording.cells(gate.asked))
        if gate.asked.reason and gate.asked.reason not in gate.detail:
            notes.append(f"missing for: {gate.asked.reason}")
    if gate.detectable is not None:
        cases = f"{gate.interval.n:,}" if gate.interval else "this many"
        least = wording.figure(gate.detectable)
        notes.append(f"with {cases} cases a true difference of {least} would be detected with 80 % power")
    needed = wording.cases_needed(gate)
    if needed and f"{needed} cases" not in gate.detail:
        notes.append(f"{needed} cases would decide it")
    return tuple(notes)
