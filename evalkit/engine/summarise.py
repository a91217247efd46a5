"""From the cells of a run to its answer: means with intervals, gates, coverage, outcome."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from evalkit.api.records import Dimension, Role
from evalkit.api.results import (
    ControlResult,
    DimensionResult,
    GateResult,
    GateStatus,
    GeneratorResult,
    Interval,
    Outcome,
)
from evalkit.engine.plan import Plan
from evalkit.formats.foreign_text import clean
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.run_reader import FINAL, RunReader
from evalkit.verdict.compare import difference_bounds, paired_differences

NO_GATE = "no gate configured: nothing could have failed this run"


def dimension_results(plan: Plan, store: RunReader) -> tuple[DimensionResult, ...]:
    """Every dimension of every role, the student's with its paired difference to the teacher."""
    counts = store.status_counts()
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
                    store.n_samples(role),
                    scored,
                    _mean(store, role, dimension),
                    _difference_to_teacher(store, dimension) if paired else None,
                )
            )
    return tuple(results)


def _mean(store: RunReader, role: Role, dimension: Dimension) -> Interval | None:
    """Mean of a dimension over the cases of a run."""
    values = case_means((case, value) for case, _, value in store.scores(role, dimension.name))
    return mean_interval(values, low=dimension.low, high=dimension.high)


def _difference_to_teacher(store: RunReader, dimension: Dimension) -> Interval | None:
    """Mean of student minus teacher over the cases and seeds that both scored."""
    low, high = difference_bounds(dimension)
    differences = case_means(paired_differences(store, store, Role.TEACHER, dimension.name))
    return mean_interval(differences, low=low, high=high)


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
    expected = sum(store.n_samples(role) for role in plan.generators) * len(plan.dimensions())
    names = plan.dimensions().keys()
    looked = sum(n for (_, name, status), n in store.status_counts().items() if status in FINAL and name in names)
    return looked / expected if expected else 0.0


def decide(
    covered: float,
    min_coverage: float,
    controls: Sequence[ControlResult],
    gate_outcomes: Sequence[GateResult],
    failure: str = "",
) -> tuple[Outcome, tuple[str, ...]]:
    """The answer, and why in words. What makes the run undecidable comes before what the gates say.

    `failure` is the most frequent reason why a cell has no verdict.
    """
    undecided = [f"judge invalid: {c.judge} failed the control `{c.name}` ({c.rule})" for c in controls if not c.passed]
    if covered < min_coverage:
        mostly = f", mostly for: {clean(failure, limit=160)}" if failure else ""
        undecided.append(f"coverage {covered:.1%} is below the limit of {min_coverage:.1%}{mostly}")
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
