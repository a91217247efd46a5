"""Sampling inside the recipe: the same Euler steps as the pipeline, on latents, for grids and for distillation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from student.recipe.family import Condition, Family

if TYPE_CHECKING:
    from torch import Tensor

    from student.recipe.config import Grid


def euler(
    family: Family,
    transformer: Any,
    noise: Tensor,
    grid: Sequence[float],
    condition: Condition,
    unconditional: Condition | None = None,
    guidance: float = 1.0,
) -> Tensor:
    """Latents after following `grid` (with its final 0) from `noise`, (B, tokens, channels), without gradients."""
    import torch

    z = noise
    with torch.no_grad():
        for sigma, following in pairwise(grid):
            level = z.new_full((len(z),), sigma)
            velocity = family.velocity(transformer, z, level, condition)
            if unconditional is not None and guidance > 1:
                without = family.velocity(transformer, z, level, unconditional)
                velocity = family.guided(velocity, without, guidance)
            z = z + (following - sigma) * velocity
    return z


def sample_by(pipe: Any, grid: Grid) -> None:
    """Make a pipeline sample by the grid its student was trained on, and by no other schedule of its teacher's.

    With a number of steps the scheduler gets the static shift alone, so that `num_inference_steps` gives the grid. With
    sigmas one by one they must be given to the pipeline as they are; `QwenImage21Pipeline` keeps them.
    """
    shift = 1.0 if grid.sigmas else grid.shift
    static = {"use_dynamic_shifting": False, "shift_terminal": None, "shift": shift}
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **static)
    if "sample_sigmas" in pipe.config:
        pipe.register_to_config(sample_sigmas=list(grid.sigmas) or None)
