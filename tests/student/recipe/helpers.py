"""What the tests of the recipe share: loading, data small enough to draw at once, and what has changed in a module."""

import random
from functools import partial

import numpy as np

from evalkit.api.records import Task
from evalkit.api.training import Example
from evalkit.student.pipelines.load import load_pipeline
from evalkit.student.pipelines.settings import DiffusersSettings
from evalkit.student.recipe.batches import Batches
from evalkit.student.recipe.config import Mixture
from evalkit.student.recipe.families import family_of

SIDE = 32
KINDS = [("q21", Task.T2I), ("q21", Task.EDIT), ("t2i", Task.T2I), ("edit", Task.EDIT)]
"""The checkpoints and what each is trained for."""
KIND_IDS = ["2.1-t2i", "2.1-edit", "1.x-t2i", "1.x-edit"]


class FlatData:
    """Flat colours, and edits from one to another; prompts of two lengths."""

    size = (SIDE, SIDE)
    categories = ("dark", "light")

    def example(self, rng: random.Random, task: Task, category: str) -> Example:
        low = 0 if category == "dark" else 128
        color, other = ([low + rng.randrange(128) for _ in range(3)] for _ in range(2))
        words = "{:02x}{:02x}{:02x}".format(*color) + "!" * rng.randrange(2)
        source = partial(_flat, other) if task is Task.EDIT else None
        return Example(f"paint {words}", category, partial(_flat, color), source)

    def corpus(self) -> list[str]:
        return ["paint 00ff00"]


def _flat(color: list[int]) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), color, np.uint8)


def load(folder):
    return load_pipeline(DiffusersSettings(model=str(folder), dtype="float32", device="cpu"), folder).pipe


def family(folder):
    return family_of(load(folder))


def batches(made, task, size=2, **rest):
    share = 1.0 if task is Task.EDIT else 0.0
    weights = {"dark": 1.0, "light": 1.0}
    return Batches(FlatData(), Mixture(edit_share=share, t2i=weights, edit=weights), made.tokenizer, size, 0, **rest)


def copy_of(module):
    return {name: weight.detach().clone() for name, weight in module.state_dict().items()}


def changed(before, module):
    """Names of the tensors of `module` that are no longer what they were."""
    import torch

    now = module.state_dict()
    assert now.keys() == before.keys()
    return {name for name in now if not torch.equal(now[name], before[name])}
