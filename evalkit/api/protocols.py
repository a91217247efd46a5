"""What a plug-in must look like (ground floor). Each is found by name through an entry point of the group in brackets.

    Benchmark  [evalkit.benchmarks]   what to ask
    Generator  [evalkit.generators]   who answers
    Judge      [evalkit.judges]       who looks
    Metric     [evalkit.metrics]      a figure over a whole set of pictures
    Exporter   [evalkit.exporters]    what people and machines read

An entry point names a class with a `Settings` model (a subclass of `evalkit.api.settings.Settings`) that is called with
one instance of it. Its class docstring's first line is what `evalkit list` prints. Importing the class must be cheap:
torch, transformers, paddleocr and their like are imported in the method that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from evalkit.api.pictures import Picture
from evalkit.api.records import JSON, Case, Dimension, Generated, Request, Verdict
from evalkit.api.results import Interval, RunResults


@dataclass(frozen=True, slots=True)
class BenchmarkInfo:
    """What a benchmark is. `digest` changes whenever any case does."""

    name: str
    version: str
    digest: str
    description: str = ""
    licence: str = ""


class Benchmark(Protocol):
    """A named, versioned list of cases. `cases` streams: a suite of any length takes the memory of one case."""

    def info(self) -> BenchmarkInfo: ...

    def cases(self) -> Iterator[Case]:
        """The cases in a fixed order. Raises `SuiteError` naming file and line."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """What a generator is, for provenance: `name` for people, licence of the weights, device it runs on."""

    name: str
    licence: str = ""
    hardware: str = ""
    settings: Mapping[str, JSON] = field(default_factory=dict)


class Generator(Protocol):
    """Turns requests into pictures. Used from one thread. Loads nothing until `generate` is called first."""

    batch_size: int

    def info(self) -> GeneratorInfo: ...

    def fingerprint(self, case: Case) -> str:
        """Everything about the generator that determines the picture for `case`; a change of it regenerates."""
        ...

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        """One result per request, in order. A request that fails is `Generated(error=…)`, not an exception.

        Raises:
            UnavailableError: no request can succeed (no weights, no device, no server): the run stops, undecided.
        """
        ...

    def close(self) -> None:
        """Free memory and connections. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Control:
    """A picture whose right verdict is known in advance. `passes` gets the judge's verdict on it."""

    name: str
    rule: str
    case: Case
    picture: Picture
    passes: Callable[[Verdict], bool]
    twin: Picture | None = None


class Judge(Protocol):
    """Looks at one picture at a time. `concurrency` threads call `judge` at once (1 = not thread-safe).

    One that needs the device the generators are on may have a true attribute `after_generation`: it is then made only
    when they have been closed. Its `rest()`, if it has one, is called before they start: it frees that device.
    """

    name: str
    version: str
    dimensions: tuple[Dimension, ...]
    concurrency: int

    def fingerprint(self) -> str:
        """Name, version and every setting and model that can move a score."""
        ...

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        """One score per dimension of this judge; `unscored(reason)` where it abstains.

        `twin` is the teacher's picture of the same case and noise; `None` when the teacher itself is judged, or
        when there is no teacher.

        Raises:
            JudgeError: this picture could not be judged; the engine marks its cells `error`.
            UnavailableError: nothing can be judged (server gone, models missing).
        """
        ...

    def controls(self) -> Iterable[Control]:
        """Controls for this judge, drawn on the spot; the run is undecided if one of them fails."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PictureSet:
    """`n` pictures: a role's, or those of a reference folder. Each call of `pictures` streams (case id, picture)."""

    name: str
    n: int
    pictures: Callable[[], Iterator[tuple[str, Picture]]]


@dataclass(frozen=True, slots=True)
class SetFigure:
    """One figure of a metric. `reason` says why there is no estimate, `note` what the interval means.

    `pseudo_values` are the jackknife's, one per case. Where an estimate without bounds has them, the harness makes the
    interval, as it does for every mean over cases.
    """

    dimension: str
    estimate: Interval | None
    reason: str = ""
    note: str = ""
    pseudo_values: Sequence[float] = ()


class Metric(Protocol):
    """Compares a set of pictures with a reference set. Used from one thread, once all pictures are there.

    `reference` is a folder to compare with instead of the teacher's pictures. `least_for_gate` is the number of
    pictures below which none of its figures may fail a run.
    """

    name: str
    version: str
    dimensions: tuple[Dimension, ...]
    reference: Path | None
    least_for_gate: int

    def fingerprint(self) -> str:
        """Name, version and every setting and model that can move a figure."""
        ...

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Sequence[SetFigure]:
        """One figure per dimension of this metric. `twins`: both sets hold the same cases and seeds, in this order.

        Raises:
            PictureError: a picture of a reference folder can't be decoded.
            UnavailableError: models or packages are missing.
        """
        ...

    def close(self) -> None: ...


class Exporter(Protocol):
    """Writes one kind of output from a run's results."""

    def export(self, results: RunResults, out: Path) -> Path:
        """Write below the run folder `out`; the path of the file to open."""
        ...
