"""Sample grids on the way: a few prompts and noises, always the same, drawn with the averaged weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.api.training import TrainingData
from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.family import Family
from evalkit.student.recipe.flow import sigma_grid
from evalkit.student.recipe.sample import euler

if TYPE_CHECKING:
    from evalkit.api.pictures import Pixels
    from evalkit.student.recipe.config import Recipe

ROWS, COLUMNS = 4, 6
SEED = 424242
TEACHER_STEPS = 20
TEACHER_SHIFT = 3.0


class SampleGrid:
    """Draws `ROWS` × `COLUMNS` pictures; an edit's source stands above its result."""

    def __init__(self, family: Family, data: TrainingData, recipe: Recipe, folder: Path) -> None:
        self._family, self._size, self._folder = family, data.size, folder
        composition = recipe.mixture.composition()
        self._batches = Batches(data, composition, family.tokenizer, COLUMNS, SEED)
        self._grid = list(recipe.grid.values(data.size)) if recipe.grid else sigma_grid(TEACHER_STEPS, TEACHER_SHIFT)
        self._guidance = 1.0 if recipe.grid else recipe.guidance

    def draw(self, transformer: Any, step: int) -> Path:
        """Write the grid of `transformer` as `STEP.png`."""
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
            tokens = condition.grids[-1][0] * condition.grids[-1][1]
            noise = torch.randn((COLUMNS, tokens, transformer.config.in_channels), generator=generator)
            noise = noise.to(condition.embeds.device)
            latents = euler(family, transformer, noise, self._grid, condition, empty, self._guidance)
            drawn = family.pictures(latents, self._size)
        pixels = ((drawn + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        rows = [np.concatenate([np.asarray(source) for source in batch.sources], axis=1)] if batch.sources else []
        return np.concatenate([*rows, np.concatenate(list(pixels), axis=1)])
