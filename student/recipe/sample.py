"""Sampling inside the recipe: the same Euler steps as the pipeline, on latents, for grids and for distillation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from evalkit.student.recipe.family import Condition, Family

if TYPE_CHECKING:
    from torch import Tensor

    from evalkit.student.recipe.config import Grid


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

    With a number of steps the scheduler gets the grid's shift alone, so that `num_inference_steps` gives the grid. With
    sigmas one by one they must be given to the pipeline as they are; `QwenImage21Pipeline` keeps them.
    """
    dynamic = grid.dynamic_shift
    schedule: dict[str, Any] = {
        "use_dynamic_shifting": dynamic is not None,
        "shift_terminal": grid.shift_terminal,
        "shift": 1.0 if grid.sigmas or dynamic else grid.shift,
    }
    if dynamic:
        (base, low), (most, high) = dynamic.base, dynamic.most
        schedule |= {"base_image_seq_len": base, "base_shift": low, "max_image_seq_len": most, "max_shift": high}
        schedule["time_shift_type"] = "exponential"
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **schedule)
    if "sample_sigmas" in pipe.config:
        pipe.register_to_config(sample_sigmas=list(grid.sigmas) or None)
