"""Runs a recipe: from its file to a trained pipeline, with checkpoints, progress and sample grids on the way.

    OUT/state.pt        everything a bit-equal continuation needs (tensors and numbers only)
    OUT/progress.jsonl  one line per step
    OUT/samples/N.png   the same prompts and noises, as training goes on
    OUT/model/          the trained pipeline, at the end

Interrupted or killed, the same command goes on from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
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
from evalkit.student.recipe.config import Recipe, read_recipe
from evalkit.student.recipe.distill import Distillation
from evalkit.student.recipe.family import Family, family_of
from evalkit.student.recipe.grids import SampleGrid
from evalkit.student.recipe.guidance import check_schedule
from evalkit.student.recipe.lora import add_lora
from evalkit.student.recipe.sample import sample_by
from evalkit.student.recipe.save import save_pipeline
from evalkit.student.recipe.teach import Teaching

if TYPE_CHECKING:
    from accelerate import Accelerator

Stop = Callable[[], bool]
"""Whether to stop after the step in hand."""
Trainer = Teaching | Distillation
MAY_CHANGE = frozenset({"steps", "checkpoint_every", "samples_every", "save_as"})
"""What a continuation may say otherwise than the run it goes on with."""


class RecipeRunner:
    """Trains what a recipe says [entry point `evalkit.recipes`].

    `finished` once the pipeline lies in `out/model`; `talks` in the process that should report.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, out: Path) -> None:
        """Raises `ConfigError` for a category the data has not, or a schedule that can't be."""
        self.recipe, self.data, self.out = recipe, data, out
        self.finished = False
        self.talks = True
        self._check()

    read = staticmethod(read_recipe)

    def run(self, stop: Stop = lambda: False) -> Iterator[dict[str, float]]:
        """The figures of each step as it is done; at the end the pipeline lies in `out/model`.

        Raises:
            ConfigError: a task that `base` can't do; a checkpoint of another recipe or another number of processes.
            UnavailableError: `base` or a teacher can't be loaded.
        """
        from accelerate import Accelerator

        recipe = self.recipe
        self.out.mkdir(parents=True, exist_ok=True)
        accelerator = Accelerator(mixed_precision="no")  # it places, counts and averages; precision is ours
        main = self.talks = accelerator.is_main_process
        family = family_of(self._load(recipe.base, accelerator))
        self._check_tasks(family)
        trainer = self._trainer(family, accelerator)
        state = self.out / "state.pt"
        if state.exists():
            _load_state(trainer, recipe, state, accelerator)
        if main:
            _keep_lines(self.out / "progress.jsonl", trainer.done)
        grid = SampleGrid(family, self.data, recipe, self.out / "samples") if main else None
        while trainer.done < recipe.steps and not _agreed(stop, accelerator):
            with _autocast(accelerator, recipe.autocast):
                figures = trainer.step()._asdict()
            if main:
                _append(self.out / "progress.jsonl", figures)
            if trainer.done % recipe.checkpoint_every == 0:
                _save_state(trainer, recipe, state, accelerator)
            if grid and trainer.done % recipe.samples_every == 0:
                with _autocast(accelerator, recipe.autocast):
                    grid.draw(trainer.trained(), trainer.done)
            yield figures
        _save_state(trainer, recipe, state, accelerator)
        self.finished = trainer.done >= recipe.steps
        if self.finished and main:
            trainer.finish()
            if recipe.grid and recipe.kind == "distill":
                sample_by(family.pipe, recipe.grid)
            save_pipeline(family.pipe, self.out / "model", recipe.save_as or recipe.dtype)
        accelerator.wait_for_everyone()

    def _trainer(self, family: Family, accelerator: Accelerator) -> Trainer:
        recipe = self.recipe
        rank, world = accelerator.process_index, accelerator.num_processes
        batches = Batches(
            self.data,
            recipe.mixture.composition(),
            family.tokenizer,
            recipe.batch_size,
            recipe.seed,
            recipe.unconditional if recipe.kind == "teach" else 0.0,
            rank,
            world,
        )
        seed = recipe.seed * 1000 + rank
        if recipe.kind == "teach":
            if recipe.lora:
                add_lora(family.pipe.transformer, recipe.lora.rank, recipe.lora.alpha, recipe.seed)
            self._checkpointing(family.pipe.transformer)
            return Teaching(family, batches, recipe.teach_settings(), self.data.size, seed, accelerator)
        teachers = {"base": family.pipe.transformer}
        teachers |= {name: self._load(folder, accelerator).transformer for name, folder in recipe.teachers.items()}
        lora = (recipe.lora.rank, recipe.lora.alpha) if recipe.lora else None
        trainer = Distillation(
            family, teachers, batches, recipe.distill_settings(self.data.size), self.data.size, seed, lora, accelerator
        )
        self._checkpointing(trainer.student)
        self._checkpointing(trainer.fake)
        return trainer

    def _load(self, folder: Path, accelerator: Accelerator) -> Any:
        """The pipeline in `folder`, on this process's device."""
        device = accelerator.device
        where = str(device) if device.type == "cuda" else device.type
        settings = DiffusersSettings(model=str(folder), dtype=self.recipe.dtype, device=where)
        return load_pipeline(settings, folder).pipe

    def _checkpointing(self, transformer: Any) -> None:
        if self.recipe.gradient_checkpointing:
            transformer.enable_gradient_checkpointing()

    def _check(self) -> None:
        recipe = self.recipe
        given = recipe.mixture.categories()
        mixed = {name for names in given.values() for name in names}
        ruled = {name for rule in recipe.schedule for name in rule.categories}
        for where, used in (("mixture", mixed), ("schedule", ruled)):
            if unknown := sorted(used - set(self.data.categories)):
                hint = f"`{recipe.data}` has {', '.join(self.data.categories)}"
                raise ConfigError(f"no category `{unknown[0]}`", where=where, hint=hint)
        for task, names in given.items():
            for name in names:
                try:
                    self.data.example(random.Random(0), task, name)
                except ValueError as error:
                    raise ConfigError(str(error), where=f"mixture.{task.value}", hint=f"remove `{name}`") from error
        if recipe.kind == "distill":
            settings = recipe.distill_settings(self.data.size)
            try:
                check_schedule(settings.schedule, settings.nfe, given)
            except ValueError as error:
                raise ConfigError(str(error), where="schedule") from error

    def _check_tasks(self, family: Family) -> None:
        if impossible := set(self.recipe.mixture.categories()) - family.tasks:
            name, task = type(family.pipe).__name__, impossible.pop()
            hint = "set edit_share: 0" if task is Task.EDIT else "set edit_share: 1"
            raise ConfigError(f"a {name} can't do {task.value}", where="mixture", hint=hint)


def _agreed(stop: Stop, accelerator: Accelerator) -> bool:
    """Whether any process is to stop: then all do, after the same step."""
    if accelerator.num_processes == 1:
        return stop()
    import torch

    votes: Any = accelerator.reduce(torch.tensor([float(stop())], device=accelerator.device), reduction="sum")
    return bool(votes.item())


@contextlib.contextmanager
def _autocast(accelerator: Accelerator, wanted: bool) -> Iterator[None]:
    import torch

    with torch.autocast(accelerator.device.type, dtype=torch.bfloat16, enabled=wanted):
        yield


def _append(path: Path, figures: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")


def _keep_lines(path: Path, count: int) -> None:
    """Drop the steps that are done again: those after the checkpoint."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:count]), encoding="utf-8")


def _fixed(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude=set(MAY_CHANGE))


def _save_state(trainer: Trainer, recipe: Recipe, path: Path, accelerator: Accelerator) -> None:
    """Write the state, whole or not at all, with the recipe and every process's own stream of random numbers."""
    import torch
    from accelerate.utils import gather_object

    streams = gather_object([trainer.random.get_state()])
    if accelerator.is_main_process:
        temporary = path.with_suffix(".writing")
        state = trainer.state_dict() | {"streams": streams, "recipe": json.dumps(_fixed(recipe))}
        torch.save(state, temporary)
        os.replace(temporary, path)
    accelerator.wait_for_everyone()


def _load_state(trainer: Trainer, recipe: Recipe, path: Path, accelerator: Accelerator) -> None:
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        began, now = json.loads(state["recipe"]), _fixed(recipe)
        if other := sorted(key for key in now if began.get(key) != now[key]):
            raise ValueError(f"it was begun with another `{other[0]}`")
        trainer.load_state_dict(state)
        streams = state["streams"]
    except (KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        why = str(error).splitlines() or ["it is empty"]
        what = f"the checkpoint does not fit this recipe: {why[0]}"
        raise ConfigError(what, where=str(path), hint="remove it to start anew, or give another --out") from error
    if len(streams) != accelerator.num_processes:
        what = f"the checkpoint is of {len(streams)} processes, not of {accelerator.num_processes}"
        raise ConfigError(what, where=str(path), hint=f"accelerate launch --num_processes {len(streams)} …")
    trainer.random.set_state(streams[accelerator.process_index])
