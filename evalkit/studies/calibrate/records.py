"""The records of a calibration; `calibration.schema.json` beside this file is their published schema."""

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
    """One measure of agreement; a figure that is not defined is `None`.

    Args:
        measure: `alpha_ordinal`, `alpha_interval`, `alpha_nominal` (Krippendorff), `kappa` (quadratic weights),
            `same_level`, `rank_correlation` (Spearman), `pairwise_accuracy` (acc_eq with a calibrated tie).
        judge: agreement of the judge with each person, averaged over people. Levels come from the mapping fitted to
            other cases; the last two measures use the judge's own scores and the mean of the people.
        people: agreement of each pair of people, averaged over pairs (alpha: of all people at once). It is the ceiling.
        baseline: agreement of a judge that always gives the most common level.
        judge_interval: approximate interval of `judge` by resampling cases; `None` if that is not possible.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    measure: str
    judge: float | None
    people: float | None
    baseline: float | None = None
    judge_interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class PassFail:
    """The judge as a gatekeeper. People pass a picture if they give it `level` (in [0, 1]) or more on average.

    Args:
        threshold: the judge's score at which it passes a picture, fitted to all labels; `None` if no threshold
            separates passes from fails.
        false_pass: share of the pictures failed by people that the judge passes, with thresholds fitted to other cases.
            The interval is exact and takes pictures as independent.
        false_fail: share of the pictures passed by people that the judge fails, likewise.
        pass_rate: share of the run's student pictures that people would pass; prediction-powered.
        pass_rate_rogan_gladen: the same share from the judge's pass rate and its two error rates, as a cross-check.
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
    """The mean that people would give to all pictures of the run that the dimension asks for, in [0, 1].

    Args:
        of: `student`, `teacher`, `student - teacher` (paired), or `pairs` (1: the student's is always better).
        estimate: prediction-powered mean over cases.
        labels_only: the mean of the labels, without the judge.
        judge: the judge's own mean over the cases that it scored, in its own unit; `None` if it scored none.
        weight: PPI++'s weight of the judge; 0 if the judge adds nothing.
        worth: how many labelled cases alone would be as precise; `None` if unknown.
        n_judged: number of cases that the judge scored.
        n_cases: number of cases that the estimate speaks for; those that the judge gave no score are among them.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    of: str
    estimate: Interval
    labels_only: Interval
    judge: float | None
    weight: float
    worth: float | None
    n_judged: int
    n_cases: int


@dataclass(frozen=True, slots=True)
class ScoreMapping:
    """The mapping from the judge's score to the value that people would give, fitted to all labels.

    `error` is the mean absolute error on cases that it was not fitted to; `error_of_mean` is the error of a mapping
    that always gives the mean.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    mapping: Annotated[IsotonicMapping | OrdinalMapping, Field(discriminator="kind")]
    error: float
    error_of_mean: float


@dataclass(frozen=True, slots=True)
class DimensionCalibration:
    """The figures of one dimension and one kind of question.

    `n_labels` counts all answers, `n_pictures` and `n_cases` what the judge scored too, and `n_unscored` the labelled
    pictures without a score: they are in the estimates and in nothing else. `too_few` says why nothing is said of the
    judge, and `no_estimate` why there are no estimates for the whole run; each
    is empty otherwise.
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
    mapped: ScoreMapping | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A whole calibration. `warnings` say what a reader of the figures must know."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    benchmark: str
    run_digest: str
    created: str
    evalkit_version: str
    command: str
    dimensions: tuple[DimensionCalibration, ...]
    warnings: tuple[str, ...] = ()
