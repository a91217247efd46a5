"""The contracts of the plug-ins. Each is found by name through an entry point of the group in brackets.

    Benchmark  [evalkit.benchmarks]   says what to ask
    Generator  [evalkit.generators]   makes the pictures
    Judge      [evalkit.judges]       looks at one picture at a time
    Metric     [evalkit.metrics]      compares whole sets of pictures
    Exporter   [evalkit.exporters]    writes the results for people and machines

An entry point names a class. The class has a `Settings` model (a subclass of `evalkit.api.Settings`), and its
constructor takes one instance of that. `evalkit list` prints the first line of its docstring. Importing the class and
creating an instance must be cheap: import torch, transformers and the like in the method that needs them. The optional
class attribute `plugin_api` says for which version of these contracts the class was written (`evalkit.api.PLUGIN_API`).

evalkit checks a class against its contract when it loads it; `evalkit.testing` checks it in use. A complete judge:

>>> from evalkit.api import Control, Dimension, Score, Settings, Status, Verdict, digest
>>> class BrightnessJudge:
...     '''Scores the mean brightness of a picture.'''
...
...     class Settings(Settings):
...         floor: float = 0.0
...
...     name = "brightness"
...     version = "1"
...     dimensions = (Dimension("brightness", "mean level of the picture"),)
...     concurrency = 4
...
...     def __init__(self, settings):
...         self.settings = settings
...
...     def fingerprint(self):
...         return digest(self.name, self.version, self.settings.model_dump())
...
...     def judge(self, picture, case, twin):
...         value = max(self.settings.floor, float(picture.pixels.mean()) / 255)
...         return Verdict(self.name, (Score("brightness", Status.SCORED, value),))
...
...     def controls(self):
...         black = Picture.from_pixels(np.zeros((16, 16, 3), np.uint8))
...         yield Control("black", "black scores 0", Case("black", ""), black, lambda v: v.scores[0].value == 0)
...
...     def close(self):
...         pass
>>> import numpy as np
>>> from evalkit.testing import check_judge
>>> check_judge(BrightnessJudge)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evalkit.api.pictures import Picture
from evalkit.api.records import JSON, Case, Dimension, Generated, Request, Verdict
from evalkit.api.results import Interval, RunResults


@dataclass(frozen=True, slots=True)
class BenchmarkInfo:
    """Name, version and licence of a benchmark. `digest` changes whenever any case changes."""

    name: str
    version: str
    digest: str
    description: str = ""
    licence: str = ""


class Benchmark(Protocol):
    """A named, versioned list of cases. `cases` streams, so that a suite of any length takes the memory of one case."""

    def info(self) -> BenchmarkInfo:
        """Name, version and digest; the same at every call."""
        ...

    def cases(self) -> Iterator[Case]:
        """The cases in a fixed order, each with an id of its own. Raises `SuiteError` that names file and line."""
        ...


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """Provenance of a generator: a name for people, licence of the weights, device it runs on, settings."""

    name: str
    licence: str = ""
    hardware: str = ""
    settings: Mapping[str, JSON] = field(default_factory=dict)


class Generator(Protocol):
    """Turns requests into pictures. Used from one thread. Loads nothing before the first call of `generate`."""

    batch_size: int
    """How many requests `generate` is given at once, at most; 1 or more."""

    def info(self) -> GeneratorInfo:
        """Provenance for the reports."""
        ...

    def fingerprint(self, case: Case) -> str:
        """A digest of everything about the generator that determines the picture for `case`.

        If it changes, the picture is generated again.
        """
        ...

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        """One result per request, in the same order. A request that fails gives `Generated(error=…)`, not an exception.

        Raises:
            UnavailableError: no request can succeed (no weights, no device, no server); the run stops undecided.
        """
        ...

    def close(self) -> None:
        """Free memory and connections. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Control:
    """A picture whose right verdict is known in advance.

    Args:
        name: unique among the controls of the judge.
        rule: what the right verdict is, in words.
        case: the case that the judge gets with the picture.
        passes: whether the judge's verdict is the right one.
        twin: the teacher's picture, if the control has one.
        dimensions: the dimensions that the control speaks for; a wrong verdict makes only these invalid. Empty: all
            dimensions of the judge.
    """

    name: str
    rule: str
    case: Case
    picture: Picture
    passes: Callable[[Verdict], bool]
    twin: Picture | None = None
    dimensions: tuple[str, ...] = ()


class Judge(Protocol):
    """Looks at one picture at a time. It lives in a process of its own."""

    name: str
    version: str
    concurrency: int
    """How many threads call `judge` at once; 1 if it is not thread-safe."""
    if TYPE_CHECKING:  # read only, so that a class may leave the type of `dimensions = (Dimension(…),)` to the checker

        @property
        def dimensions(self) -> tuple[Dimension, ...]:
            """What it measures, the most important first; names are unique in a run."""
            ...

    else:
        dimensions: tuple[Dimension, ...]

    def fingerprint(self) -> str:
        """A digest of name, version and every setting and model that can change a score."""
        ...

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        """One score per dimension of this judge; `unscored(reason)` where it abstains.

        `twin` is the teacher's picture of the same case and noise. It is `None` when the teacher itself is judged, or
        when there is no teacher.

        Raises:
            JudgeError: this picture can't be judged; its cells are marked `error` and the run goes on.
            UnavailableError: no picture can be judged (server gone, models missing); the run stops undecided.
        """
        ...

    def controls(self) -> Iterable[Control]:
        """Pictures on which this judge must give the known verdict; the run is undecided if one of them fails."""
        ...

    def close(self) -> None:
        """Free memory, processes and connections. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The `n` pictures of a role or of a reference folder. Each call of `pictures` streams (case id, picture)."""

    name: str
    n: int
    pictures: Callable[[], Iterator[tuple[str, Picture]]]


@dataclass(frozen=True, slots=True)
class SetFigure:
    """One figure of a metric. `reason` says why there is no estimate, `note` says what the interval means.

    `pseudo_values` are those of the jackknife, one per case. If the estimate has no bounds, evalkit computes the
    confidence interval from them, as for every mean over cases.
    """

    dimension: str
    estimate: Interval | None
    reason: str = ""
    note: str = ""
    pseudo_values: Sequence[float] = ()


class Metric(Protocol):
    """Compares a set of pictures with a reference set. Used from one thread, when all pictures are there."""

    name: str
    version: str
    least_for_gate: int
    """With fewer pictures than this, none of its figures can fail a run."""
    if TYPE_CHECKING:  # read only, as those of a judge

        @property
        def dimensions(self) -> tuple[Dimension, ...]:
            """What it measures, the most important first; names are unique in a run."""
            ...

        @property
        def reference(self) -> Path | None:
            """A folder of pictures to compare with; `None`: the teacher's pictures."""
            ...

    else:
        dimensions: tuple[Dimension, ...]
        reference: Path | None

    def fingerprint(self) -> str:
        """A digest of name, version and every setting and model that can change a figure."""
        ...

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Sequence[SetFigure]:
        """One figure per dimension of this metric. `twins`: both sets hold the same cases and seeds in the same order.

        Raises:
            PictureError: a picture of a reference folder can't be decoded.
            UnavailableError: models or packages are missing.
        """
        ...

    def close(self) -> None:
        """Free memory. May be called twice."""
        ...


class Exporter(Protocol):
    """Writes the results of a run in one format."""

    def export(self, results: RunResults, out: Path) -> Path:
        """Write into the run folder `out` and return the path of the file to open."""
        ...
