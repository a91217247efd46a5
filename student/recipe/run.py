"""Runs a recipe: from its file to a trained pipeline, with checkpoints, progress and sample grids on the way.

    OUT/state.pt        everything a bit-equal continuation needs (tensors and numbers only)
    OUT/progress.jsonl  one line per step
    OUT/samples/N.png   the same prompts and noises, as training goes on
    OUT/model/          the trained pipeline, at the end

Interrupted or killed, the same command goes on from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import ConfigError
from evalkit.protocols import TrainingData
from evalkit.records import Task
from student.pipelines.load import load_pipeline
from student.pipelines.settings import DiffusersSettings
from student.recipe.batches import Batches
from student.recipe.config import Recipe, read_recipe
from student.recipe.distill import Distillation
from student.recipe.family import Family, family_of
from student.recipe.grids import SampleGrid
from student.recipe.guidance import check_schedule
from student.recipe.lora import add_lora
from student.recipe.save import save_pipeline
from student.recipe.teach import Teaching

if TYPE_CHECKING:
    from accelerate import Accelerator

Stop = Callable[[], bool]
"""Whether to stop after the step in hand."""
Trainer = Teaching | Distillation


class RecipeRunner:
    """Trains what a recipe says [entry point `evalkit.recipes`]."""

    def __init__(self, recipe: Recipe, data: TrainingData, out: Path) -> None:
        """Raises `ConfigError` for a category the data has not, or a schedule that can't be."""
        self.recipe, self.data, self.out = recipe, data, out
        self._check()

    read = staticmethod(read_recipe)

    def run(self, stop: Stop = lambda: False) -> Iterator[dict[str, float]]:
        """The figures of each step as it is done; at the end the pipeline lies in `out/model`."""
        import torch
        from accelerate import Accelerator

        recipe = self.recipe
        self.out.mkdir(parents=True, exist_ok=True)
        accelerator = Accelerator(mixed_precision="bf16" if recipe.autocast else "no")
        family = family_of(self._load(recipe.base))
        trainer = self._trainer(family, accelerator)
        state = self.out / "state.pt"
        if state.exists():
            trainer.load_state_dict(torch.load(state, weights_only=True, map_location="cpu"))
        grid = SampleGrid(family, self.data, recipe, self.out / "samples") if accelerator.is_main_process else None
        while trainer.done < recipe.steps and not stop():
            with _autocast(accelerator, recipe.autocast):
                figures = trainer.step()._asdict()
            if accelerator.is_main_process:
                _append(self.out / "progress.jsonl", figures)
                if trainer.done % recipe.checkpoint_every == 0:
                    _save_state(trainer, state)
                if grid and trainer.done % recipe.samples_every == 0:
                    grid.draw(trainer.trained(), trainer.done)
            yield figures
        if accelerator.is_main_process:
            _save_state(trainer, state)
            if trainer.done >= recipe.steps:
                trainer.finish()
                save_pipeline(family.pipe, self.out / "model")

    def _trainer(self, family: Family, accelerator: Accelerator) -> Trainer:
        recipe = self.recipe
        rank, world = accelerator.process_index, accelerator.num_processes
        batches = Batches(
            self.data,
            recipe.mixture.composition(),
            family.pipe.processor.tokenizer,
            recipe.batch_size,
            recipe.seed,
            recipe.unconditional if recipe.kind == "teach" else 0.0,
            rank,
            world,
        )
        seed = recipe.seed * 1000 + rank
        if recipe.kind == "teach":
            if recipe.lora:
                add_lora(family.pipe.transformer, recipe.lora.rank, recipe.lora.alpha)
            self._checkpointing(family.pipe.transformer)
            return Teaching(family, batches, recipe.teach_settings(), self.data.size, seed, accelerator)
        teachers = {"base": family.pipe.transformer}
        teachers |= {name: self._load(folder).transformer for name, folder in recipe.teachers.items()}
        lora = (recipe.lora.rank, recipe.lora.alpha) if recipe.lora else None
        trainer = Distillation(
            family, teachers, batches, recipe.distill_settings(), self.data.size, seed, lora, accelerator
        )
        self._checkpointing(trainer.student)
        self._checkpointing(trainer.fake)
        return trainer

    def _load(self, folder: Path) -> Any:
        settings = DiffusersSettings(model=str(folder), dtype=self.recipe.dtype)
        return load_pipeline(settings, folder).pipe

    def _checkpointing(self, transformer: Any) -> None:
        if self.recipe.gradient_checkpointing:
            transformer.enable_gradient_checkpointing()

    def _check(self) -> None:
        recipe = self.recipe
        given = {Task.T2I: list(recipe.mixture.t2i), Task.EDIT: list(recipe.mixture.edit)}
        for names in given.values():
            if unknown := sorted(set(names) - set(self.data.categories)):
                hint = f"`{recipe.data}` has {', '.join(self.data.categories)}"
                raise ConfigError(f"no category `{unknown[0]}`", where="mixture", hint=hint)
        if recipe.kind == "distill":
            settings = recipe.distill_settings()
            try:
                check_schedule(settings.schedule, settings.nfe, given)
            except ValueError as error:
                raise ConfigError(str(error), where="schedule") from error


@contextlib.contextmanager
def _autocast(accelerator: Accelerator, wanted: bool) -> Iterator[None]:
    import torch

    with torch.autocast(accelerator.device.type, dtype=torch.bfloat16, enabled=wanted):
        yield


def _append(path: Path, figures: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")


def _save_state(trainer: Trainer, path: Path) -> None:
    import torch

    temporary = path.with_suffix(".writing")
    torch.save(trainer.state_dict(), temporary)
    os.replace(temporary, path)


def describe(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON, for the model card."""
    value: dict[str, Any] = recipe.model_dump(mode="json", exclude_defaults=True)
    if recipe.kind == "distill":
        value["sigmas"] = list(dataclasses.asdict(recipe.distill_settings())["grid"])
    return value
