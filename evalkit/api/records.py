"""The words of the project as frozen records (ground floor: imports nothing of ours).

    Case ─▶ Request ─▶ Generated ─▶ Sample ─▶ Verdict(Score…, Finding…)

All boxes are pixels of the picture they belong to, x to the right, y down, half-open (`x1`, `y1` are just outside).
JSON in and out goes through `evalkit.formats.keys`, which validates every field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

RGB = tuple[int, int, int]
JSON = Any
"""A JSON value: None, bool, number, str, list or dict of them."""

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
    """What became of one judge's look at one dimension of one picture."""

    SCORED = "scored"
    UNSCORED = "unscored"
    ERROR = "error"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not-applicable"
    """The case does not ask for this, which is known before any picture: the cell is in no denominator."""


class Blame(StrEnum):
    """Whose defect a finding is.

    `STUDENT_ONLY`: the twin is fine, so distillation broke it. `WORSENED`: the twin has the same defect, but clearly
    smaller; it counts as the student's. `BOTH`: inherited, about as severe in the twin. `TEACHER_ONLY`: the student
    does not have it.
    """

    STUDENT_ONLY = "student-only"
    WORSENED = "worsened"
    BOTH = "both"
    TEACHER_ONLY = "teacher-only"


class Grade(StrEnum):
    """How bad a finding is, with the same meaning in every judge.

    `BLEMISH`: visible to those who look for it. `DEFECT`: visible at once, but the picture can be used. `FAILURE`: the
    picture does not do what was asked; its case fails.
    """

    BLEMISH = "blemish"
    DEFECT = "defect"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """0 for a blemish, 2 for a failure."""
        return tuple(Grade).index(self)


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned pixel box, half-open: width is `x1 - x0`."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.x0, self.y0, self.x1, self.y1)):
            raise ValueError(f"box with a value that is not finite: {self}")
        if self.x1 < self.x0 or self.y1 < self.y0:
            raise ValueError(f"box with negative size: {self}")

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    def intersection(self, other: Box) -> float:
        """Overlapping area in px²; 0 where the boxes are apart or only touch."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union in [0, 1]; 0 for two empty boxes."""
        shared = self.intersection(other)
        total = self.area + other.area - shared
        return shared / total if total > 0 else 0.0

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))


# ---------------------------------------------------------------------------------------------------- what is asked


@dataclass(frozen=True, slots=True)
class TextTarget:
    """One string the picture must show.

    `box` is where it must stand (pixels of the case's canvas), `None` where the case does not say. `role` is what
    the string is in the design (`title`, `button`, `caption`, …).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    text: str
    box: Box | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the declared layout: `text`, `panel`, `shape`, `icon`, `portrait`, `rule`…"""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    kind: str
    box: Box
    color: RGB | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A layout relation that must hold between elements, named by their ids.

    Kinds: `above`, `left-of`, `inside`, `aligned-left`, `aligned-right`, `aligned-center`, `aligned-top`,
    `evenly-spaced`, `no-overlap`, `reading-order`, `centered` (each on the middle of the canvas), `margin` (none nearer
    to an edge of the canvas than the nearest is declared) and `count` (all are there, and no other like them).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: str
    elements: tuple[str, ...]
    tolerance_px: float = 2.0


@dataclass(frozen=True, slots=True)
class Background:
    """What the ground of the picture must be: `solid`, `gradient` or `other`.

    `flat_regions` are boxes known to hold nothing but that ground. `texture_wanted` is true where the prompt asks
    for grain (film, paper): grain is then no defect.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    kind: str = "other"
    colors: tuple[RGB, ...] = ()
    flat_regions: tuple[Box, ...] = ()
    texture_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One yes/no question about the picture. It is asked only if the questions it depends on were answered right."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    text: str
    expected: bool = True
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceImage:
    """The picture an `edit` case starts from: a file, and the hash that makes it part of the case's content."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to ask of a model, and what must be true of the picture.

    `width` and `height` are pixels. `category` groups cases in reports. `extra` holds JSON that only one suite or
    generator understands (the recipe of a procedural scene, say); a generator may depend on it.

    Raises:
        ValueError: an id that could leave the run folder, or a size that is not positive.
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
    """One picture to make. `noise_seed` seeds the per-picture CPU noise and is equal for student and teacher."""

    case: Case
    seed: int
    noise_seed: int


@dataclass(frozen=True, slots=True)
class Generated:
    """What a generator hands over for one request.

    Exactly one of `image` and `error` is set. `image` is an encoded file (kept byte for byte) or an RGB uint8 array
    of shape (H, W, 3) (stored as PNG). `nfe` is counted, never assumed; `None` where nobody can count it.
    `batch_invariant` says whether the picture would be the same in another batch; `None` is "not guaranteed".
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

    `key` addresses the picture by content: same key, same picture. `fingerprint` is the generator's for this case.
    `sha256` and `suffix` name the stored file.
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
        return not self.error


# --------------------------------------------------------------------------------------------------- what is judged


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing a judge measures. `low` and `high` bound its values (`None`: unbounded).

    `of_picture` is false where it says something of the judge: there people can't be asked for their word. `worst` is
    the value that a missing score is taken for when a gate asks whether it could pass; a bounded dimension needs none
    (its bad end is taken), and a gate on an unbounded one without it stays undecided as soon as a cell is missing.
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

    @property
    def good_end(self) -> float | None:
        """The most favourable value, `None` if that side has no bound."""
        return self.high if self.higher_is_better else self.low


@dataclass(frozen=True, slots=True)
class Score:
    """One judge's value on one dimension of one picture. A missing score is never a number.

    Raises:
        ValueError: a `scored` without a finite value, or any other status with one or without a reason.
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
class FindingKind:
    """One kind of defect that a judge reports. A judge reports no kind that it does not declare.

    Args:
        name: of the kind, as gates and filters name it: `typo`.
        family: kinds that may be one defect seen twice (a word is misspelt here and missing there); a gate may name a
            family instead of a kind. Empty: the kind is its own family.
        description: what the defect is, one sentence.
        grade: of a finding that does not say its own. `None`: it follows from the finding's severity (`grade_of`).
        reason: why a finding of this kind has its grade, one sentence.
        ratio: how many times the twin's size a finding must have to count as worsened and not as inherited.
    """

    name: str
    family: str = ""
    description: str = ""
    grade: Grade | None = None
    reason: str = ""
    ratio: float = 2.0

    def __post_init__(self) -> None:
        if not self.name or not (math.isfinite(self.ratio) and self.ratio >= 1):
            raise ValueError(f"finding kind {self.name!r} with ratio {self.ratio!r}: a name and a ratio of 1 or more")


FAILURE_FROM, DEFECT_FROM = 0.5, 0.2
"""Severities from which a finding without a declared grade is a failure, or a defect."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One located defect.

    Args:
        kind: `typo`, `missing-text`, `extra-text`, `grain`, `overlap`, …
        box: where, in pixels of the judged picture.
        size: how large, in `unit` (letters, px, L* of visible noise, …).
        severity: 0 (barely visible) to 1 (unusable).
        message: one sentence for people.
        evidence: JSON for the report (expected and read text, thresholds, maps).
        target: what in the case it is about (`text:0`, `background`), so that twins can be matched.
        blame: set when the twin was judged too.
        grade: blemish, defect or failure; `None` where judge and kind leave it to the severity.
    """

    kind: str
    box: Box
    size: float
    unit: str
    severity: float
    message: str
    evidence: Mapping[str, JSON] = field(default_factory=dict)
    target: str = ""
    blame: Blame | None = None
    grade: Grade | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and 0.0 <= self.severity <= 1.0):
            raise ValueError(f"finding {self.kind}: size {self.size!r}, severity {self.severity!r}")


def grade_of(finding: Finding) -> Grade:
    """The grade of a finding: its own, else by its severity (a failure from 0.5, a defect from 0.2 on)."""
    if finding.grade is not None:
        return finding.grade
    if finding.severity >= FAILURE_FROM:
        return Grade.FAILURE
    return Grade.DEFECT if finding.severity >= DEFECT_FROM else Grade.BLEMISH


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that one judge says about one picture: one score per dimension, and its findings.

    `evidence` is JSON for the report; the typography judge puts `words` there, the grain judge its map.
    """

    judge: str
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, JSON] = field(default_factory=dict)

    def score(self, dimension: str) -> Score | None:
        """The score on `dimension`, or `None` if this judge has no such dimension."""
        return next((s for s in self.scores if s.dimension == dimension), None)
