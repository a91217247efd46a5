"""The state of a training run in its folder: `state.pt`, to continue bit-equally, and the lines of `progress.jsonl`."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.api.errors import ConfigError
from evalkit.student.recipe.config import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Generator

MAY_CHANGE = frozenset({"steps", "checkpoint_every", "samples_every", "save_as"})
"""Keys of a recipe that may differ between a run and its continuation."""


class Resumable(Protocol):
    """A training whose state can be saved; `random` is this process's own stream of random numbers."""

    random: Generator

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to continue."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from such a state."""
        ...


def save_state(training: Resumable, recipe: Recipe, path: Path, accelerator: Accelerator) -> None:
    """Write the state atomically, with the recipe and the stream of random numbers of every process."""
    import torch
    from accelerate.utils import gather_object

    streams = gather_object([training.random.get_state()])
    if accelerator.is_main_process:
        temporary = path.with_suffix(".writing")
        state = training.state_dict() | {"streams": streams, "recipe": json.dumps(_fixed_keys(recipe))}
        torch.save(state, temporary)
        os.replace(temporary, path)
    accelerator.wait_for_everyone()


def load_state(training: Resumable, recipe: Recipe, path: Path, accelerator: Accelerator) -> None:
    """Continue from the state in `path`; nothing but tensors, numbers and strings is read from it.

    Raises:
        ConfigError: it is damaged, or from another recipe or another number of processes.
    """
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        before, now = json.loads(state["recipe"]), _fixed_keys(recipe)
        if changed := sorted(key for key in now if before.get(key) != now[key]):
            raise ValueError(f"it was begun with another `{changed[0]}`")
        training.load_state_dict(state)
        streams = state["streams"]
    except (KeyError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        why = str(error).splitlines() or ["it is empty"]
        what = f"the checkpoint does not fit this recipe: {why[0]}"
        raise ConfigError(what, where=str(path), hint="remove it to start anew, or give another --out") from error
    if len(streams) != accelerator.num_processes:
        what = f"the checkpoint is from {len(streams)} processes, but {accelerator.num_processes} are running"
        raise ConfigError(what, where=str(path), hint=f"accelerate launch --num_processes {len(streams)} …")
    training.random.set_state(streams[accelerator.process_index])


def append_line(path: Path, figures: dict[str, float]) -> None:
    """Add the figures of one step to `progress.jsonl`."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")


def keep_lines(path: Path, count: int) -> None:
    """Remove the lines after the first `count`: steps after the last checkpoint are done again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:count]), encoding="utf-8")


def _fixed_keys(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude=set(MAY_CHANGE))
