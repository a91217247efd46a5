"""From the cells of a run to its answer: means with intervals, gates, coverage, outcome."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evalkit import gates
from evalkit.config.model import Gate
from evalkit.engine.plan import Plan
from evalkit.errors import ConfigError
from evalkit.records import Dimension, Role
from evalkit.results import (
    ControlResult,
    DimensionResult,
    GateResult,
    GateStatus,
    GeneratorResult,
    Interval,
    Outcome,
)
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.run_reader import FINAL, RunReader

NO_GATE = "no gate configured: nothing could have failed this run"


def dimension_results(plan: Plan, store: RunReader) -> tuple[DimensionResult, ...]:
    """Every dimension of every role, the student's with its paired difference to the teacher."""
    counts = store.status_counts()
    expected = store.n_cases() * len(plan.seeds)
    results = []
    for role in plan.generators:
        for judge, dimension in plan.dimensions().values():
            scored = sum(
                n
                for (r, name, status), n in counts.items()
                if (r, name, status.value) == (role, dimension.name, "scored")
            )
            paired = role is Role.STUDENT and Role.TEACHER in plan.generators
            results.append(
                DimensionResult(
                    role,
                    judge.name,
                    judge.version,
                    dimension,
                    expected,
                    scored,
                    mean(store, role, dimension),
                    paired_difference(store, store, Role.TEACHER, dimension) if paired else None,
                )
            )
    return tuple(results)


def mean(store: RunReader, role: Role, dimension: Dimension, confidence: float = 0.95) -> Interval | None:
    """Mean of a dimension over the cases of a run."""
    values = case_means((case, value) for case, _, value in store.scores(role, dimension.name))
    return mean_interval(values, confidence=confidence, low=dimension.low, high=dimension.high)


def paired_difference(
    store: RunReader, reference: RunReader, reference_role: Role, dimension: Dimension, confidence: float = 0.95
) -> Interval | None:
    """Mean of student minus reference over the cases and seeds that both scored."""
    base = {(case, seed): value for case, seed, value in reference.scores(reference_role, dimension.name)}
    values = case_means(
        (case, value - base[case, seed])
        for case, seed, value in store.scores(Role.STUDENT, dimension.name)
        if (case, seed) in base
    )
    width = None if dimension.low is None or dimension.high is None else dimension.high - dimension.low
    return mean_interval(values, confidence=confidence, low=None if width is None else -width, high=width)


def gate_results(plan: Plan, store: RunReader) -> tuple[GateResult, ...]:
    """What every gate says. Raises `ConfigError` for a baseline that can't be compared with this run."""
    baseline = _open_baseline(plan) if any(gate.against == "baseline" for gate in plan.config.gates) else None
    try:
        return tuple(_gate_result(gate, plan, store, baseline) for gate in plan.config.gates)
    finally:
        if baseline:
            baseline.close()


def _gate_result(gate: Gate, plan: Plan, store: RunReader, baseline: RunReader | None) -> GateResult:
    dimension = plan.dimensions()[gate.dimension][1]
    difference = None
    if gate.max_drop is not None:
        reference, role = (baseline, Role.STUDENT) if gate.against == "baseline" and baseline else (store, Role.TEACHER)
        difference = paired_difference(store, reference, role, dimension, gate.confidence)
    return gates.check(gate, dimension, mean(store, Role.STUDENT, dimension, gate.confidence), difference)


def _open_baseline(plan: Plan) -> RunReader:
    folder = plan.config.baseline or Path()
    baseline = RunReader(folder)
    theirs, ours = baseline.meta("judges") or {}, judge_fingerprints(plan)
    wanted = {plan.dimensions()[gate.dimension][0].name for gate in plan.config.gates if gate.against == "baseline"}
    changed = sorted(name for name in wanted if theirs.get(name) != ours[name])
    if changed or baseline.meta("benchmark") != plan.benchmark_info.digest:
        baseline.close()
        what = f"the judge `{changed[0]}` has changed" if changed else "it asked another benchmark"
        raise ConfigError(
            f"the baseline can't be compared with this run: {what}", where=str(folder), hint="make a new baseline"
        )
    return baseline


def judge_fingerprints(plan: Plan) -> dict[str, str]:
    """Judge name -> fingerprint."""
    return {judge.name: judge.fingerprint() for judge in plan.judges}


def generator_results(plan: Plan, store: RunReader) -> tuple[GeneratorResult, ...]:
    """What each generator delivered: medians over its pictures."""
    results = []
    for role, generator in plan.generators.items():
        info, n_ok, n_error = generator.info(), 0, 0
        nfes: list[int] = []
        seconds: list[float] = []
        for sample in store.samples(role):
            n_ok, n_error = n_ok + sample.ok, n_error + (not sample.ok)
            nfes += [sample.nfe] if sample.nfe is not None else []
            seconds += [sample.seconds] if sample.seconds is not None else []
        results.append(
            GeneratorResult(
                role,
                info.name,
                info.licence,
                info.hardware,
                n_ok,
                n_error,
                int(statistics.median(nfes)) if nfes else None,
                float(np.median(seconds)) if seconds else None,
                info.settings,
            )
        )
    return tuple(results)


def coverage(plan: Plan, store: RunReader) -> float:
    """Share of cells a judge has looked at (scored or abstained) among all cells of the plan."""
    expected = store.n_cases() * len(plan.seeds) * len(plan.generators) * len(plan.dimensions())
    names = plan.dimensions().keys()
    looked = sum(n for (_, name, status), n in store.status_counts().items() if status in FINAL and name in names)
    return looked / expected if expected else 0.0


def decide(
    covered: float,
    min_coverage: float,
    controls: Sequence[ControlResult],
    gate_outcomes: Sequence[GateResult],
) -> tuple[Outcome, tuple[str, ...]]:
    """The answer, and why in words. What makes the run undecidable comes before what the gates say."""
    undecided = [f"judge invalid: {c.judge} failed the control `{c.name}` ({c.rule})" for c in controls if not c.passed]
    if covered < min_coverage:
        undecided.append(f"coverage {covered:.1%} is below the limit of {min_coverage:.1%}")
    if undecided:
        return Outcome.UNDECIDED, tuple(undecided)
    failed = [f"gate failed: {g.rule}: {g.detail}" for g in gate_outcomes if g.status is GateStatus.FAIL]
    if failed:
        return Outcome.FAILED, tuple(failed)
    if not gate_outcomes:
        return Outcome.PASSED, (NO_GATE,)
    weak = [f"too little power to say: {g.rule}: {g.detail}" for g in gate_outcomes if g.status is GateStatus.LOW_POWER]
    n = sum(g.status is GateStatus.PASS for g in gate_outcomes)
    return Outcome.PASSED, (f"{n} of {len(gate_outcomes)} gates passed", *weak)
