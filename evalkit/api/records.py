"""The records that all parts of evalkit exchange: what is asked, what is generated and what is judged.

    Case ─▶ Request ─▶ Generated ─▶ Sample ─▶ Verdict(Score…, Finding…)

All records are frozen dataclasses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from evalkit.api.findings import DEFECT_FROM as DEFECT_FROM
from evalkit.api.findings import FAILURE_FROM as FAILURE_FROM
from evalkit.api.findings import JSON as JSON
from evalkit.api.findings import Blame as Blame
from evalkit.api.findings import Finding as Finding
from evalkit.api.findings import FindingKind as FindingKind
from evalkit.api.findings import Grade as Grade
from evalkit.api.findings import grade_of as grade_of
from evalkit.api.geometry import RGB as RGB
from evalkit.api.geometry import Box as Box

_CASE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_STRICT: dict[str, str] = {"extra": "forbid"}


class Task(StrEnum):
    """What a case asks for."""

    T2I = "t2i"
    EDIT = "edit"


class Role(StrEnum):
    """The part a generator plays in a run."""

    STUDENT = "student"
    TEACHER = "teacher"


class Status(StrEnum):
    """State of the score of one judge on one dimension of one picture.

    `UNSCORED`: the judge looked and abstained. `ERROR`: it failed. `SKIPPED`: there is no picture.
    """

    SCORED = "scored"
    UNSCORED = "unscored"
    ERROR = "error"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not-applicable"
    """The case does not ask for this, which is known before any picture: the cell is in no denominator."""


# ---------------------------------------------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class TextTarget:
    """One string that the picture must show.

    `box` is where it must stand (pixels of the case's canvas), `None` if the case does not say. `role` is the part it
    plays in the design (`title`, `button`, `caption`, …).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    text: str
    box: Box | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the declared layout. `kind` is `text`, `panel`, `shape`, `icon`, `portrait`, `rule`, …"""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    kind: str
    box: Box
    color: RGB | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that must hold between elements of the layout, which are named by their ids.

    Kinds: `above`, `left-of`, `inside`, `aligned-left`, `aligned-right`, `aligned-center`, `aligned-top`,
    `evenly-spaced`, `no-overlap`, `reading-order`, `centered` (each is centred on the canvas), `margin` (no element is
    nearer to an edge of the canvas than the nearest one was declared) and `count` (all elements are there, and no other
    like them).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: str
    elements: tuple[str, ...]
    tolerance_px: float = 2.0


@dataclass(frozen=True, slots=True)
class Background:
    """What the background of the picture must be: `solid`, `gradient` or `other`.

    `flat_regions` are boxes that hold nothing but background. `texture_wanted` is true if the prompt asks for grain
    (film, paper); grain is then not a defect.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: str = "other"
    colors: tuple[RGB, ...] = ()
    flat_regions: tuple[Box, ...] = ()
    texture_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A yes/no question, asked only if those it depends on (`depends_on`, by id) were answered as expected."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    text: str
    expected: bool = True
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceImage:
    """The picture from which an `edit` case starts. The hash makes its content a part of the case."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask of a model, and what must be true of the picture.

    `width` and `height` are in pixels. `category` groups cases in reports. `extra` holds JSON that only one suite or
    generator understands (for example the recipe of a procedural scene); a generator may depend on it.

    >>> Case("posters/0001", "a poster that says SALE", texts=(TextTarget("SALE"),)).task
    <Task.T2I: 't2i'>
    >>> Case("../outside", "")
    Traceback (most recent call last):
    ValueError: case id '../outside': letters, digits, '_', '-', '.', '/' only, and no '..'

    Raises:
        ValueError: an id that could leave the run folder, a size that is not positive, or an edit without a source.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    prompt: str
    task: Task = Task.T2I
    width: int = 1024
    height: int = 1024
    category: str = ""
    texts: tuple[TextTarget, ...] = ()
    elements: tuple[Element, ...] = ()
    relations: tuple[Relation, ...] = ()
    background: Background = field(default_factory=Background)
    checklist: tuple[Question, ...] = ()
    source: SourceImage | None = None
    tags: tuple[str, ...] = ()
    extra: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.id) > 200 or not _CASE_ID.fullmatch(self.id) or ".." in self.id:
            raise ValueError(f"case id {self.id!r}: letters, digits, '_', '-', '.', '/' only, and no '..'")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"case {self.id}: size {self.width}x{self.height} is not positive")
        if self.task is Task.EDIT and self.source is None:
            raise ValueError(f"case {self.id}: an edit case needs a source image")


# ------------------------------------------------------------------------------------------------ what is generated


@dataclass(frozen=True, slots=True)
class Request:
    """One picture to make. `noise_seed` seeds the initial noise on the CPU; it is the same for student and teacher."""

    case: Case
    seed: int
    noise_seed: int


@dataclass(frozen=True, slots=True)
class Generated:
    """The result of a generator for one request: either `image` or `error` is set, else it raises `ValueError`.

    `image` is an encoded file (kept byte for byte) or an RGB uint8 array of shape (H, W, 3) (stored as PNG). `nfe` is
    the counted number of transformer evaluations, `None` if it can't be counted. `batch_invariant` says whether
    the picture would be the same in another batch; `None`: not guaranteed. `notes` is JSON for the report.

    >>> Generated(error="the server answered 500").image is None
    True
    """

    image: bytes | Any | None = None
    error: str = ""
    nfe: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    batch_size: int = 1
    batch_invariant: bool | None = None
    notes: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.image is None) == (not self.error):
            raise ValueError("a generator returns either an image or the reason why there is none")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a run with its provenance, or the reason why it is missing (`error`).

    `key` addresses the picture by content: the same key means the same picture. `fingerprint` is that of the generator
    for this case. `sha256` and `suffix` name the stored file.
    """

    key: str
    role: Role
    case_id: str
    seed: int
    fingerprint: str
    noise_seed: int
    sha256: str = ""
    suffix: str = ""
    width: int = 0
    height: int = 0
    nfe: int | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    batch_size: int = 1
    batch_invariant: bool | None = None
    notes: Mapping[str, JSON] = field(default_factory=dict)
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is a picture."""
        return not self.error


# --------------------------------------------------------------------------------------------------- what is judged


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that a judge measures. `low` and `high` bound its values (`None`: unbounded).

    `of_picture` is false if it describes the judge and not the picture; people are then not asked to label it. `worst`
    is the value that a missing score is taken for when a gate asks whether it could pass; a bounded dimension needs
    none (its bad end is taken), and a gate on an unbounded one without it stays undecided if a cell is missing. The
    interval of an unbounded dimension takes it for the bound. It must be no better than the bound on the bad side, and
    no score may be worse than it (`limited`).
    """

    name: str
    description: str
    higher_is_better: bool = True
    unit: str = ""
    low: float | None = 0.0
    high: float | None = 1.0
    of_picture: bool = True
    worst: float | None = None

    @property
    def bad_end(self) -> float | None:
        """The least favourable value: `worst`, else the bound on the bad side; `None` if there is neither."""
        return self.worst if self.worst is not None else self.low if self.higher_is_better else self.high

    def is_worse(self, value: float) -> bool:
        """Whether a value is worse than `worst`, so that a missing score would not be the least favourable one."""
        return self.worst is not None and (value < self.worst if self.higher_is_better else value > self.worst)

    def limited(self, value: float) -> float:
        """The value, or `worst` if it is worse than that.

        >>> Dimension("extra_words", "", higher_is_better=False, high=None, worst=20.0).limited(31.0)
        20.0
        """
        return self.worst if self.worst is not None and self.is_worse(value) else value

    @property
    def good_end(self) -> float | None:
        """The most favourable value, `None` if that side has no bound."""
        return self.high if self.higher_is_better else self.low

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Smallest and largest value of a case not seen: the bounds, or `worst` where the bad side has none."""
        if self.higher_is_better:
            return self.low if self.low is not None else self.worst, self.high
        return self.low, self.high if self.high is not None else self.worst


@dataclass(frozen=True, slots=True)
class Score:
    """One judge's value on one dimension of one picture. A missing score is never a number.

    >>> Score("brightness", Status.SCORED, 0.7).value
    0.7
    >>> Score("brightness", Status.UNSCORED, reason="the picture is empty").value is None
    True

    Raises:
        ValueError: status `scored` without a finite value, or another status with a value or without a reason.
    """

    dimension: str
    status: Status
    value: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.status is Status.SCORED:
            if self.value is None or not math.isfinite(self.value):
                raise ValueError(f"{self.dimension}: scored, but the value is {self.value!r}")
        elif self.value is not None or not self.reason:
            raise ValueError(f"{self.dimension}: {self.status} takes a reason and no value")


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that one judge says about one picture: one score per dimension, and its findings.

    `evidence` is JSON for the report: the typography judge puts its `words` there, the grain judge its map.

    >>> Verdict("brightness", (Score("brightness", Status.SCORED, 0.7),)).score("brightness").value
    0.7
    """

    judge: str
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, JSON] = field(default_factory=dict)

    def score(self, dimension: str) -> Score | None:
        """The score on `dimension`, or `None` if this verdict has none."""
        return next((s for s in self.scores if s.dimension == dimension), None)
