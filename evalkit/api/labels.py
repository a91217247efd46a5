"""Labels that people gave to pictures of a run: the records, and the file that keeps them.

A label is about one dimension of one picture or of a pair of twins. It names the picture by its content (case, seed,
role, sha256) and not by its file, so that labels outlive the run they were made from and can be compared with any judge
that looked at the same pictures. The published schema of the file is `evalkit/studies/calibrate/labels.schema.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from evalkit.api.records import Role, Task

SCHEMA = "labels.schema.json"
FORMAT = 1
_STRICT: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}

Kind = Literal["scale", "yesno", "pairwise"]
KINDS: tuple[Kind, ...] = ("scale", "yesno", "pairwise")
Answer = Literal[1, 2, 3, 4, 5, "yes", "no", "a", "b", "tie"]
ANSWERS: dict[Kind, tuple[Answer, ...]] = {
    "scale": (1, 2, 3, 4, 5),
    "yesno": ("no", "yes"),
    "pairwise": ("a", "b", "tie"),
}
LEVELS: dict[Kind, tuple[float, ...]] = {
    "scale": (0.0, 0.25, 0.5, 0.75, 1.0),
    "yesno": (0.0, 1.0),
    "pairwise": (0.0, 0.5, 1.0),
}
"""The value of each answer: level 1 is 0, level 5 is 1; a pair is 1 if the student's picture was preferred."""

Sha = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Short = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture that a person saw: the role that made it, and its content."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    role: Role
    sha256: Sha


@dataclass(frozen=True, slots=True)
class Label:
    """One person's answer about one picture, or about two side by side (`a` is the first of `pictures`).

    `seconds` is the time it took, `None` if it was not measured.

    Raises:
        ValueError: the answer does not belong to this kind of question, or the number of pictures is wrong.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    case_id: Short
    seed: Annotated[int, Field(ge=0)]
    dimension: Short
    kind: Kind
    pictures: Annotated[tuple[LabelledPicture, ...], Field(min_length=1, max_length=2)]
    value: Answer
    comment: Annotated[str, Field(max_length=2000)] = ""
    seconds: Annotated[float, Field(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.value not in ANSWERS[self.kind]:
            allowed = ", ".join(map(str, ANSWERS[self.kind]))
            raise ValueError(f"the answer {self.value!r} to a {self.kind} question: it takes {allowed}")
        wanted = 2 if self.kind == "pairwise" else 1
        if len(self.pictures) != wanted:
            raise ValueError(f"{len(self.pictures)} pictures for a {self.kind} question: it takes {wanted}")
        if wanted == 2 and self.pictures[0].role is self.pictures[1].role:
            raise ValueError("a pair is of a student's and a teacher's picture")

    @property
    def worth(self) -> float:
        """The answer in [0, 1]. For a pair: 1 if the student's picture is better, 0 if the teacher's is."""
        if self.value == "tie":
            return 0.5
        if self.kind == "pairwise":
            won = self.pictures[0] if self.value == "a" else self.pictures[1]
            return float(won.role is Role.STUDENT)
        return LEVELS[self.kind][ANSWERS[self.kind].index(self.value)]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the pictures were chosen: `cases_drawn` of `cases_eligible` cases at random, each with the same probability.

    `seed` determines the cases and their order; `questions` is how many the page asked.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    seed: int
    cases_drawn: Annotated[int, Field(ge=1)]
    cases_eligible: Annotated[int, Field(ge=1)]
    questions: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The labels of one person.

    Without `sampling` the pictures were picked by hand, so that nothing follows for the pictures that were not picked.
    `run_digest` names the run that the pictures came from, for people to look up; labels are matched by their pictures.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    rater: Short
    labels: tuple[Label, ...]
    sampling: Sampling | None = None
    benchmark: str = ""
    run_digest: str = ""
    created: str = ""


# -------------------------------------------------------------------------------------------- the labelling page


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    """A question about every picture: a dimension, the kind of answer, and a description."""

    dimension: str
    kind: Kind
    description: str


@dataclass(frozen=True, slots=True)
class LabelItem:
    """One picture, or two side by side in the order in which the page shows them, with the questions about them.

    `questions` are positions in the page's list. `source` is the sha256 of an edit's source picture, else empty.
    """

    case_id: str
    seed: int
    prompt: str
    task: Task
    texts: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]
    questions: tuple[int, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class LabelSheet:
    """Everything that a labelling page shows, in its order."""

    questions: Sequence[LabelQuestion]
    items: Sequence[LabelItem]
    sampling: Sampling
    benchmark: str
    run_digest: str
