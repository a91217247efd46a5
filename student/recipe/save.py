"""Writes a trained pipeline as a diffusers folder, with the sigma grid it was trained on.

Weights are safetensors only. The folder appears when it is complete.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from evalkit.student.recipe.config import Grid

INDEX = "model_index.json"


def save_pipeline(pipe: Any, folder: Path, dtype: str = "float32") -> None:
    """Save `pipe` to `folder`, replacing what is there. The weights of `pipe` itself are cast to `dtype`.

    Of a class it does not know, diffusers writes the top-level package only. The classes of our own minis are written
    with the module that holds them, because those are the names that the loader allows.
    """
    import torch

    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.to(getattr(torch, dtype))
    temporary = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    pipe.save_pretrained(temporary, safe_serialization=True)
    index = json.loads((temporary / INDEX).read_text(encoding="utf-8"))
    for name, part in pipe.components.items():
        module = type(part).__module__
        if module.partition(".")[0] not in ("diffusers", "transformers"):
            index[name] = [module, type(part).__name__]
    (temporary / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def set_sigma_grid(pipe: Any, grid: Grid) -> None:
    """Make a pipeline sample by the grid its student was trained on, instead of by its teacher's schedule.

    For a grid of `nfe` steps the scheduler gets the shift of the grid, so that `num_inference_steps: nfe` gives it.
    For a grid of `sigmas` the shift is 1 and the sigmas must be given when sampling; `QwenImage21Pipeline` stores them.
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
