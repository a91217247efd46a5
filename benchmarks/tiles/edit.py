"""Instructions that change a tile scene, with the scene that must result."""

from __future__ import annotations

import dataclasses
import random
from typing import NamedTuple

from evalkit.benchmarks.tiles.prompt import described, name_of
from evalkit.benchmarks.tiles.sample import WordSource, free_places, free_rows, readable_on
from evalkit.benchmarks.tiles.scene import BANDS, COLORS, SHAPE_KINDS, Mark, TileScene, Word

KINDS = ("background", "text", "recolor", "move", "add", "remove")
"""Kinds of edits: change the ground's colour, the word, a colour or a place; add or remove a shape."""


class Edit(NamedTuple):
    """An instruction, and the scene before and after it."""

    kind: str
    instruction: str
    before: TileScene
    after: TileScene


def sample_edit(rng: random.Random, scene: TileScene, word: WordSource, kind: str | None = None) -> Edit | None:
    """An edit of `scene` (category `text` or `shapes`); `None` if the scene does not allow one of `kind`."""
    kinds = [kind] if kind else rng.sample(KINDS, len(KINDS))
    for each in kinds:
        made = _MAKERS[each](rng, scene, word)
        if made:
            return Edit(each, made[0], scene, made[1])
    return None


EditResult = tuple[str, TileScene] | None


def _background(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    inks = {mark.color for mark in scene.marks} | ({scene.word.color} if scene.word else set())
    grounds = [color for color in COLORS if color != scene.ground and inks <= set(readable_on(color))]
    if not grounds:
        return None
    ground = rng.choice(grounds)
    return f"Change the background to {ground}.", dataclasses.replace(scene, ground=ground)


def _text(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    if not scene.word:
        return None
    text = word(rng)
    if text == scene.word.text:
        return None
    return f'Write "{text}" as the text.', dataclasses.replace(scene, word=dataclasses.replace(scene.word, text=text))


def _recolor(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    targets: list[Mark | Word] = [*scene.marks, *([scene.word] if scene.word else [])]
    if not targets:
        return None
    target = rng.choice(targets)
    color = rng.choice([c for c in readable_on(scene.ground) if c != target.color] or [""])
    if not color:
        return None
    if isinstance(target, Mark):
        return f"Make {name_of(target)} {color}.", _with(scene, target, dataclasses.replace(target, color=color))
    return f"Make the text {color}.", dataclasses.replace(scene, word=dataclasses.replace(target, color=color))


def _move(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    rows = free_rows(scene)
    if scene.word and rows and (not scene.marks or rng.random() < 0.5):
        row = rng.choice(rows)
        moved = dataclasses.replace(scene.word, row=row)
        return f"Move the text to the {BANDS[row]}.", dataclasses.replace(scene, word=moved)
    places = free_places(scene.word, scene.marks)
    if not scene.marks or not places:
        return None
    mark = rng.choice(scene.marks)
    row, column = rng.choice(places)
    placed = dataclasses.replace(mark, row=row, column=column, told=True)
    return f"Move {name_of(mark)} to the {placed.place}.", _with(scene, mark, placed)


def _add(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    kinds = [kind for kind in SHAPE_KINDS if all(mark.kind != kind for mark in scene.marks)]
    places = free_places(scene.word, scene.marks)
    if not kinds or not places:
        return None
    mark = Mark(rng.choice(kinds), rng.choice(readable_on(scene.ground)), *rng.choice(places))
    after = dataclasses.replace(scene, marks=(*scene.marks, mark))
    return f"Add {described(mark)}.", after


def _remove(rng: random.Random, scene: TileScene, word: WordSource) -> EditResult:
    if not scene.marks or (len(scene.marks) == 1 and not scene.word):
        return None
    mark = rng.choice(scene.marks)
    after = dataclasses.replace(scene, marks=tuple(m for m in scene.marks if m is not mark))
    return f"Remove {name_of(mark)}.", after


def _with(scene: TileScene, old: Mark, new: Mark) -> TileScene:
    return dataclasses.replace(scene, marks=tuple(new if mark is old else mark for mark in scene.marks))


_MAKERS = {"background": _background, "text": _text, "recolor": _recolor, "move": _move, "add": _add, "remove": _remove}
