"""Faults of single letters: one replaced, dropped or doubled, or two swapped.

`height_px` selects a text whose capitals are about that tall (see `benchmarks.faults.pick`); 0 allows any text.
"""

from __future__ import annotations

import dataclasses
import random
from typing import NamedTuple

from evalkit.benchmarks.faults.fault import ContentFault
from evalkit.benchmarks.faults.pick import glyph_px, is_of_height
from evalkit.benchmarks.scenes.draw import Drawing
from evalkit.benchmarks.scenes.scene import Scene, TextBlock

LOOKALIKES = {
    "a": "oe", "b": "dh", "c": "eo", "d": "bc", "e": "ca", "f": "t", "g": "qy", "h": "bn", "i": "lj", "j": "i",
    "k": "h", "l": "it", "m": "nw", "n": "mu", "o": "ae", "p": "qb", "q": "gp", "r": "nv", "s": "za", "t": "fl",
    "u": "nv", "v": "yu", "w": "vm", "x": "yk", "y": "vg", "z": "sx",
    "0": "86", "1": "74", "2": "75", "3": "85", "4": "91", "5": "63", "6": "85", "7": "12", "8": "36", "9": "84",
}  # fmt: skip
"""Letters of similar shape, which models confuse. Capitals follow from the small letters."""


class _Spot(NamedTuple):
    text: int
    line: int
    column: int
    inked: int
    """Number of characters of the text before this one that leave ink."""


def substitute_letter(
    scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0
) -> ContentFault | None:
    """Replace one letter or digit by one that looks like it. `None` if no text has a letter or digit."""
    spot = _pick(scene, rng, height_px, shortest=1)
    if spot is None:
        return None
    char = _char(scene, spot)
    other = rng.choice(LOOKALIKES[char.lower()])
    other = other.upper() if char.isupper() else other
    return _edited(scene, spot, other, 1)


def drop_letter(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Leave one letter out of a word of three or more letters. `None` if no text has such a word."""
    spot = _pick(scene, rng, height_px, shortest=3)
    return _edited(scene, spot, "", 0) if spot else None


def double_letter(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Draw one letter twice. `None` if no text has a letter."""
    spot = _pick(scene, rng, height_px, shortest=2)
    return _edited(scene, spot, 2 * _char(scene, spot), 2) if spot else None


def swap_letters(scene: Scene, clean: Drawing, rng: random.Random, *, height_px: float = 0.0) -> ContentFault | None:
    """Exchange two different letters that follow each other in one word. `None` if there are no such letters."""
    spots = []
    for index, block in enumerate(scene.texts):
        for spot in _spots(index, block, 3) if is_of_height(block, height_px) else ():
            line = block.lines[spot.line]
            one, other = line[spot.column], line[spot.column + 1 : spot.column + 2]
            if other.lower() in LOOKALIKES and other != one and other.isupper() == one.isupper():
                spots.append(spot)
    if not spots:
        return None
    spot = rng.choice(spots)
    line = scene.texts[spot.text].lines[spot.line]
    pair = line[spot.column : spot.column + 2]
    return _edited(scene, spot, pair[::-1], 2, replaced=2)


def with_lines(scene: Scene, index: int, lines: tuple[str, ...]) -> Scene:
    """The scene with other lines in its text number `index`."""
    old = scene.texts[index]
    items = tuple(dataclasses.replace(old, lines=lines) if item is old else item for item in scene.items)
    return dataclasses.replace(scene, items=items)


def _char(scene: Scene, spot: _Spot) -> str:
    return scene.texts[spot.text].lines[spot.line][spot.column]


def _pick(scene: Scene, rng: random.Random, height_px: float, *, shortest: int) -> _Spot | None:
    texts = [(i, block) for i, block in enumerate(scene.texts) if is_of_height(block, height_px)]
    spots = [spot for i, block in texts for spot in _spots(i, block, shortest)]
    return rng.choice(spots) if spots else None


def _spots(index: int, block: TextBlock, shortest: int) -> list[_Spot]:
    spots, inked = [], 0
    for row, line in enumerate(block.lines):
        for column, char in enumerate(line):
            start, end = line.rfind(" ", 0, column) + 1, line.find(" ", column)
            word = line[start : end if end >= 0 else len(line)]
            if char.lower() in LOOKALIKES and len(word) >= shortest:
                spots.append(_Spot(index, row, column, inked))
            inked += not char.isspace()
    return spots


def _edited(scene: Scene, spot: _Spot, drawn: str, count: int, replaced: int = 1) -> ContentFault:
    lines = list(scene.texts[spot.text].lines)
    line = lines[spot.line]
    lines[spot.line] = line[: spot.column] + drawn + line[spot.column + replaced :]
    changed = with_lines(scene, spot.text, tuple(lines))
    detail = {
        "expected": scene.texts[spot.text].text,
        "drawn": changed.texts[spot.text].text,
        "height_px": round(glyph_px(scene.texts[spot.text]), 1),
    }
    # a dropped letter shows in its neighbours
    start, stop = (spot.inked, spot.inked + count) if count else (max(spot.inked - 1, 0), spot.inked + 1)
    return ContentFault(changed, spot.text, (start, stop), 1.0, "letters", detail)
