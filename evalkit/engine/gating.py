"""The gates of a run: what each one bounds, case by case, and what it says."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evalkit.api.errors import ConfigError
from evalkit.api.records import Dimension, Role
from evalkit.api.results import GateResult, Interval, MetricResult
from evalkit.config.model import Gate, RunConfig
from evalkit.engine.plan import Plan
from evalkit.engine.set_metrics import metric_gate
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.run_reader import RunReader
from evalkit.verdict.aggregate import Aggregate, read_aggregate
from evalkit.verdict.blame import blame_verdicts
from evalkit.verdict.compare import difference_bounds, paired_differences
from evalkit.verdict.gates import check, check_interval

Reference = RunReader | Aggregate | None


def gate_results(
    plan: Plan, store: RunReader, baseline: Reference, flaky: frozenset[str], metrics: Sequence[MetricResult] = ()
) -> tuple[GateResult, ...]:
    """What every gate of the plan says of a run. Raises `ConfigError` for a baseline that can't be compared with it."""
    known = plan.metric_dimensions()
    return tuple(
        metric_gate(gate, known[gate.dimension], metrics)
        if gate.dimension in known
        else _result(gate, plan, store, baseline, flaky)
        for gate in plan.config.gates
    )


def open_reference(config: RunConfig) -> Reference:
    """The baseline of a config: a run, or the figures of a leaderboard file."""
    if config.baseline is None:
        return None
    return read_aggregate(config.baseline) if config.baseline.is_file() else RunReader(config.baseline)


def read_flaky(path: Path | None) -> frozenset[str]:
    """Ids of cases known to be unstable: a JSON list. Raises `ConfigError` if it is no such file."""
    if path is None:
        return frozenset()
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(ids, list) or not all(isinstance(case, str) for case in ids):
            raise ValueError("not a list of case ids")
    except (OSError, ValueError) as error:
        raise ConfigError(f"not a JSON list of case ids: {error}", where=str(path)) from error
    return frozenset(ids)


def _result(gate: Gate, plan: Plan, store: RunReader, baseline: Reference, flaky: frozenset[str]) -> GateResult:
    if gate.finding:
        return check(gate, _finding_rates(gate, store, flaky), low=0.0, high=1.0)
    judge, dimension = plan.dimensions()[gate.dimension]
    if gate.max_drop is None:
        return check(gate, _means(store, dimension, flaky), low=dimension.low, high=dimension.high)
    if gate.against == "baseline" and isinstance(baseline, Aggregate):
        _check_same(baseline, plan, gate.dimension, judge.version)
        theirs = baseline.figures[gate.dimension][0]
        ours = mean_interval(
            _means(store, dimension, flaky), confidence=theirs.confidence, low=dimension.low, high=dimension.high
        )
        worse = (
            independent_difference(theirs, ours) if dimension.higher_is_better else independent_difference(ours, theirs)
        )
        return check_interval(gate, worse)
    reference, role = store, Role.TEACHER
    if gate.against == "baseline" and isinstance(baseline, RunReader):
        _check_comparable(baseline, plan, judge.name)
        reference, role = baseline, Role.STUDENT
    differences = case_means(paired_differences(store, reference, role, dimension.name, flaky))
    low, high = difference_bounds(dimension)
    return check(gate, -differences if dimension.higher_is_better else differences, low=low, high=high)


def _means(
    store: RunReader, dimension: Dimension, flaky: frozenset[str]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    scores = store.scores(Role.STUDENT, dimension.name)
    return case_means((case, value) for case, _, value in scores if case not in flaky)


def _finding_rates(gate: Gate, store: RunReader, flaky: frozenset[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Per case, the share of its judged pictures with a finding of this kind (and blame)."""
    rates: dict[str, list[float]] = defaultdict(list)
    for idx, case in store.cases():
        for seed in range(store.meta("seeds") or 1) if case.id not in flaky else ():
            verdicts = blame_verdicts({role: store.verdicts(role, idx, seed) for role in Role})[Role.STUDENT]
            found = [finding for verdict in verdicts for finding in verdict.findings if finding.kind == gate.finding]
            if verdicts:
                rates[case.id].append(any(gate.blame in (None, finding.blame) for finding in found))
    return np.array([np.mean(values) for values in rates.values()], dtype=float)


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


def _check_comparable(baseline: RunReader, plan: Plan, judge: str) -> None:
    theirs = (baseline.meta("judges") or {}).get(judge)
    ours = next(j.fingerprint() for j in plan.judges if j.name == judge)
    if theirs != ours:
        _refuse(str(baseline.folder), f"the judge `{judge}` has changed")
    if baseline.meta("benchmark") != plan.benchmark_info.digest:
        _refuse(str(baseline.folder), "it asked another benchmark")


def _check_same(baseline: Aggregate, plan: Plan, dimension: str, judge_version: str) -> None:
    if (baseline.benchmark, baseline.benchmark_version) != (plan.benchmark_info.name, plan.benchmark_info.version):
        _refuse(str(baseline.path), "it is of another benchmark")
    if dimension not in baseline.figures:
        _refuse(str(baseline.path), f"it has no figure for `{dimension}`")
    if baseline.figures[dimension][1] != judge_version:
        _refuse(str(baseline.path), f"the judge of `{dimension}` has another version")


def _refuse(where: str, why: str) -> None:
    raise ConfigError(f"the baseline can't be compared with this run: {why}", where=where, hint="make a new baseline")
