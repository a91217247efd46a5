"""Sampling inside the recipe: the same Euler steps as the pipeline, on latents, for grids and for distillation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from student.recipe.family import Condition, Family

if TYPE_CHECKING:
    from torch import Tensor


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
        for sigma, following in zip(grid, grid[1:], strict=False):
            level = z.new_full((len(z),), sigma)
            velocity = family.velocity(transformer, z, level, condition)
            if unconditional is not None and guidance > 1:
                without = family.velocity(transformer, z, level, unconditional)
                velocity = family.guided(velocity, without, guidance)
            z = z + (following - sigma) * velocity
    return z
