"""Draws random tile scenes."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection

from evalkit.api.records import RGB
from evalkit.benchmarks.tiles.scene import (
    COLORS,
    COLUMNS,
    CUTS,
    FORMS,
    ROWS,
    SHAPE_KINDS,
    SKINS,
    Category,
    Land,
    Mark,
    Portrait,
    TileScene,
    Word,
)

MIN_CONTRAST = 2.2
"""Least WCAG contrast of everything with the ground it stands on."""
WordSource = Callable[[random.Random], str]


TOLD = 0.7
"""Share of the things in a scene whose place the prompt states."""


def sample_scene(rng: random.Random, category: Category, word: WordSource, told: float = TOLD) -> TileScene:
    """A random scene of `category`; its word, if it has one, comes from `word`."""
    ground = rng.choice(list(COLORS))
    if category == "portrait":
        hair, shirt = rng.sample([color for color in COLORS if color != ground], 2)
        return TileScene(category, ground, figure=Portrait(rng.choice(list(SKINS)), hair, shirt, rng.choice(CUTS)))
    if category == "landscape":
        hills, sun = rng.choice(readable_on(ground)), rng.choice(readable_on(ground))
        land = Land(hills, sun, rng.choice(list(COLUMNS)), rng.choice(FORMS), rng.random() < told)
        return TileScene(category, ground, land=land)
    set_word = _sample_word(rng, ground, word(rng), told) if category == "text" else None
    count = rng.choice((0, 1)) if set_word else rng.choice((1, 2))
    marks: list[Mark] = []
    for kind in rng.sample(SHAPE_KINDS, count):  # each kind at most once: "the circle" must be one
        row, column = rng.choice(free_places(set_word, marks))
        marks.append(Mark(kind, rng.choice(readable_on(ground)), row, column, rng.random() < told))
    marks.sort(key=lambda mark: not mark.told)
    return TileScene(category, ground, set_word, tuple(marks))


def _sample_word(rng: random.Random, ground: str, text: str, told: float) -> Word:
    return Word(text, rng.choice(readable_on(ground)), rng.choice(list(ROWS)), rng.random() < told)


def free_places(word: Word | None, marks: Collection[Mark]) -> list[tuple[str, str]]:
    """Places (row, column) that neither the word nor a shape holds."""
    taken = {(mark.row, mark.column) for mark in marks}
    rows = [row for row in ROWS if not word or row != word.row]
    return [(row, column) for row in rows for column in COLUMNS if (row, column) not in taken]


def free_rows(scene: TileScene) -> list[str]:
    """Bands that hold neither the word nor a shape."""
    taken = {mark.row for mark in scene.marks} | ({scene.word.row} if scene.word else set())
    return [row for row in ROWS if row not in taken]


def readable_on(ground: str) -> list[str]:
    """Colours that stand out on `ground`."""
    return [color for color in COLORS if contrast(COLORS[color], COLORS[ground]) >= MIN_CONTRAST]


def contrast(one: RGB, other: RGB) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: RGB) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
