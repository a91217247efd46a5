"""Tile scenes as training data. Held-out words never occur here."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from functools import partial
from typing import cast

from pydantic import Field

from evalkit.api import settings as base
from evalkit.api.records import Task
from evalkit.api.training import Example
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.edit import sample_edit
from evalkit.benchmarks.tiles.prompt import prompt_of
from evalkit.benchmarks.tiles.sample import TOLD, sample_scene
from evalkit.benchmarks.tiles.scene import CATEGORIES, SIDE, Category
from evalkit.benchmarks.tiles.words import training_word

CORPUS = 4000
HARD_EDITS = ("background", "recolor", "move")


class TileTrainingData:
    """Prompts, edits and pictures of tile scenes, as many as you like."""

    size = (SIDE, SIDE)
    categories: tuple[str, ...] = CATEGORIES

    class Settings(base.Settings):
        """Settings. `told`: share of the things whose place the prompt states. `single`: share of the scenes with at
        most one thing, for the start of training: a model learns places many times faster from single things whose
        place the prompt states. `hard_edits`: share of additional edits of the kinds that are learnt last.
        """

        told: float = Field(TOLD, ge=0, le=1)
        single: float = Field(0.0, ge=0, le=1)
        hard_edits: float = Field(0.0, ge=0, le=1)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def example(self, rng: random.Random, task: Task, category: str) -> Example:
        """One example; edits exist for `text` and `shapes`. Raises `ValueError` for edits of others."""
        scene = sample_scene(rng, cast(Category, category), training_word, self._settings.told)
        if self._settings.single and rng.random() < self._settings.single:
            scene = dataclasses.replace(scene, marks=() if scene.word else scene.marks[:1])
        if task is Task.T2I:
            return Example(prompt_of(scene), category, partial(draw_tiles, scene))
        hard = self._settings.hard_edits and rng.random() < self._settings.hard_edits
        edit = sample_edit(rng, scene, training_word, rng.choice(HARD_EDITS)) if hard else None
        edit = edit or sample_edit(rng, scene, training_word)
        if edit is None:
            raise ValueError(f"no edit of a scene of category {category!r}")
        before, after = partial(draw_tiles, edit.before), partial(draw_tiles, edit.after)
        return Example(edit.instruction, category, after, before)

    def corpus(self) -> Iterable[str]:
        rng = random.Random("corpus")
        for number in range(CORPUS):
            category = CATEGORIES[number % len(CATEGORIES)]
            yield self.example(rng, Task.T2I, category).prompt
            if category in EDITED:
                yield self.example(rng, Task.EDIT, category).prompt


EDITED: tuple[Category, ...] = ("text", "shapes")
"""Categories whose scenes can be edited."""
