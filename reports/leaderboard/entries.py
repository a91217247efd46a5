"""The records of a leaderboard, and how a run becomes entries. Their JSON is described in `schema.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from evalkit.api.records import JSON, Dimension, Role
from evalkit.api.results import DimensionResult, GeneratorResult, Interval, MetricResult, Outcome, RunSummary

_STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class Difference:
    """Student minus teacher, paired by case and seed; a bound is `None` where the data give none."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    value: float
    ci_low: float | None
    ci_high: float | None
    confidence: float
    n_cases: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One dimension of one judge over all pictures of an entry. A missing value is `None`; the counts say why.

    `low` and `high` bound the dimension (`None`: unbounded). `n_cases` is the number of cases behind the interval.
    `rank` and `tied` hold among the entries of one file (`reports.leaderboard.ranks`).

    Raises:
        ValueError: a value of which nothing was scored, bounds without a value, or bounds in the wrong order.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    judge: str
    judge_version: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n_scored: int
    n_expected: int
    n_cases: int = 0
    confidence: float | None = None
    description: str = ""
    unit: str = ""
    higher_is_better: bool = True
    low: float | None = None
    high: float | None = None
    difference_to_teacher: Difference | None = None
    rank: int | None = None
    tied: bool = False

    def __post_init__(self) -> None:
        if self.value is None and (self.ci_low is not None or self.ci_high is not None):
            raise ValueError(f"{self.dimension}: an interval without a value")
        if self.value is not None and self.n_scored < 1:
            raise ValueError(f"{self.dimension}: a value, but nothing was scored")
        if self.ci_low is not None and self.ci_high is not None and self.ci_low > self.ci_high:
            raise ValueError(f"{self.dimension}: ci_low {self.ci_low} is above ci_high {self.ci_high}")

    def scale(self) -> Dimension:
        """The dimension as judges declare it."""
        return Dimension(self.dimension, self.description, self.higher_is_better, self.unit, self.low, self.high)

    def interval(self) -> Interval | None:
        """The value with its interval, `None` where nothing was scored."""
        if self.value is None:
            return None
        return Interval(self.value, self.ci_low, self.ci_high, self.n_cases, self.confidence or 0.95)


@dataclass(frozen=True, slots=True)
class SetFigure:
    """One figure of a metric over all pictures of an entry, against a reference set. Never ranked.

    `reason` says why there is no value, `note` what the interval means.

    Raises:
        ValueError: neither a value nor a reason, bounds without a value, or bounds in the wrong order.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    metric: str
    metric_version: str
    reference: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    n_pictures: int
    n_expected: int
    n_reference: int
    confidence: float | None = None
    reason: str = ""
    note: str = ""
    description: str = ""
    unit: str = ""
    higher_is_better: bool = False

    def __post_init__(self) -> None:
        if self.value is None and (not self.reason or self.ci_low is not None or self.ci_high is not None):
            raise ValueError(f"{self.dimension}: no value takes a reason and no interval")
        if self.ci_low is not None and self.ci_high is not None and self.ci_low > self.ci_high:
            raise ValueError(f"{self.dimension}: ci_low {self.ci_low} is above ci_high {self.ci_high}")


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature over an entry; key and value are base64."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    algorithm: str
    public_key: str
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One generator in one role, in one run.

    `selected_cases` are the ids a run was restricted to by name; empty for all (or, by `n_cases`, the first) cases.
    `engine` is the plug-in that drew the pictures. `run_digest` is `evalkit.store.fingerprint.run_digest`, empty
    where it has not been computed.

    Raises:
        ValueError: a `created` that is no ISO 8601 time.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    generator: str
    role: Role
    benchmark: str
    benchmark_version: str
    nfe: int | None
    seconds_per_picture: float | None
    hardware: str
    licence: str
    dimensions: tuple[Figure, ...]
    created: str
    outcome: Outcome
    coverage: float
    benchmark_digest: str
    n_cases: int
    seeds: int
    n_pictures: int
    n_errors: int
    evalkit_version: str = ""
    command: str = ""
    selected_cases: tuple[str, ...] = ()
    engine: str = ""
    engine_version: str = ""
    settings: Mapping[str, JSON] = field(default_factory=dict)
    run_digest: str = ""
    metrics: tuple[SetFigure, ...] = ()
    signature: Signature | None = None

    def __post_init__(self) -> None:
        self.when()

    def when(self) -> datetime:
        """When the run was made; a time without a zone is taken as UTC."""
        made = datetime.fromisoformat(self.created)
        return made if made.tzinfo else made.replace(tzinfo=UTC)

    def figure(self, dimension: str) -> Figure | None:
        """The figure on a dimension, `None` where it was not judged."""
        return next((f for f in self.dimensions if f.dimension == dimension), None)

    def label(self) -> str:
        """Name and role, as messages show them."""
        return f"{self.generator} ({self.role.value})"


def claim(entry: Entry) -> JSON:
    """An entry as JSON without its ranks, which depend on the other entries, and without its signature."""
    content = dataclasses.asdict(entry)
    del content["signature"]
    if not content["metrics"]:  # as before there were any: signatures made then stay valid
        del content["metrics"]
    for figure in content["dimensions"]:
        del figure["rank"], figure["tied"]
    return content


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
        dimensions=tuple(_figure(result) for result in summary.dimensions if result.role is generator.role),
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
    )


def _engine(spec: JSON) -> str:
    return str(spec.get("use", "")) if isinstance(spec, Mapping) else str(spec or "")


def _figure(result: DimensionResult) -> Figure:
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
    )


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
