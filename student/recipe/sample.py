"""Sampling during training: the same Euler steps on latents as the pipeline takes, and sheets of sample pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.api.training import TrainingData
from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.config import Recipe
from evalkit.student.recipe.family import Condition, Family
from evalkit.student.recipe.flow import sigma_grid

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from evalkit.api.pictures import Pixels

ROWS, COLUMNS = 4, 6
SEED = 424242
TEACHER_STEPS = 20
TEACHER_SHIFT = 3.0


def euler(
    family: Family,
    transformer: Any,
    noise: Tensor,
    sigmas: Sequence[float],
    condition: Condition,
    unconditional: Condition | None = None,
    guidance: float = 1.0,
) -> Tensor:
    """Latents (B, tokens, channels) after Euler steps from `noise` along `sigmas`, without gradients.

    One step leads from each of the `sigmas` to the next; the last of them is where sampling stops.
    """
    import torch

    z = noise
    with torch.no_grad():
        for sigma, following in pairwise(sigmas):
            level = z.new_full((len(z),), sigma)
            velocity = family.velocity(transformer, z, level, condition)
            if unconditional is not None and guidance > 1:
                without = family.velocity(transformer, z, level, unconditional)
                velocity = family.guided(velocity, without, guidance)
            z = z + (following - sigma) * velocity
    return z


def initial_noise(condition: Condition, channels: int, generator: Generator) -> Tensor:
    """Pure noise for the target pictures, (B, tokens, channels), drawn on the CPU."""
    import torch

    rows, columns = condition.shapes[-1]
    shape = (len(condition.embeds), rows * columns, channels)
    return torch.randn(shape, generator=generator).to(condition.embeds.device)


class SampleSheet:
    """Sheets of `ROWS` × `COLUMNS` pictures, always of the same prompts and noises; an edit's source is above it."""

    def __init__(self, family: Family, data: TrainingData, recipe: Recipe, folder: Path) -> None:
        self._family, self._size, self._folder = family, data.size, folder
        self._batches = Batches(data, recipe.mixture, family.tokenizer, COLUMNS, SEED)
        self._sigmas = list(recipe.grid.values(data.size)) if recipe.grid else sigma_grid(TEACHER_STEPS, TEACHER_SHIFT)
        self._guidance = 1.0 if recipe.grid else recipe.guidance

    def draw(self, transformer: Any, step: int) -> Path:
        """Write the sheet of `transformer` as `STEP.png`."""
        from PIL import Image

        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{step:06d}.png"
        Image.fromarray(np.concatenate([self._row(transformer, number) for number in range(ROWS)])).save(path)
        return path

    def _row(self, transformer: Any, number: int) -> Pixels:
        import torch

        family, batch = self._family, self._batches[number]
        with torch.no_grad():
            condition = family.encode(batch.prompts, batch.sources, self._size)
            empty = family.encode([""] * COLUMNS, batch.sources, self._size) if self._guidance > 1 else None
            generator = torch.Generator().manual_seed(number)
            noise = initial_noise(condition, transformer.config.in_channels, generator)
            latents = euler(family, transformer, noise, self._sigmas, condition, empty, self._guidance)
            drawn = family.pictures(latents, self._size)
        pixels = ((drawn + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        rows = [np.concatenate([np.asarray(source) for source in batch.sources], axis=1)] if batch.sources else []
        return np.concatenate([*rows, np.concatenate(list(pixels), axis=1)])
