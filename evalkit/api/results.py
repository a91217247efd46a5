"""What a run says, as exporters and gates read it (ground floor).

`RunResults` is implemented by the store; it streams cases, so that a report of 10,000 of them takes the memory of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from evalkit.api.records import JSON, Case, Dimension, Role, Sample, Verdict


class Outcome(StrEnum):
    """The answer of the run."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


class Bucket(StrEnum):
    """What became of one case and seed against a baseline.

    A case *fails* where its student has a finding of severity 0.5 or more. `NEW_FAILURE`: it fails, and the baseline
    has no verdict on it. `INCOMPARABLE`: the case or a judge has changed, so that the two can't be compared.
    """

    REGRESSED = "regressed"
    FIXED = "fixed"
    NEW_FAILURE = "new failure"
    STILL_FAILING = "still failing"
    UNCHANGED = "unchanged"
    INCOMPARABLE = "incomparable"


FAILING_SEVERITY = 0.5
"""A finding this severe makes its case fail."""


class GateStatus(StrEnum):
    """`LOW_POWER`: the interval is too wide to say either; it warns and does not fail."""

    PASS = "pass"
    FAIL = "fail"
    LOW_POWER = "too little power to say"


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate with its confidence interval, over `n` clusters (cases).

    A bound is `None` where the data can't give one (a single case, say).
    """

    value: float
    low: float | None
    high: float | None
    n: int
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """One dimension of one role over the whole run. `estimate` is `None` where nothing was scored.

    `difference` is student minus teacher, paired by case and seed (on the student's row only, where a teacher ran).
    """

    role: Role
    judge: str
    judge_version: str
    dimension: Dimension
    n_expected: int
    n_scored: int
    estimate: Interval | None
    difference: Interval | None = None


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One figure over all pictures of `role`, against those of `reference`: the teacher, or a folder's name.

    `n_pictures` of the `n_expected` were measured. Without an estimate `reason` says why; `note` says what the interval
    means. The interval's `n` is the number of pictures.
    """

    metric: str
    metric_version: str
    dimension: Dimension
    role: Role
    reference: str
    n_pictures: int
    n_expected: int
    n_reference: int
    estimate: Interval | None
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one rule said: `rule` in words, `detail` with the figures that decided it.

    `interval` is what was compared with the bound, at the gate's confidence. `detectable` is the smallest difference
    this many cases would have shown 8 times in 10. `n_needed` is the number of cases at which this gate could have
    said pass or fail, where it could not (an estimate from this run's spread).
    """

    rule: str
    status: GateStatus
    detail: str
    dimension: str = ""
    interval: Interval | None = None
    detectable: float | None = None
    n_needed: int | None = None


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What one judge made of one control."""

    judge: str
    name: str
    rule: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GeneratorResult:
    """A generator's part in the run: medians over its pictures; `None` where unknown."""

    role: Role
    name: str
    licence: str
    hardware: str
    n_pictures: int
    n_errors: int
    nfe: int | None
    seconds_per_picture: float | None
    settings: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DimensionChange:
    """New minus baseline on one dimension, paired by case and seed.

    `group` is `all`, `category:<name>` or `task:<name>`. `p_value` is of the two-sided paired test, `p_adjusted` after
    correction over everything compared; both `None` where no test is possible.
    """

    dimension: str
    group: str
    higher_is_better: bool
    difference: Interval | None
    p_value: float | None = None
    p_adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against its baseline. `reasons` says why what is incomparable is, with the number of cases."""

    baseline: str
    baseline_created: str
    buckets: Mapping[Bucket, int]
    dimensions: tuple[DimensionChange, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What became of one case and seed; `reason` where it is incomparable."""

    bucket: Bucket
    reason: str = ""
    baseline_sample: Sample | None = None
    baseline_verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All of a run but its cases.

    `coverage` is scored cells / expected cells of the gated judges (abstentions count as covered: the judge looked).
    `reasons` says in words why the outcome is what it is.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    benchmark: str
    benchmark_version: str
    benchmark_digest: str
    created: str
    evalkit_version: str
    command: str
    n_cases: int
    seeds: int
    coverage: float
    generators: tuple[GeneratorResult, ...]
    dimensions: tuple[DimensionResult, ...]
    gates: tuple[GateResult, ...]
    controls: tuple[ControlResult, ...]
    finding_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """kind -> role (or blame, for the student's findings with a judged twin) -> number of findings."""
    config: Mapping[str, JSON] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    comparison: Comparison | None = None
    run_digest: str = ""
    """Digest of what the run store holds but its timings, by which a leaderboard entry can be checked."""
    flaky: tuple[str, ...] = ()
    """Ids of cases known to be unstable: they may warn, and are left out of the gates."""
    metrics: tuple[MetricResult, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case and seed: what each role drew, and what each judge said of it (findings carry their blame)."""

    case: Case
    seed: int
    samples: Mapping[Role, Sample]
    verdicts: Mapping[Role, tuple[Verdict, ...]]
    change: CaseChange | None = None


class RunResults(Protocol):
    """Read access to a finished run."""

    def summary(self) -> RunSummary: ...

    def cases(self) -> Iterator[CaseResult]:
        """Cases in suite order, seeds inside a case."""
        ...

    def picture_path(self, sample: Sample) -> Path:
        """The stored file of a sample that is `ok` (the baseline's samples included)."""
        ...
