"""Step-wise multi-teacher guidance: the weight of each teacher at each step and for each condition.

    s_real^(k)(x_t, t, c) = Σ_m λ_{k,m}(c) · s_m(x_t, t, c),   λ ≥ 0,   Σ_m λ_{k,m}(c) = 1

with k the student's denoising step chosen for the loss (0 is the first, at pure noise) and c the condition, here its
task and category. The base teacher is the anchor: it takes the weight that the others leave. At one (x_t, t), scores,
velocities and x0 are affine in each other with the same constants, so mixing x0 is mixing scores.

Source: Qwen-Image-Flash (arXiv 2606.03746), eq. 5-7. The paper gives no values of λ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.api.records import Task
from evalkit.student.recipe.config import BASE, TeacherRule

if TYPE_CHECKING:
    from torch import Tensor


def teacher_weights(schedule: Sequence[TeacherRule], step: int, task: Task, category: str) -> dict[str, float]:
    """λ_{k,·}(c) by teacher, without zeros; they sum to 1, because the base teacher takes what the rules leave.

    Raises:
        ValueError: the weights of the rules that apply exceed 1.
    """
    weights: dict[str, float] = {}
    for rule in schedule:
        if rule.weight and rule.applies(step, task, category):
            weights[rule.teacher] = weights.get(rule.teacher, 0.0) + rule.weight
    left = 1.0 - sum(weights.values())
    if left < -1e-9:
        raise ValueError(f"the weights sum to {1 - left:g}, above 1, at step {step} for {task.value} {category!r}")
    if left > 1e-9:
        weights[BASE] = left
    return weights


def check_schedule(schedule: Sequence[TeacherRule], steps: int, categories: Mapping[Task, Sequence[str]]) -> None:
    """Try every step and condition, so that a wrong schedule fails before any training. Raises `ValueError`."""
    for rule in schedule:
        if beyond := [step for step in rule.steps if not 0 <= step < steps]:
            raise ValueError(f"{rule.teacher!r} applies at step {beyond[0]}, but the student has {steps} steps")
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
        term = factor.view(-1, *[1] * (answer.ndim - 1)) * answer
        total = term if total is None else total + term
    assert total is not None
    return total
