"""What a run says, as exporters and gates read it (ground floor).

`RunResults` is implemented by the store; it streams cases, so that a report of 10,000 of them takes the memory of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from evalkit.api.records import JSON, Case, Dimension, Grade, Role, Sample, Verdict, grade_of


class Outcome(StrEnum):
    """The answer of the run. `MEASURED`: no gate was configured, so nothing was decided."""

    PASSED = "passed"
    MEASURED = "measured"
    FAILED = "failed"
    UNDECIDED = "undecided"


class Bucket(StrEnum):
    """What became of one case and seed against a baseline.

    A case *fails* where its student has a finding of grade `failure`, or where a failed gate counted it.
    `NEW_FAILURE`: it fails, and the baseline has no verdict on it. `INCOMPARABLE`: the case or a judge has changed, so
    that the two can't be compared.
    """

    REGRESSED = "regressed"
    FIXED = "fixed"
    NEW_FAILURE = "new failure"
    STILL_FAILING = "still failing"
    UNCHANGED = "unchanged"
    INCOMPARABLE = "incomparable"


class GateStatus(StrEnum):
    """`PASS`: the bound holds whatever the missing cells hold. `FAIL`: the scored cells alone break it."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"

    @classmethod
    def _missing_(cls, value: object) -> GateStatus | None:
        return cls.UNDECIDED if value == "too little power to say" else None  # as runs of version 0.1.0 say it


class Undecided(StrEnum):
    """Why a gate is undecided. Only `POWER` and `FAMILY` are about chance; all others are about missing evidence."""

    POWER = "too few cases"
    FAMILY = "the correction for several gates"
    EVIDENCE = "missing evidence"
    INVALID_JUDGE = "a judge that failed its controls"
    LIMITED = "a part of the suite"


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
class CellCounts:
    """The cells (case and seed) of one gate.

    Args:
        student: cells asked of the student; `student_scored` of them have a value.
        reference: cells asked of the teacher or the baseline; 0 where the gate has none.
        left_out: cells missing on both sides; they are in no figure.
        not_applicable: cells that the case does not ask for; they are not in `student`.
        failed: cells of the student without a verdict because a judge failed or there was no picture;
            `reference_failed` likewise.
        reason: the two commonest reasons why a cell is missing, each with the number of cells that have it.
    """

    student: int
    student_scored: int
    reference: int = 0
    reference_scored: int = 0
    left_out: int = 0
    not_applicable: int = 0
    failed: int = 0
    reference_failed: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one rule said: `rule` in words, `detail` with the figures that decided it.

    Args:
        interval: of the scored cells, at the gate's confidence; the gate fails on it.
        detectable: the smallest difference this many cases would have shown 8 times in 10.
        n_needed: where the gate had too few cases, the fewest and `n_needed_most` the most cases that would decide it
            8 times in 10, for true values inside of an 80 % interval; `None` where the interval does not tell.
        cause: why it is undecided.
        warns: whether being undecided for lack of cases only warns (`undecided: warn`).
        asked: how many cells were asked for, and how many of them were scored.
        imputed: the interval with every missing cell at its least favourable value; the gate passes on it.
        p_value: the smallest one-sided level at which the scored cells break the bound; `p_adjusted` is Holm's over
            all gates of the run, and the gate fails by that.
        cases: ids of the cases that a failed gate counted against the student.
    """

    rule: str
    status: GateStatus
    detail: str
    dimension: str = ""
    interval: Interval | None = None
    detectable: float | None = None
    n_needed: int | None = None
    n_needed_most: int | None = None
    cause: Undecided | None = None
    warns: bool = False
    asked: CellCounts | None = None
    imputed: Interval | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    cases: tuple[str, ...] = ()


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
    """One case and seed: what each role drew, and what each judge said of it (findings carry their blame).

    `failed_gates` are the rules of the failed gates that counted this case against the student.
    """

    case: Case
    seed: int
    samples: Mapping[Role, Sample]
    verdicts: Mapping[Role, tuple[Verdict, ...]]
    change: CaseChange | None = None
    failed_gates: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the case fails: the one meaning of failure that every report, list and comparison uses."""
        return fails(self.verdicts.get(Role.STUDENT, ()), self.failed_gates)


def fails(verdicts: Iterable[Verdict], failed_gates: Sequence[str] = ()) -> bool:
    """Whether a case fails: the student has a finding of grade `failure`, or a failed gate counted the case."""
    graded = (grade_of(finding) for verdict in verdicts for finding in verdict.findings)
    return bool(failed_gates) or any(grade is Grade.FAILURE for grade in graded)


def failed_gates_by_case(gates: Iterable[GateResult]) -> dict[str, tuple[str, ...]]:
    """Case id -> rules of the failed gates that counted it against the student."""
    rules: dict[str, tuple[str, ...]] = {}
    for gate in gates:
        for case in gate.cases if gate.status is GateStatus.FAIL else ():
            rules[case] = (*rules.get(case, ()), gate.rule)
    return rules


class RunResults(Protocol):
    """Read access to a finished run."""

    def summary(self) -> RunSummary: ...

    def cases(self) -> Iterator[CaseResult]:
        """Cases in suite order, seeds inside a case."""
        ...

    def picture_path(self, sample: Sample) -> Path:
        """The stored file of a sample that is `ok` (the baseline's samples included)."""
        ...
