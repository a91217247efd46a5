"""What data to train on must look like. Each is found by name through an entry point of the group in brackets.

TrainingData [evalkit.training_data]  what the minis are trained on
JudgeData    [evalkit.judge_data]     what judge-mini is trained on
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
    """One thing to learn from: a prompt, and the picture it asks for. Pictures are drawn only when called for.

    `source` is the picture an edit starts from. Pictures are RGB uint8 (H, W, 3).
    """

    prompt: str
    category: str
    picture: Callable[[], Pixels]
    source: Callable[[], Pixels] | None = None


class TrainingData(Protocol):
    """An endless supply of examples that follow from a random number generator alone."""

    size: tuple[int, int]
    """Width and height of every picture, px."""
    categories: tuple[str, ...]

    def example(self, rng: Random, task: Task, category: str) -> Example:
        """One example of a task and category. Edits of a category start from its pictures."""
        ...

    def corpus(self) -> Iterable[str]:
        """Prompts enough to learn a tokenizer from."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture with everything that is true of it, for a judge to learn from or be measured by.

    Args:
        case: what was asked for; of an edit, `source` holds the picture it starts from.
        picture, source: RGB uint8 (H, W, 3).
        fault: the name of what was done to the picture; empty if nothing was.
        worse: by rubric, the size of all it has against the picture, 1 being what is just noticed. A rubric that does
            not apply, or on which people would not agree, is not there.
        better: how much larger the twin's defects are, negative if the picture's are; `None` without a twin.
        answers: questions whose answers are beyond doubt, with them.
        findings: kind and box of each defect.
        text: what is written in the picture.
        description: the prompt that would be exactly right for it; empty if there is none.
        wrong: stretches (start, end) of the case's prompt that are not true of the picture.
        lesson: (rows, columns, n) class numbers of each tile of the picture, -100 where unknown.
        astray: (rows, columns) 1 on tiles that don't show what was wanted, 0 on the others; empty where unknown.
        before: the lesson of the source.
        twin: another picture of the same case.
        others: the same picture held against other cases.
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
    """An endless supply of judged pictures that follow from a random number generator alone."""

    side: int
    """Width and height of every picture, px."""
    classes: tuple[int, ...]
    """Number of classes in each column of a lesson."""
    categories: tuple[str, ...]
    faults: tuple[str, ...]
    graded: Mapping[str, str]
    """Faults whose size can be chosen, with the rubric that must see it."""

    def possible(self, fault: str, task: str, category: str) -> bool:
        """Whether a picture of that task and category can have the fault at all."""
        ...

    def judged(self, rng: Random, fault: str | None = None, size: float | None = None, **which: str) -> Judged:
        """One picture: with the fault named (`""` for none) or one at random, of a size in thresholds or at random.

        `which` may choose `task`, `category` and `words` (`trained` or `held-out`).
        """
        ...

    def crowded(self, rng: Random, *, compared: bool = False) -> Judged:
        """A picture full of things that no case asks for: to learn to see and to read from.

        With `compared` it has a source and a twin that differ in a few of them.
        """
        ...

    def measured(self, case: Case, pixels: Pixels, source: Pixels | None = None) -> Judged:
        """A picture that a model made of `case`, with what instruments read from it; roughness is not read."""
        ...
