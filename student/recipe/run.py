"""Runs a recipe, from its file to a trained pipeline, with checkpoints, progress and sample sheets on the way.

    OUT/state.pt        the state of the last checkpoint (tensors, numbers and strings only)
    OUT/progress.jsonl  one line per step
    OUT/samples/N.png   the same prompts and noises as training goes on
    OUT/model/          the trained pipeline, at the end

If a run is interrupted or killed, the same command continues it from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.api.errors import ConfigError
from evalkit.api.records import Task
from evalkit.api.training import TrainingData
from evalkit.student.pipelines.load import load_pipeline
from evalkit.student.pipelines.settings import DiffusersSettings
from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.config import BASE, Recipe, read_recipe
from evalkit.student.recipe.distill import Distillation
from evalkit.student.recipe.families import family_of
from evalkit.student.recipe.family import Family
from evalkit.student.recipe.guidance import check_schedule
from evalkit.student.recipe.sample import SampleSheet
from evalkit.student.recipe.save import save_pipeline, set_sigma_grid
from evalkit.student.recipe.state import append_line, keep_lines, load_state, save_state
from evalkit.student.recipe.teach import Teaching

if TYPE_CHECKING:
    from accelerate import Accelerator


class RecipeRunner:
    """Trains by a recipe.

    `finished` is true when the pipeline is in `out/model`. `is_main_process` is true in the one process that reports
    progress and writes files.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, out: Path) -> None:
        """Raises `ConfigError` for a category that the data does not have, and for an impossible schedule."""
        self.recipe, self.data, self.out = recipe, data, out
        self.finished = False
        self.is_main_process = True
        self._check()

    read = staticmethod(read_recipe)

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[dict[str, float]]:
        """Train, and yield the figures of each step; at the end the pipeline is in `out/model`.

        `should_stop` is asked before each step; when it is true, the state is saved and the training ends.

        Raises:
            ConfigError: `base` can't do a task of the mixture, or the checkpoint in `out` is from another recipe or
                another number of processes.
            UnavailableError: `base` or a teacher can't be loaded.
        """
        from accelerate import Accelerator

        recipe = self.recipe
        self.out.mkdir(parents=True, exist_ok=True)
        accelerator = Accelerator(mixed_precision="no")  # it places, counts and averages; precision is set here
        main = self.is_main_process = accelerator.is_main_process
        family = family_of(self._load(recipe.base, accelerator))
        self._check_tasks(family)
        trainer = self._trainer(family, accelerator)
        state = self.out / "state.pt"
        if state.exists():
            load_state(trainer, recipe, state, accelerator)
        if main:
            keep_lines(self.out / "progress.jsonl", trainer.done)
        sheet = SampleSheet(family, self.data, recipe, self.out / "samples") if main else None
        while trainer.done < recipe.steps and not _any_process(should_stop, accelerator):
            with _autocast(accelerator, recipe.autocast):
                figures = trainer.step()._asdict()
            if main:
                append_line(self.out / "progress.jsonl", figures)
            if trainer.done % recipe.checkpoint_every == 0:
                save_state(trainer, recipe, state, accelerator)
            if sheet and trainer.done % recipe.samples_every == 0:
                with _autocast(accelerator, recipe.autocast):
                    sheet.draw(trainer.averaged(), trainer.done)
            yield figures
        save_state(trainer, recipe, state, accelerator)
        self.finished = trainer.done >= recipe.steps
        if self.finished and main:
            trainer.finish()
            if recipe.grid and recipe.kind == "distill":
                set_sigma_grid(family.pipe, recipe.grid)
            save_pipeline(family.pipe, self.out / "model", recipe.save_as or recipe.dtype)
        accelerator.wait_for_everyone()

    def _trainer(self, family: Family, accelerator: Accelerator) -> Teaching | Distillation:
        recipe, size = self.recipe, self.data.size
        rank, world = accelerator.process_index, accelerator.num_processes
        unconditional = recipe.unconditional if recipe.kind == "teach" else 0.0
        batches = Batches(
            self.data, recipe.mixture, family.tokenizer, recipe.batch_size, recipe.seed, unconditional, rank, world
        )
        seed = recipe.seed * 1000 + rank
        if recipe.kind == "teach":
            return Teaching(family, batches, recipe, size, seed, accelerator)
        teachers = {BASE: family.pipe.transformer}
        teachers |= {name: self._load(folder, accelerator).transformer for name, folder in recipe.teachers.items()}
        return Distillation(family, teachers, batches, recipe, size, seed, accelerator)

    def _load(self, folder: Path, accelerator: Accelerator) -> Any:
        """The pipeline in `folder`, on this process's device."""
        device = accelerator.device
        where = str(device) if device.type == "cuda" else device.type
        settings = DiffusersSettings(model=str(folder), dtype=self.recipe.dtype, device=where)
        return load_pipeline(settings, folder).pipe

    def _check(self) -> None:
        recipe = self.recipe
        mixed = recipe.mixture.categories()
        named = {
            "mixture": {name for names in mixed.values() for name in names},
            "schedule": {name for rule in recipe.schedule for name in rule.categories},
        }
        for where, names in named.items():
            if unknown := sorted(names - set(self.data.categories)):
                hint = f"`{recipe.data}` has {', '.join(self.data.categories)}"
                raise ConfigError(f"no category `{unknown[0]}`", where=where, hint=hint)
        for task, categories in mixed.items():
            for name in categories:
                try:
                    self.data.example(random.Random(0), task, name)
                except ValueError as error:
                    raise ConfigError(str(error), where=f"mixture.{task.value}", hint=f"remove `{name}`") from error
        if recipe.kind == "distill" and recipe.grid:
            try:
                check_schedule(recipe.schedule, len(recipe.grid.values(self.data.size)) - 1, mixed)
            except ValueError as error:
                raise ConfigError(str(error), where="schedule") from error

    def _check_tasks(self, family: Family) -> None:
        if impossible := set(self.recipe.mixture.categories()) - family.tasks:
            name, task = type(family.pipe).__name__, impossible.pop()
            hint = "set edit_share: 0" if task is Task.EDIT else "set edit_share: 1"
            raise ConfigError(f"a {name} can't do {task.value}", where="mixture", hint=hint)


def _any_process(should_stop: Callable[[], bool], accelerator: Accelerator) -> bool:
    """Whether any process is to stop; then all of them stop after the same step."""
    if accelerator.num_processes == 1:
        return should_stop()
    import torch

    votes: Any = accelerator.reduce(torch.tensor([float(should_stop())], device=accelerator.device), reduction="sum")
    return bool(votes.item())


@contextlib.contextmanager
def _autocast(accelerator: Accelerator, wanted: bool) -> Iterator[None]:
    import torch

    with torch.autocast(accelerator.device.type, dtype=torch.bfloat16, enabled=wanted):
        yield
