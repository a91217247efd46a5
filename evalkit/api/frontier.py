"""Quality against cost of a student and its teacher at several step counts, as data.

One `Point` is one generator at one number of steps, measured by an ordinary run. Cost is counted and timed (NFE by a
hook, seconds per picture); it is never the number of steps that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from evalkit.api.records import Dimension, Role, Task
from evalkit.api.results import DimensionChange, Interval, Outcome

Cost = Literal["nfe", "seconds"]
COSTS: tuple[Cost, ...] = ("nfe", "seconds")
_STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True, slots=True)
class Figure:
    """One dimension of one point: its mean over the cases, and its difference from the reference.

    `estimate` is `None` if nothing was scored. `change` is the point minus the teacher at its most steps, paired by
    case and noise, with a p-value adjusted over all points and dimensions; `None` for the reference itself.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: Dimension
    judge: str
    judge_version: str
    n_scored: int
    n_expected: int
    estimate: Interval | None
    change: DimensionChange | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One generator at one number of steps.

    Args:
        name: role and steps asked for, unique: `student-04`, `teacher-10`.
        steps: `num_inference_steps` as asked for.
        reference: true for the teacher at its most steps, from which all differences are taken.
        nfe: median over the pictures of the counted evaluations, `None` if they could not be counted;
            `nfe_least` and `nfe_most` are the range.
        seconds: median seconds per picture, `None` if unknown; `seconds_low` and `seconds_high` are quartiles.
        n_timed: if not 0, the seconds were measured on so many pictures drawn anew for that (`--time`).
        sigmas: the schedule of the first picture, if the generator notes it.
        run: folder of the run, relative to the folder of the sweep.
        figures: the dimensions of the judges, in their order.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: str
    role: Role
    steps: int
    reference: bool
    generator: str
    hardware: str
    nfe: int | None
    nfe_least: int | None
    nfe_most: int | None
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    n_pictures: int
    n_errors: int
    sigmas: tuple[float, ...]
    run: str
    outcome: Outcome
    reasons: tuple[str, ...]
    figures: tuple[Figure, ...]
    n_timed: int = 0

    def cost(self, cost: Cost) -> float | None:
        """NFE or seconds per picture."""
        return self.nfe if cost == "nfe" else self.seconds

    def figure(self, dimension: str) -> Figure | None:
        """The figure of a dimension."""
        return next((figure for figure in self.figures if figure.dimension.name == dimension), None)


@dataclass(frozen=True, slots=True)
class PointPicture:
    """The picture of one point for one case, by its hash and suffix, or the reason why there is none (`error`)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    point: str
    sha256: str
    suffix: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """One case across all points, from the same noise."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    case_id: str
    prompt: str
    task: Task
    pictures: tuple[PointPicture, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """Names of the points that no other point beats on one dimension at its cost, cheapest first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    dimension: str
    cost: Cost
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frontier:
    """A whole sweep. `main` names the dimensions to show first. `points` come student first, fewest steps first."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    benchmark: str
    benchmark_version: str
    benchmark_digest: str
    created: str
    evalkit_version: str
    command: str
    n_cases: int
    seeds: int
    main: tuple[str, ...]
    points: tuple[Point, ...]
    fronts: tuple[Front, ...]
    strips: tuple[Strip, ...]

    def front(self, dimension: str, cost: Cost) -> tuple[str, ...]:
        """Names of the Pareto-optimal points."""
        found = (front.points for front in self.fronts if (front.dimension, front.cost) == (dimension, cost))
        return next(found, ())

    def dimensions(self) -> list[Dimension]:
        """Every dimension, the main ones first."""
        known = {figure.dimension.name: figure.dimension for point in self.points for figure in point.figures}
        return [known[name] for name in (*self.main, *(name for name in known if name not in self.main))]


class Offer(NamedTuple):
    """The value of a point and its cost."""

    name: str
    cost: float
    value: float


def pareto(offers: Iterable[Offer], higher_is_better: bool) -> tuple[str, ...]:
    """Names of the Pareto-optimal offers, cheapest first.

    An offer is beaten by another that costs no more and is no worse, and is better in at least one of the two. Only
    the estimates are compared; whether a difference is significant is for the intervals to say.
    """
    sign = 1 if higher_is_better else -1
    ranked = sorted(offers, key=lambda offer: (offer.cost, -sign * offer.value))

    def beaten(offer: Offer) -> bool:
        return any(
            other.cost <= offer.cost
            and sign * other.value >= sign * offer.value
            and (other.cost, other.value) != (offer.cost, offer.value)
            for other in ranked
        )

    return tuple(offer.name for offer in ranked if not beaten(offer))


def fronts(points: Sequence[Point]) -> tuple[Front, ...]:
    """The Pareto front of every dimension for every cost, over the points of both roles that have both figures."""
    dimensions = {figure.dimension.name: figure.dimension for point in points for figure in point.figures}
    found = []
    for name, dimension in dimensions.items():
        for cost in COSTS:
            offers = [
                Offer(point.name, paid, figure.estimate.value)
                for point in points
                if (paid := point.cost(cost)) is not None and (figure := point.figure(name)) and figure.estimate
            ]
            if offers:
                found.append(Front(name, cost, pareto(offers, dimension.higher_is_better)))
    return tuple(found)


def main_dimensions(figures: Sequence[Figure]) -> tuple[str, ...]:
    """The first dimension of each judge: a judge lists its most important dimension first."""
    first: dict[str, str] = {}
    for figure in figures:
        first.setdefault(figure.judge, figure.dimension.name)
    return tuple(first.values())
