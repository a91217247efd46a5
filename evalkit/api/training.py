"""The contracts of training data. Each is found by name through an entry point of the group in brackets.

TrainingData [evalkit.training_data]  data to train the minis on
JudgeData    [evalkit.judge_data]     data to train judge-mini on
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box, Case, Question, Task


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: a prompt, and the picture it asks for. Pictures are drawn only when they are called for.

    `source` is the picture an edit starts from. Pictures are RGB uint8 (H, W, 3).
    """

    prompt: str
    category: str
    picture: Callable[[], Pixels]
    source: Callable[[], Pixels] | None = None


class TrainingData(Protocol):
    """An endless supply of examples that a random number generator alone determines.

    Found by name in the entry-point group `evalkit.training_data`.
    """

    size: tuple[int, int]
    """Width and height of every picture, px."""
    categories: tuple[str, ...]

    def example(self, rng: Random, task: Task, category: str) -> Example:
        """One example of a task and category. An edit starts from a picture of the same category."""
        ...

    def corpus(self) -> Iterable[str]:
        """Enough prompts to train a tokenizer on."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture with everything that is true of it, for training a judge or measuring it.

    Args:
        case: what was asked for; for an edit, `source` holds the picture it starts from.
        picture, source: RGB uint8 (H, W, 3).
        fault: the name of what was done to the picture; empty if nothing was.
        worse: by rubric, the total size of the picture's defects; 1 is just noticeable. Rubrics that do not apply,
            or on which people would not agree, are left out.
        better: how much larger the twin's defects are; negative if the picture's are larger, `None` without a twin.
        answers: questions whose answers are beyond doubt, with these answers.
        findings: kind and box of each defect.
        text: what is written in the picture.
        description: the prompt that would be exactly right for it; empty if there is none.
        wrong: spans (start, end) of the case's prompt that are not true of the picture.
        lesson: (rows, columns, n) class numbers of each tile of the picture, -100 if unknown.
        astray: (rows, columns) 1 on tiles that don't show what was asked for, else 0; empty if unknown.
        before: `lesson` for the source.
        twin: another picture of the same case.
        others: the same picture with other cases.
    """

    case: Case
    picture: Pixels
    fault: str
    worse: Mapping[str, float]
    answers: Sequence[tuple[Question, bool]]
    findings: Sequence[tuple[str, Box]]
    text: str
    description: str
    wrong: Sequence[tuple[int, int]]
    lesson: NDArray[np.int64]
    astray: NDArray[np.int64]
    source: Pixels | None = None
    before: NDArray[np.int64] | None = None
    twin: Judged | None = None
    better: float | None = None
    others: Sequence[Judged] = ()


class JudgeData(Protocol):
    """An endless supply of judged pictures that a random number generator alone determines.

    Found by name in the entry-point group `evalkit.judge_data`.
    """

    side: int
    """Width and height of every picture, px."""
    classes: tuple[int, ...]
    """Number of classes in each column of a lesson."""
    categories: tuple[str, ...]
    faults: tuple[str, ...]
    graded: Mapping[str, str]
    """Faults whose size can be chosen, with the rubric that must detect it."""

    def possible(self, fault: str, task: str, category: str) -> bool:
        """Whether a picture of that task and category can have the fault at all."""
        ...

    def judged(self, rng: Random, fault: str | None = None, size: float | None = None, **which: str) -> Judged:
        """One picture. `fault` names its fault (`""`: none); `size` is in multiples of what is just noticeable.

        What is not given is chosen at random. `which` may give `task`, `category` and `words` (`trained`, `held-out`).
        """
        ...

    def crowded(self, rng: Random, *, compared: bool = False) -> Judged:
        """A picture full of things that no case asks for, to learn seeing and reading from.

        With `compared` it has a source and a twin that differ from it in a few of these things.
        """
        ...

    def measured(self, case: Case, pixels: Pixels, source: Pixels | None = None) -> Judged:
        """A picture that a model made for `case`, with what the instruments measure on it, roughness excepted."""
        ...
