"""The gates of a run: the cells that each one is about, and what it says."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import ConfigError
from evalkit.api.protocols import Judge
from evalkit.api.records import Dimension, Role, Status, grade_of
from evalkit.api.results import ControlResult, GateResult, Interval, MetricResult, Undecided
from evalkit.api.scope import kinds_of
from evalkit.config.model import Gate, RunConfig
from evalkit.engine.early_stop import EarlyStop
from evalkit.engine.plan import Plan
from evalkit.engine.set_metrics import metric_ruling
from evalkit.formats.leaderboard import Figure
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.run_reader import RunReader
from evalkit.verdict.aggregate import Aggregate, at_confidence, read_aggregate
from evalkit.verdict.blame import blame_verdicts, counts_as
from evalkit.verdict.cells import Asked, pairs_of, twin_cell
from evalkit.verdict.doubts import doubted, failed_controls, part_asked
from evalkit.verdict.evidence import (
    Evidence,
    Pair,
    bounds_of_drops,
    breaking,
    breaking_end,
    count,
    of_drops,
    of_values,
)
from evalkit.verdict.gates import (
    Ruling,
    bound_of,
    describe,
    is_upper,
    lack_of,
    rule_on,
    rule_on_interval,
    settle,
)
from evalkit.verdict.kinds import dimensions_of_finding, judges_of_finding
from evalkit.verdict.looked import looked

Reference = RunReader | Aggregate | None


def gate_results(
    plan: Plan,
    store: RunReader,
    baseline: Reference,
    flaky: frozenset[str],
    metrics: Sequence[MetricResult] = (),
    controls: Sequence[ControlResult] = (),
    watched: EarlyStop | None = None,
) -> tuple[GateResult, ...]:
    """What every gate of the plan says of a run. Raises `ConfigError` for a baseline that can't be compared with it."""
    known = plan.metric_dimensions()
    rulings = [
        metric_ruling(gate, known[gate.dimension], metrics, plan.config.min_coverage)
        if gate.dimension in known
        else _ruling(gate, plan, Asked(store, gate, flaky), baseline)
        for gate in plan.config.gates
    ]
    if watched is not None:
        rulings = watched.combine(rulings, store)
    return _with_outside_doubts(settle(rulings), plan, store, controls, baseline)


def _with_outside_doubts(
    results: Sequence[GateResult],
    plan: Plan,
    store: RunReader,
    controls: Sequence[ControlResult],
    baseline: Reference,
) -> tuple[GateResult, ...]:
    """The same, with what the cells don't say: failed controls of this run and of its baseline, parts of the suite."""
    ours = {"": [control for control in controls if not control.passed]}
    theirs = {"the baseline": failed_controls(baseline)} if isinstance(baseline, RunReader) else {}
    part = part_asked(store)
    hint = f"{part}; `--no-gates` leaves gates out" if part else ""
    return tuple(
        doubted(result, _rests_on(gate, plan), ours | theirs if _on_baseline(gate) else ours, hint)
        for gate, result in zip(plan.config.gates, results, strict=True)
    )


def _on_baseline(gate: Gate) -> bool:
    return gate.max_drop is not None and gate.against == "baseline"


def _rests_on(gate: Gate, plan: Plan) -> dict[str, frozenset[str]]:
    """By judge, the dimensions that a gate rests on: its own, or those under which its finding is looked for."""
    if gate.finding:
        meant = judges_of_finding(gate, plan.judges)
        return {judge.name: dimensions_of_finding(gate, judge) for judge in plan.judges if judge.name in meant}
    found = plan.dimensions().get(gate.dimension)
    return {found[0].name: frozenset({gate.dimension})} if found else {}


def open_reference(config: RunConfig) -> Reference:
    """The baseline of a config: a run, or the figures of a leaderboard file."""
    if config.baseline is None:
        return None
    return read_aggregate(config.baseline) if config.baseline.is_file() else RunReader(config.baseline)


def check_reference(
    config: RunConfig, plan: Plan, store: RunReader, reference: Reference, flaky: frozenset[str]
) -> None:
    """Raise `ConfigError`, before the work, for a baseline that a gate of the plan can't be compared with."""
    given = None if config.baseline is None else config.baseline.resolve()
    if given is not None and store.folder.resolve() in (given, given.parent if given.is_file() else given):
        raise ConfigError("a run can't be its own baseline", where=str(config.baseline), hint="choose another --out")
    for gate in filter(_on_baseline, config.gates):
        if gate.dimension not in plan.dimensions():
            continue  # the gates on metrics are checked elsewhere
        judge, _ = plan.dimensions()[gate.dimension]
        if isinstance(reference, RunReader):
            _check_comparable(reference, plan, judge.name)
        elif reference is not None:
            _check_same_cases(gate, store, reference, flaky)
            _same_figure(reference, plan, store, judge, gate.dimension)


def _check_same_cases(gate: Gate, store: RunReader, reference: Aggregate, flaky: frozenset[str]) -> None:
    """Raise `ConfigError` for a gate on a part of the cases: a leaderboard file has the mean of all of them."""
    left_out = sum(case.id in flaky for _, case in store.cases()) if flaky else 0
    if gate.where is None and not left_out:
        return
    why = "`where` asks for a part of the cases" if gate.where else f"`flaky` leaves out {left_out} of the cases"
    raise ConfigError(
        f"`{describe(gate)}` can't be compared with a leaderboard file, which has the mean of all cases: {why}",
        where=str(reference.path),
        hint="take the run folder as the baseline",
    )


def independent_difference(one: Interval | None, other: Interval | None) -> Interval | None:
    """Interval of `one - other` from the intervals of two independent means (MOVER: Zou & Donner 2008)."""
    if one is None or other is None:
        return None
    value, n = one.value - other.value, min(one.n, other.n)
    low = high = None
    if one.low is not None and other.high is not None:
        low = value - math.hypot(one.value - one.low, other.high - other.value)
    if one.high is not None and other.low is not None:
        high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Interval(value, low, high, n, one.confidence)


# ------------------------------------------------------------------------------------------------------------ one gate


def _ruling(gate: Gate, plan: Plan, asked: Asked, baseline: Reference) -> Ruling:
    if gate.finding:
        return _on_findings(gate, plan, asked)
    judge, dimension = plan.dimensions()[gate.dimension]
    if gate.max_drop is None:
        teacher = asked.store if Role.TEACHER in plan.generators else None
        pairs = pairs_of(asked, dimension.name, teacher, Role.TEACHER)
        upper = is_upper(gate)
        evidence = of_values(pairs, breaking_end(dimension, upper=upper))
        broken = breaking(evidence, bound_of(gate), upper=upper)
        low, high = dimension.ends
        return rule_on(
            gate, evidence, low=low, high=high, min_coverage=plan.config.min_coverage, paired=False, cases=broken
        )
    if isinstance(baseline, Aggregate) and _on_baseline(gate):
        return _against_figures(gate, plan, asked, baseline, judge, dimension)
    reference, role = asked.store, Role.TEACHER
    if gate.against == "baseline" and isinstance(baseline, RunReader):
        _check_comparable(baseline, plan, judge.name)
        reference, role = baseline, Role.STUDENT
    evidence = of_drops(pairs_of(asked, dimension.name, reference, role), dimension)
    low, high = bounds_of_drops(dimension)
    return rule_on(
        gate,
        evidence,
        low=low,
        high=high,
        min_coverage=plan.config.min_coverage,
        paired=True,
        cases=breaking(evidence, bound_of(gate), upper=True),
    )


# ------------------------------------------------------------------------------------------------------------ findings


def _on_findings(gate: Gate, plan: Plan, asked: Asked) -> Ruling:
    """The share of pictures with such a finding, over the pictures on which every kind was looked for."""
    meant = judges_of_finding(gate, plan.judges)
    kinds = {judge.name: kinds_of(judge) for judge in plan.judges}
    wanted = {judge: [kinds[judge][name] for name in sorted(names)] for judge, names in meant.items()}
    roles = [role for role in Role if role in plan.generators]
    twins = asked.store.drawn(Role.TEACHER)
    known: list[tuple[str, float]] = []
    assumed: list[tuple[str, float]] = []
    pairs: list[Pair] = []
    left_out = 0
    for idx, case, seed in asked.cells():
        verdicts = blame_verdicts({role: asked.store.verdicts(role, idx, seed) for role in roles}, kinds)
        student = looked(verdicts[Role.STUDENT], wanted)
        teacher = looked(verdicts[Role.TEACHER], wanted) if Role.TEACHER in verdicts else None
        if teacher is not None and teacher.status is Status.NOT_APPLICABLE:
            teacher = twin_cell(twins.get((idx, seed), False))
        pairs.append(Pair(case.id, student, teacher))
        if student.status is Status.NOT_APPLICABLE:
            continue
        found = [
            finding
            for verdict in verdicts[Role.STUDENT]
            for finding in verdict.findings
            if finding.kind in meant.get(verdict.judge, ()) and grade_of(finding).rank >= gate.grade.rank
        ]
        certain = any(counts_as(finding, gate.blame) for finding in found if gate.blame is None or finding.blame)
        unclear = any(finding.blame is None for finding in found) if gate.blame is not None else False
        if student.value is None and not certain:
            if teacher is not None and teacher.value is None:
                left_out += 1
            else:
                assumed.append((case.id, 1.0))
            continue
        assumed.append((case.id, float(certain or unclear)))
        if not unclear:
            known.append((case.id, float(certain)))
    values = case_means(known)
    cases = tuple(dict.fromkeys(case for case, _ in known))
    evidence = Evidence(values, case_means(assumed), cases, count(pairs, left_out))
    return rule_on(
        gate,
        evidence,
        low=0.0,
        high=1.0,
        min_coverage=plan.config.min_coverage,
        paired=gate.blame is not None,
        cases=breaking(evidence, 0.0, upper=True),
    )


# -------------------------------------------------------------------------------------------------- against a baseline


def _against_figures(
    gate: Gate, plan: Plan, asked: Asked, baseline: Aggregate, judge: Judge, dimension: Dimension
) -> Ruling:
    """Against a leaderboard file, of which only the figures are known: the two means are taken as independent."""
    figure = _same_figure(baseline, plan, asked.store, judge, gate.dimension)
    evidence = of_values(pairs_of(asked, dimension.name), dimension.bad_end)
    low, high = dimension.ends
    stated = figure.interval()
    known = None if stated is None else at_confidence(stated, gate.confidence, dimension.low, dimension.high)
    best = figure.interval_with_missing_at(dimension.good_end, known)

    def worse(values: NDArray[np.float64] | None, theirs: Interval | None) -> Interval | None:
        if values is None:
            return None
        ours = mean_interval(values, confidence=gate.confidence, low=low, high=high)
        return independent_difference(*((theirs, ours) if dimension.higher_is_better else (ours, theirs)))

    lack = lack_of(gate, evidence.counts, plan.config.min_coverage, paired=False)
    if not lack and figure.share_scored < gate.min_scored:
        lack = f"only {figure.n_scored} of {figure.n_expected} cells of the baseline were scored"
    gaps = figure.n_scored < figure.n_expected
    cases: list[str] = []
    if figure.value is not None and gate.max_drop is not None:
        least = figure.value + (-gate.max_drop if dimension.higher_is_better else gate.max_drop)
        cases = breaking(evidence, least, upper=not dimension.higher_is_better)
    return dataclasses.replace(
        rule_on_interval(gate, worse(evidence.scored, known)),
        cases=tuple(cases),
        missing=f"{figure.n_scored} of {figure.n_expected} cells of the baseline were scored" if gaps else "",
        imputed=worse(evidence.imputed, best),
        counts=evidence.counts,
        lack=lack,
    )


def _check_comparable(baseline: RunReader, plan: Plan, judge: str) -> None:
    theirs = (baseline.meta("judges") or {}).get(judge)
    ours = next(j.fingerprint() for j in plan.judges if j.name == judge)
    if theirs != ours:
        _refuse(str(baseline.folder), f"the judge `{judge}` has changed")
    if baseline.meta("benchmark") != plan.benchmark_info.digest:
        _refuse(str(baseline.folder), "it asked another benchmark")


def _same_figure(baseline: Aggregate, plan: Plan, store: RunReader, judge: Judge, dimension: str) -> Figure:
    """The baseline's figure, if it is of the same cases and the same judge. Raises `ConfigError` if not."""
    entry, where = baseline.entry, str(baseline.path)
    if entry.benchmark_digest != plan.benchmark_info.digest:
        _refuse(where, "it asked another benchmark (its digest differs)")
    if entry.n_cases != store.n_cases() or entry.selected_cases != tuple(sorted(plan.config.cases)):
        _refuse(where, f"it asked {entry.n_cases} cases, this run {store.n_cases()}, or others of the suite")
    figure = baseline.figure(dimension)
    if figure is None:
        _refuse(where, f"it has no figure for `{dimension}`")
    if figure.judge_fingerprint != judge.fingerprint():
        said = "has another version, other settings or another model" if figure.judge_fingerprint else "is not told"
        _refuse(where, f"the judge of `{dimension}` {said}")
    if Undecided.INVALID_JUDGE in entry.undecided_by:
        _refuse(where, "a judge failed its controls in it")
    return figure


def _refuse(where: str, why: str) -> NoReturn:
    raise ConfigError(f"the baseline can't be compared with this run: {why}", where=where, hint="make a new baseline")
