"""The results of a run, as exporters and gates read them.

`RunResults` streams cases, so that a report of 10,000 cases takes the memory of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED
from evalkit.api.records import JSON, Case, Dimension, Role, Sample, Verdict


class Outcome(StrEnum):
    """The answer of a run. `PASSED`: every gate passed. `MEASURED`: no gate was configured, so nothing was decided."""

    PASSED = "passed"
    MEASURED = "measured"
    FAILED = "failed"
    UNDECIDED = "undecided"


class Bucket(StrEnum):
    """How one case and seed differs from the baseline.

    A case *fails* if the student's picture has a failure that is not inherited, or if a failed gate counted it.
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

    A bound is `None` if the data can't give one (a single case, for example).
    """

    value: float
    low: float | None
    high: float | None
    n: int
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """One dimension of one role over the whole run. `estimate` is `None` if nothing was scored.

    `difference` is student minus teacher, paired by case and seed; only the student's row has it.
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
    """One figure over all pictures of `role`, compared with those of `reference` (the teacher, or a folder's name).

    `n_pictures` of the `n_expected` were measured. `reason` says why there is no estimate; `note` says what the
    interval means. The `n` of the interval is the number of pictures.
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
    """Result of one gate: `rule` in words, `detail` with the figures that decided it.

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
    """Whether one judge passed one control.

    `dimensions` are those that the control speaks for (empty: all of the judge). If `made` is false, no control could
    be made: `rule` says why, and nothing is proven either way.
    """

    judge: str
    name: str
    rule: str
    passed: bool
    detail: str = ""
    dimensions: tuple[str, ...] = ()
    made: bool = True


@dataclass(frozen=True, slots=True)
class GeneratorResult:
    """One generator in the run: medians over its pictures, `None` if unknown.

    `timed_on` is what its seconds depend on (hardware, threads, batch size, torch, offloading); it is empty if that is
    unknown or not the same for all its pictures. Seconds are compared only where it is equal (`evalkit.api.timing`).
    `n_timed`: if not 0, the seconds were measured on so many pictures drawn anew for that (`evalkit run --time`).
    """

    role: Role
    name: str
    licence: str
    hardware: str
    n_pictures: int
    n_errors: int
    nfe: int | None
    seconds_per_picture: float | None
    settings: Mapping[str, JSON] = field(default_factory=dict)
    timed_on: Mapping[str, JSON] = field(default_factory=dict)
    n_timed: int = 0


@dataclass(frozen=True, slots=True)
class DimensionChange:
    """New minus baseline on one dimension, paired by case and seed.

    `group` is `all`, `category:<name>` or `task:<name>`. `p_value` is that of the two-sided paired test, `p_adjusted`
    is corrected for the number of comparisons; both are `None` if no test is possible.
    """

    dimension: str
    group: str
    higher_is_better: bool
    difference: Interval | None
    p_value: float | None = None
    p_adjusted: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against its baseline. `reasons`: why cases can't be compared, with the number of cases for each."""

    baseline: str
    baseline_created: str
    buckets: Mapping[Bucket, int]
    dimensions: tuple[DimensionChange, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseChange:
    """How one case and seed differs from the baseline; `reason` says why it can't be compared.

    `baseline_thumbnail` is `baseline_sample` with a small picture, where the baseline keeps no other: it is shown and
    never judged.
    """

    bucket: Bucket
    reason: str = ""
    baseline_sample: Sample | None = None
    baseline_verdicts: tuple[Verdict, ...] = ()
    baseline_thumbnail: Sample | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Everything about a run except its cases.

    `coverage` is the share of the expected cells of the gated judges that were judged (an abstention counts as judged).
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
    """kind -> role (for the student's findings with a judged twin: blame) -> number of findings."""
    config: Mapping[str, JSON] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    comparison: Comparison | None = None
    run_digest: str = ""
    """Digest of the run store without its timings, by which a leaderboard entry can be checked."""
    flaky: tuple[str, ...] = ()
    """Ids of cases that are known to be unstable: they may warn, and gates leave them out."""
    metrics: tuple[MetricResult, ...] = ()
    judges: Mapping[str, str] = field(default_factory=dict)
    """Judge name -> fingerprint, which covers its version, settings and model."""

    @property
    def exit_code(self) -> int:
        """The exit code of `evalkit run`.

        An undecided run ends with 0 only if every gate that is undecided is so for too few cases, and only warns.
        """
        if self.outcome is Outcome.FAILED:
            return EXIT_GATE_FAILED
        undecided = [gate for gate in self.gates if gate.status is GateStatus.UNDECIDED]
        if self.outcome is Outcome.UNDECIDED and not (undecided and all(gate.warns for gate in undecided)):
            return EXIT_UNDECIDED
        return EXIT_OK


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case and seed: the picture of each role and the verdicts on it (findings have their blame).

    `failed_gates` are the rules of the failed gates that counted this case against the student.
    """

    case: Case
    seed: int
    samples: Mapping[Role, Sample]
    verdicts: Mapping[Role, tuple[Verdict, ...]]
    change: CaseChange | None = None
    failed_gates: tuple[str, ...] = ()


class RunResults(Protocol):
    """Read access to a finished run."""

    def summary(self) -> RunSummary:
        """Everything about the run except its cases."""
        ...

    def cases(self) -> Iterator[CaseResult]:
        """The cases in suite order; for each case its seeds in order."""
        ...

    def picture_path(self, sample: Sample) -> Path:
        """The stored file of a sample that is `ok` (the baseline's samples and thumbnails included)."""
        ...
