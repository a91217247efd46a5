"""Turns a run into leaderboard entries."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.api.records import JSON
from evalkit.api.results import (
    DimensionResult,
    GateStatus,
    GeneratorResult,
    MetricResult,
    Outcome,
    RunSummary,
    Undecided,
)
from evalkit.formats.leaderboard import Difference, Entry, Figure, SetFigure


def entries_of(summary: RunSummary) -> tuple[Entry, ...]:
    """One entry per generator of a run, unranked and unsigned."""
    return tuple(_entry(generator, summary) for generator in summary.generators)


def _entry(generator: GeneratorResult, summary: RunSummary) -> Entry:
    engine = _engine(summary.config.get(generator.role.value))
    return Entry(
        generator=generator.name,
        role=generator.role,
        benchmark=summary.benchmark,
        benchmark_version=summary.benchmark_version,
        nfe=generator.nfe,
        seconds_per_picture=generator.seconds_per_picture,
        hardware=generator.hardware,
        licence=generator.licence,
        dimensions=tuple(_figure(result, summary) for result in summary.dimensions if result.role is generator.role),
        created=summary.created,
        outcome=summary.outcome,
        coverage=summary.coverage,
        benchmark_digest=summary.benchmark_digest,
        n_cases=summary.n_cases,
        seeds=summary.seeds,
        n_pictures=generator.n_pictures,
        n_errors=generator.n_errors,
        evalkit_version=summary.evalkit_version,
        command=summary.command,
        selected_cases=tuple(sorted(map(str, summary.config.get("cases") or ()))),
        engine=engine,
        engine_version=summary.environment.get(engine, ""),
        settings=dict(generator.settings),
        run_digest=summary.run_digest,
        metrics=tuple(_set_figure(result) for result in summary.metrics if result.role is generator.role),
        undecided_by=_undecided_by(summary),
    )


def _undecided_by(summary: RunSummary) -> tuple[Undecided, ...]:
    """Why a run is undecided, without repetition; empty where it is not, or where a gate does not say (old runs)."""
    if summary.outcome is not Outcome.UNDECIDED:
        return ()
    causes = {gate.cause for gate in summary.gates if gate.status is GateStatus.UNDECIDED}
    if None in causes:
        return ()
    if not all(control.passed for control in summary.controls):
        causes.add(Undecided.INVALID_JUDGE)
    return tuple(cause for cause in Undecided if cause in causes)


def _engine(spec: JSON) -> str:
    return str(spec.get("use", "")) if isinstance(spec, Mapping) else str(spec or "")


def _figure(result: DimensionResult, summary: RunSummary) -> Figure:
    estimate, dimension, change = result.estimate, result.dimension, result.difference
    return Figure(
        dimension=dimension.name,
        judge=result.judge,
        judge_version=result.judge_version,
        value=estimate.value if estimate else None,
        ci_low=estimate.low if estimate else None,
        ci_high=estimate.high if estimate else None,
        n_scored=result.n_scored,
        n_expected=result.n_expected,
        n_cases=estimate.n if estimate else 0,
        confidence=estimate.confidence if estimate else None,
        description=dimension.description,
        unit=dimension.unit,
        higher_is_better=dimension.higher_is_better,
        low=dimension.low,
        high=dimension.high,
        difference_to_teacher=Difference(change.value, change.low, change.high, change.confidence, change.n)
        if change
        else None,
        worst=dimension.worst,
        judge_fingerprint=summary.judges.get(result.judge, ""),
        failed_control=_failed_control(result, summary),
    )


def _failed_control(result: DimensionResult, summary: RunSummary) -> str:
    """The first control that the judge of a dimension failed; one that names no dimensions speaks for all of them."""
    names = (
        control.name
        for control in summary.controls
        if control.made and not control.passed and control.judge == result.judge
        if not control.dimensions or result.dimension.name in control.dimensions
    )
    return next(names, "")


def _set_figure(result: MetricResult) -> SetFigure:
    estimate, dimension = result.estimate, result.dimension
    return SetFigure(
        dimension=dimension.name,
        metric=result.metric,
        metric_version=result.metric_version,
        reference=result.reference,
        value=estimate.value if estimate else None,
        ci_low=estimate.low if estimate else None,
        ci_high=estimate.high if estimate else None,
        n_pictures=result.n_pictures,
        n_expected=result.n_expected,
        n_reference=result.n_reference,
        confidence=estimate.confidence if estimate else None,
        reason=result.reason,
        note=result.note,
        description=dimension.description,
        unit=dimension.unit,
        higher_is_better=dimension.higher_is_better,
    )
