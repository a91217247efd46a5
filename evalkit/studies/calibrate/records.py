"""What `evalkit judge calibrate` found, as data; `calibration.schema.json` beside this file is its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from evalkit.api.labels import Kind
from evalkit.api.results import Interval
from evalkit.stats.isotonic import IsotonicMapping
from evalkit.stats.ordinal import OrdinalMapping

_STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One measure of agreement; `None` where it is not defined.

    Args:
        measure: `alpha_ordinal`, `alpha_interval`, `alpha_nominal` (Krippendorff), `kappa` (quadratic weights),
            `same_level`, `rank_correlation` (Spearman), `pairwise_accuracy` (acc_eq with a calibrated tie).
        judge: of the judge with each person, the mean over people. Levels are those of the mapping fitted to other
            cases; the last two are of the judge's own scores, against the mean of the people.
        people: of each person with each other one, the mean over pairs (alpha: over all at once): the ceiling.
        baseline: of a judge that always gives the most common level.
        judge_interval: of `judge`, by resampling cases; approximate, and `None` where that can't be done.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    measure: str
    judge: float | None
    people: float | None
    baseline: float | None = None
    judge_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class PassFail:
    """The judge as a gatekeeper; people pass what they give `level` (in [0, 1]) or more on average.

    Args:
        threshold: the judge's score from which on it passes, fitted to all labels; `None` where none parts them.
        false_pass: share passed by the judge of what people fail; thresholds of other cases. Exact intervals that
            take pictures as independent.
        false_fail: share failed by the judge of what people pass.
        pass_rate: share of the pictures in the run that people would pass, prediction-powered.
        pass_rate_rogan_gladen: the same from the judge's pass rate and its two errors, a cross-check by other means.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    level: float
    threshold: float | None
    false_pass: Interval | None
    false_fail: Interval | None
    pass_rate: Interval | None = None
    pass_rate_rogan_gladen: Interval | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What people would say on average of all judged pictures, in [0, 1].

    Args:
        of: `student`, `teacher`, `student - teacher` (paired), or `pairs` (1: the student's is always better).
        estimate: prediction-powered, over cases; `labels_only` without the judge.
        judge: the judge's own mean over the same cases, in its own unit.
        weight: PPI++'s weight of the judge; 0 where it adds nothing.
        worth: how many labelled cases alone would be as precise; `None` where that can't be said.
        n_judged: cases the judge scored.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    of: str
    estimate: Interval
    labels_only: Interval
    judge: float
    weight: float
    worth: float | None
    n_judged: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """From the judge's score to what people would say, fitted to all labels.

    `error` is the mean absolute error on cases it was not fitted to, `error_of_mean` that of always saying the mean.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    mapping: Annotated[IsotonicMapping | OrdinalMapping, Field(discriminator="kind")]
    error: float
    error_of_mean: float


@dataclass(frozen=True, slots=True)
class DimensionCalibration:
    """One dimension, asked in one way. `too_few` says why nothing is said, else it is empty.

    `no_estimate` says why there are no estimates of the whole run, where there are none.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    judge: str
    judge_version: str
    kind: Kind
    n_labels: int
    n_pictures: int
    n_cases: int
    n_unscored: int
    raters: tuple[str, ...]
    too_few: str = ""
    agreement: tuple[Agreement, ...] = ()
    tie: float | None = None
    pass_fail: PassFail | None = None
    estimates: tuple[Estimate, ...] = ()
    no_estimate: str = ""
    mapped: Mapped | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """All of it. `warnings` are what a reader of the figures must know."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    benchmark: str
    run_digest: str
    created: str
    evalkit_version: str
    command: str
    dimensions: tuple[DimensionCalibration, ...]
    warnings: tuple[str, ...] = ()
