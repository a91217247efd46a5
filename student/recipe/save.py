"""Writes a trained pipeline as a diffusers folder: safetensors only, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

INDEX = "model_index.json"


def save_pipeline(pipe: Any, folder: Path, dtype: str = "float32") -> None:
    """Save `pipe` to `folder`, in place of what is there; its weights are cast to `dtype` for good.

    diffusers names the package of a class it does not know by its first word only; parts of our own are named by the
    module that holds them, which is what the loader allows.
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
