"""Step-wise multi-teacher guidance: whose score counts how much, at which step, for which condition.

    s_real^(k)(x_t, t, c) = Σ_m λ_{k,m}(c) · s_m(x_t, t, c),   λ ≥ 0,   Σ_m λ_{k,m}(c) = 1

with k the student's denoising step chosen for the loss (0 is the first, at pure noise) and c the condition, here its
task and category. The base teacher takes what the others leave: it is the anchor. Scores, velocities and x0 at one
(x_t, t) are affine in each other with the same constants, so mixing x0 is mixing scores.

Source: Qwen-Image-Flash (arXiv 2606.03746), eq. 5-7. The paper gives no values of λ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.api.records import Task

if TYPE_CHECKING:
    from torch import Tensor

BASE = "base"


@dataclass(frozen=True, slots=True)
class Expert:
    """One task-specialised teacher's part in the schedule.

    Args:
        teacher: its name.
        weight: λ where it applies, 0 to 1.
        steps: the student's steps in which it applies; empty is all.
        tasks: tasks it applies to; empty is all.
        categories: categories it applies to; empty is all.
    """

    teacher: str
    weight: float
    steps: tuple[int, ...] = ()
    tasks: tuple[Task, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"the weight of {self.teacher!r} must be in [0, 1], not {self.weight}")
        if self.teacher == BASE:
            raise ValueError("the base teacher takes what the experts leave; it is no expert")

    def applies(self, step: int, task: Task, category: str) -> bool:
        """Whether this expert has a say."""
        return (
            (not self.steps or step in self.steps)
            and (not self.tasks or task in self.tasks)
            and (not self.categories or category in self.categories)
        )


Schedule = Sequence[Expert]


def teacher_weights(schedule: Schedule, step: int, task: Task, category: str) -> dict[str, float]:
    """λ_{k,·}(c) by teacher, without zeros; they sum to 1.

    Raises:
        ValueError: the experts' weights exceed 1.
    """
    weights: dict[str, float] = {}
    for expert in schedule:
        if expert.weight and expert.applies(step, task, category):
            weights[expert.teacher] = weights.get(expert.teacher, 0.0) + expert.weight
    left = 1.0 - sum(weights.values())
    if left < -1e-9:
        raise ValueError(f"experts weigh {1 - left:g} together at step {step} for {task.value} {category!r}")
    if left > 1e-9:
        weights[BASE] = left
    return weights


def check_schedule(schedule: Schedule, steps: int, categories: Mapping[Task, Sequence[str]]) -> None:
    """Try every step and condition, so that a wrong schedule fails before any training. Raises `ValueError`."""
    for expert in schedule:
        if beyond := [step for step in expert.steps if not 0 <= step < steps]:
            raise ValueError(f"{expert.teacher!r} applies at step {beyond[0]}, but the student has {steps} steps")
    for step in range(steps):
        for task, names in categories.items():
            for category in names:
                teacher_weights(schedule, step, task, category)


def mix(answers: Mapping[str, Tensor], rows: Sequence[Mapping[str, float]]) -> Tensor:
    """Σ_m λ_m · answer_m, row by row.

    Args:
        answers: x0 (or velocity) of each teacher, (B, tokens, channels).
        rows: λ of each row of the batch, as `teacher_weights` gives it.
    """
    import torch

    total = None
    for name, answer in answers.items():
        factor = torch.tensor([row.get(name, 0.0) for row in rows], dtype=answer.dtype, device=answer.device)
        part = factor.view(-1, *[1] * (answer.ndim - 1)) * answer
        total = part if total is None else total + part
    assert total is not None
    return total
