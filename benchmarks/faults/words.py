"""Faults of whole words: one missing, one repeated, or one that the prompt does not ask for.

`height_px` selects the text as in `letters`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from evalkit.api.records import JSON, Box
from evalkit.benchmarks.faults.fault import ContentFault
from evalkit.benchmarks.faults.letters import with_lines
from evalkit.benchmarks.faults.pick import glyph_px, is_of_height
from evalkit.benchmarks.scenes.draw import Drawing
from evalkit.benchmarks.scenes.fonts import width_in_em
from evalkit.benchmarks.scenes.scene import Scene, TextBlock

EXTRA = ("new", "more", "today", "only", "best", "soon", "fresh", "open", "extra", "quiet")
"""Words that no scene asks for at the place where they are put."""


class _Place(NamedTuple):
    text: int
    line: int
    word: int


def drop_word(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Leave out one word; a text of one word vanishes. `None` if the scene has no text."""
    places = _places(scene, height_px)
    if not places:
        return None
    place = rng.choice(places)
    words = _words(scene, place)
    missing = words.pop(place.word)
    return _edited(scene, place, words, (0, 0), {"missing": missing})


def repeat_word(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Draw one word twice in a row. `None` if no line has room for it."""
    return _added(scene, clean, rng, height_px, lambda words, at: words[at])


def extra_word(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Add one word that was not asked for. `None` if no line has room for it."""
    said = {word.lower() for block in scene.texts for word in block.text.split()}
    word = rng.choice([word for word in EXTRA if word not in said])

    def styled(words: list[str], at: int) -> str:
        return word.upper() if words[at].isupper() else word.capitalize() if words[at].istitle() else word

    return _added(scene, clean, rng, height_px, styled)


def _added(
    scene: Scene, clean: Drawing, rng: random.Random, height_px: float, word_for: Callable[[list[str], int], str]
) -> ContentFault | None:
    places = _places(scene, height_px)
    rng.shuffle(places)
    for place in places:
        words = _words(scene, place)
        added = word_for(words, place.word)
        words.insert(place.word + 1, added)
        block = scene.texts[place.text]
        line = " ".join(words)
        width = width_in_em(line, block.face, block.tracking / block.size) * block.size
        drawn = next((text.box for text in clean.texts if text.id == block.id), None)
        if drawn is None or width > 0.94 * _room(block, drawn, scene.size):
            continue
        before = "".join("".join(block.lines[: place.line]).split()) + "".join("".join(words[: place.word + 1]).split())
        start = len(before)
        return _edited(scene, place, words, (start, start + len(added)), {"added": added})
    return None


def _room(block: TextBlock, drawn: Box, size: int) -> float:
    """Greatest width of the text, in px, at which it stays inside the picture with its present alignment."""
    middle = (drawn.x0 + drawn.x1) / 2
    return {"left": size - drawn.x0, "right": drawn.x1, "center": 2 * min(middle, size - middle)}[block.align]


def _places(scene: Scene, height_px: float) -> list[_Place]:
    return [
        _Place(index, row, word)
        for index, block in enumerate(scene.texts)
        if is_of_height(block, height_px)
        for row, line in enumerate(block.lines)
        for word in range(len(line.split()))
    ]


def _words(scene: Scene, place: _Place) -> list[str]:
    return scene.texts[place.text].lines[place.line].split()


def _edited(
    scene: Scene, place: _Place, words: list[str], characters: tuple[int, int], detail: dict[str, JSON]
) -> ContentFault:
    block = scene.texts[place.text]
    lines = (*block.lines[: place.line], " ".join(words), *block.lines[place.line + 1 :])
    changed = with_lines(scene, place.text, lines)
    drawn = " ".join(" ".join(lines).split())
    told = {"expected": block.text, "drawn": drawn, **detail, "height_px": round(glyph_px(block), 1)}
    return ContentFault(changed, place.text, characters, 1.0, "words", told)
