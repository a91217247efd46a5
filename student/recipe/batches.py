"""Batches for training, by number. A batch follows from the seed and its number alone, so that a run can be resumed.

All prompts of a batch have the same number of tokens: the family's transformer takes its layout from the first row, and
a padded prompt would be encoded differently than at inference.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evalkit.api.records import Task
from evalkit.api.training import Example, TrainingData
from evalkit.student.recipe.config import Mixture

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

DRAWN_AT_ONCE = 128
"""Examples that are drawn together when a batch looks for prompts of one length."""


class Batch(NamedTuple):
    """Prompts of one task (empty in an unconditional batch), their source pictures if any, and their examples."""

    task: Task
    prompts: list[str]
    sources: list[Image] | None
    examples: list[Example]

    def pictures(self) -> Tensor:
        """Target pictures, drawn now, float32 (B, 3, H, W) in [-1, 1]."""
        import torch

        drawn = np.stack([example.picture() for example in self.examples])
        return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 127.5 - 1


class Batches:
    """The numbered batches of one training run."""

    def __init__(
        self,
        data: TrainingData,
        mixture: Mixture,
        tokenizer: object,
        batch_size: int,
        seed: int,
        unconditional: float = 0.0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """`unconditional` is the share of batches whose prompts are left out, for classifier-free guidance.

        `rank` and `world` are the number of this process and the number of processes. Batch n of this process is batch
        n * `world` + `rank` of the whole training.
        """
        self._data = data
        self._mixture = mixture
        self._tokenizer = tokenizer
        self._batch_size = batch_size
        self.seed = seed
        self._unconditional = unconditional
        self._rank, self._world = rank, world

    def __getitem__(self, number: int) -> Batch:
        rng = random.Random(f"{self.seed}/{number * self._world + self._rank}")
        task = Task.EDIT if rng.random() < self._mixture.edit_share_of(number) else Task.T2I
        if rng.random() < self._unconditional:
            examples = [self._example(rng, task) for _ in range(self._batch_size)]
            return self._batch(task, examples, [""] * self._batch_size)
        examples = self._of_equal_length(rng, task)
        return self._batch(task, examples, [example.prompt for example in examples])

    def _of_equal_length(self, rng: random.Random, task: Task) -> list[Example]:
        found: list[Example] = []
        wanted: int | None = None
        while len(found) < self._batch_size:
            drawn = [self._example(rng, task) for _ in range(DRAWN_AT_ONCE)]
            lengths = token_counts(self._tokenizer, [example.prompt for example in drawn])
            wanted = lengths[0] if wanted is None else wanted
            found += [example for example, length in zip(drawn, lengths, strict=True) if length == wanted]
        return found[: self._batch_size]

    def _example(self, rng: random.Random, task: Task) -> Example:
        weights = self._mixture.t2i if task is Task.T2I else self._mixture.edit
        (category,) = rng.choices(list(weights), list(weights.values()))
        return self._data.example(rng, task, category)

    @staticmethod
    def _batch(task: Task, examples: list[Example], prompts: list[str]) -> Batch:
        from PIL import Image

        sources = [Image.fromarray(example.source()) for example in examples if example.source]
        return Batch(task, prompts, sources or None, examples)


def token_counts(tokenizer: object, prompts: list[str]) -> list[int]:
    """Number of tokens of each prompt."""
    encoded = tokenizer(prompts, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
    return [len(ids) for ids in encoded]
