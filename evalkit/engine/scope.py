"""What a run will not ask, known from its cases alone: dimensions that do not apply, and gates with nothing to ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalkit.api.errors import ConfigError
from evalkit.api.records import Case, Role
from evalkit.api.scope import not_applicable
from evalkit.config.model import Gate
from evalkit.engine.plan import Plan
from evalkit.verdict.gates import describe
from evalkit.verdict.kinds import dimensions_of_finding, judges_of_finding

_MOST_REASONS = 2


@dataclass
class ScopeReport:
    """How many cases of the student each dimension does not apply to, and how many cases each gate asks.

    Args:
        n_cases: cases of the run.
        outside: dimension -> reason -> number of cases, of dimensions that do not apply to every case.
        asked: for each gate on a judge's dimension or on findings, in the plan's order, its rule and the number of
            cases that it asks.
        judges: judge -> its dimensions.
    """

    judges: Mapping[str, tuple[str, ...]]
    n_cases: int = 0
    outside: dict[str, Counter[str]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """One line for all dimensions of the same number and reasons: "grain.area: does not apply to 30 of 48 …"."""
        alike: dict[str, list[str]] = {}
        for name, reasons in self.outside.items():
            usual = reasons.most_common(_MOST_REASONS)
            said = "; ".join(f"{reason} ({n})" for reason, n in usual)
            more = "; …" if len(reasons) > len(usual) else ""
            line = f"not applicable to {reasons.total()} of {self.n_cases} cases: {said}{more}"
            alike.setdefault(line, []).append(name)
        return [f"{', '.join(self._shortened(names))}: {line}" for line, names in alike.items()]

    def _shortened(self, names: list[str]) -> list[str]:
        """The same names; where they are all dimensions of a judge, the judge instead."""
        whole = {judge: dimensions for judge, dimensions in self.judges.items() if {*dimensions} <= {*names}}
        covered = {name for dimensions in whole.values() for name in dimensions}
        return [*whole, *(name for name in names if name not in covered)]

    def unaskable(self) -> list[str]:
        """The gates that ask no case at all, so that they can only be undecided."""
        return [rule for rule, n in self.asked if n == 0]


def scope_of(plan: Plan, cases: Iterable[Case]) -> ScopeReport:
    """What the judges of a plan say, before any picture, of the cases of the run."""
    report = ScopeReport({judge.name: tuple(d.name for d in judge.dimensions) for judge in plan.judges})
    has_twin = Role.TEACHER in plan.generators
    gates = [gate for gate in plan.config.gates if gate.dimension not in plan.metric_dimensions()]
    asked = [0] * len(gates)
    for case in cases:
        report.n_cases += 1
        outside = {judge.name: not_applicable(judge, case, has_twin) for judge in plan.judges}
        for reasons in outside.values():
            for name, reason in reasons.items():
                report.outside.setdefault(name, Counter())[reason] += 1
        for index, gate in enumerate(gates):
            asked[index] += gate.asks(case) and _concerned(gate, plan, outside)
    report.asked = [(describe(gate), n) for gate, n in zip(gates, asked, strict=True)]
    return report


def check_drops(plan: Plan, cases: Iterable[Case]) -> None:
    """Raise `ConfigError` for a gate on a drop from the teacher on a dimension that only the student has.

    Such a dimension (a distance to the twin, a preference) compares with the teacher already.
    """
    judged = plan.dimensions()
    gates = [gate for gate in plan.config.gates if gate.max_drop is not None and gate.against == "teacher"]
    open_gates = [gate for gate in gates if gate.dimension in judged]
    reasons: dict[str, str] = {}
    for case in cases:
        if not open_gates:
            return
        for gate in [gate for gate in open_gates if gate.asks(case)]:
            judge, name = judged[gate.dimension][0], gate.dimension
            why = not_applicable(judge, case, False).get(name)
            if why is None:
                open_gates.remove(gate)
            elif name not in not_applicable(judge, case, True):
                reasons.setdefault(name, why)
    for gate in open_gates:
        if gate.dimension in reasons:
            rule = "min_value" if judged[gate.dimension][1].higher_is_better else "max_value"
            raise ConfigError(
                f"`{gate.dimension}` has no value of the teacher's own to drop from: {reasons[gate.dimension]}",
                where="gates",
                hint=f"bound the student's own value: `{rule}` in place of `max_drop`",
            )


def _concerned(gate: Gate, plan: Plan, outside: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a gate asks something of a case to which these dimensions of each judge do not apply."""
    if not gate.finding:
        judge, dimension = plan.dimensions()[gate.dimension]
        return dimension.name not in outside[judge.name]
    rests_on = judges_of_finding(gate, plan.judges)
    judges = [judge for judge in plan.judges if judge.name in rests_on]
    return any(dimensions_of_finding(gate, judge) - outside[judge.name].keys() for judge in judges)
