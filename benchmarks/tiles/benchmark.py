"""A benchmark of any number of tile scenes and edits of them, for the mini models."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from math import floor
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from evalkit.api import settings as base
from evalkit.api.protocols import BenchmarkInfo
from evalkit.api.records import Case
from evalkit.benchmarks.tiles.case import edit_case, tile_case
from evalkit.benchmarks.tiles.edit import KINDS, Edit, sample_edit
from evalkit.benchmarks.tiles.provenance import tiles_version
from evalkit.benchmarks.tiles.sample import TOLD, WordSource, sample_scene
from evalkit.benchmarks.tiles.scene import CATEGORIES, MAX_LETTERS, Category
from evalkit.benchmarks.tiles.sources import cached_source
from evalkit.benchmarks.tiles.training import EDITED
from evalkit.benchmarks.tiles.words import HELD_OUT, TRAINED, held_out_word
from evalkit.formats.keys import digest

VERSION = "2"
Words = Literal["held-out", "trained", "letters"]


class TilesBenchmark:
    """Small flat designs on a grid of 16 px and edits of them, for which the mini models were made."""

    class Settings(base.Settings):
        """Settings. `edit_share`: share of edits. `told`: share of the things whose place the prompt states; the places
        of the rest are left open, which is hard for few-step models. `words`: words kept out of training, words used in
        training, or random letters. `start`: number of the first case, so that a run can be split."""

        primary: ClassVar[str] = "count"
        count: int = Field(default=100, ge=1)
        seed: int = 0
        edit_share: float = Field(default=0.3, ge=0.0, le=1.0)
        told: float = Field(default=TOLD, ge=0.0, le=1.0)
        categories: tuple[Category, ...] = Field(default=CATEGORIES, min_length=1)
        words: Words = "held-out"
        start: int = Field(default=0, ge=0)

        @model_validator(mode="after")
        def _editable(self) -> TilesBenchmark.Settings:
            if self.edit_share and not set(self.categories) & set(EDITED):
                raise ValueError(f"only {' and '.join(EDITED)} can be edited: set edit_share=0, or add one of them")
            return self

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def info(self) -> BenchmarkInfo:
        """`digest` covers the settings and the renderer, which determine every case."""
        content = digest("tiles", self._settings.model_dump(mode="json"), tiles_version())
        return BenchmarkInfo("tiles", VERSION, content, "Flat designs of 128 px on a grid, and edits.", "Apache-2.0")

    def cases(self) -> Iterator[Case]:
        """The cases in order. Case number n does not depend on `start` and `count`."""
        settings = self._settings
        for number in range(settings.start, settings.start + settings.count):
            rng = random.Random(f"tiles benchmark {settings.seed}/{number}")  # training never seeds with these words
            turn = turn_of(number, settings.edit_share, settings.categories)
            if turn.edit is None:
                scene = sample_scene(rng, turn.category, WORDS[settings.words], settings.told)
                yield tile_case(scene, f"{turn.category}-{number:06d}")
            else:
                edit = an_edit(rng, turn.category, turn.edit, WORDS[settings.words])
                yield edit_case(edit, f"edit-{turn.edit}-{number:06d}", cached_source(edit.before))


class Turn(NamedTuple):
    """What the next case is: a category and the kind of edit, `None` for a picture from scratch."""

    category: Category
    edit: str | None


def turn_of(number: int, edit_share: float, categories: tuple[Category, ...]) -> Turn:
    """The turn of case `number`. Kinds of edits and categories take turns; edits are spread evenly among the cases."""
    edits = floor(number * edit_share)
    if floor((number + 1) * edit_share) == edits:
        return Turn(categories[(number - edits) % len(categories)], None)
    pairs = edits_of(categories)
    category, kind = pairs[edits % len(pairs)]
    return Turn(category, kind)


def edits_of(categories: tuple[Category, ...]) -> list[tuple[Category, str]]:
    """Pairs of category and kind of edit: every kind equally often, the editable categories in turn."""
    able = [category for category in EDITED if category in categories]
    kinds = [kind for kind in KINDS if kind != "text" or "text" in able]
    return [("text" if kind == "text" else category, kind) for category in able for kind in kinds]


def an_edit(rng: random.Random, category: Category, kind: str, word: WordSource) -> Edit:
    """An edit of this kind, of the first sampled scene that allows one."""
    while True:
        edit = sample_edit(rng, sample_scene(rng, category, word), word, kind)
        if edit:
            return edit


def _letters(rng: random.Random) -> str:
    while True:
        word = "".join(rng.choice(string.ascii_uppercase) for _ in range(rng.randint(3, MAX_LETTERS)))
        if word not in HELD_OUT and word not in TRAINED:
            return word


def _trained(rng: random.Random) -> str:
    return rng.choice(TRAINED)


WORDS: dict[Words, WordSource] = {"held-out": held_out_word, "trained": _trained, "letters": _letters}
