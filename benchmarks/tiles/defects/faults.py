"""One defect of a stated kind and size, put on what a picture shows."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Callable
from typing import cast

from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.defects import overlays
from evalkit.benchmarks.tiles.defects.differ import PLACE_UNIT, color_size
from evalkit.benchmarks.tiles.defects.shown import Overlay, Shown, clipped, mixed, parts
from evalkit.benchmarks.tiles.sample import WordSource, free_places, free_rows, readable_on
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, MAX_LETTERS, SHAPE_KINDS, SIDE, SKINS, TILE, Mark, Word

Fault = Callable[[random.Random, Shown, float, WordSource], Shown | None]
"""Puts a defect of a size (in thresholds; ignored by kinds that have but one) on a picture; `None` where it can't."""


def _word(shown: Shown, text: str) -> Shown:
    scene = shown.scene
    return dataclasses.replace(
        shown, scene=dataclasses.replace(scene, word=dataclasses.replace(cast(Word, scene.word), text=text))
    )


def letters(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """As many wrong letters as the size says: 2 is one."""
    if not shown.scene.word:
        return None
    text = list(shown.scene.word.text)
    for place in rng.sample(range(len(text)), max(1, min(len(text), round(size) - 1))):
        text[place] = rng.choice([char for char in string.ascii_uppercase if char != text[place]])
    return _word(shown, "".join(text))


def drop_letter(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A letter left out."""
    if not shown.scene.word:
        return None
    text, place = shown.scene.word.text, rng.randrange(len(shown.scene.word.text))
    return _word(shown, text[:place] + text[place + 1 :])


def double_letter(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A letter written twice."""
    if not shown.scene.word or len(shown.scene.word.text) >= MAX_LETTERS:
        return None
    text, place = shown.scene.word.text, rng.randrange(len(shown.scene.word.text))
    return _word(shown, text[: place + 1] + text[place:])


def swap_letters(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Two neighbours exchanged."""
    text = shown.scene.word.text if shown.scene.word else ""
    places = [i for i in range(len(text) - 1) if text[i] != text[i + 1]]
    if not places:
        return None
    i = rng.choice(places)
    return _word(shown, text[:i] + text[i + 1] + text[i] + text[i + 2 :])


def other_word(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Another word."""
    return _word(shown, word(rng)) if shown.scene.word else None


def no_word(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """No word at all."""
    return dataclasses.replace(shown, scene=dataclasses.replace(shown.scene, word=None)) if shown.scene.word else None


def extra_word(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A word where none was asked for."""
    scene = shown.scene
    rows = free_rows(scene)
    if scene.word or scene.figure or scene.land or not rows:
        return None
    extra = Word(word(rng), rng.choice(readable_on(scene.ground)), rng.choice(rows))
    return dataclasses.replace(shown, scene=dataclasses.replace(scene, word=extra))


def garbled(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Letters with bent strokes: one, several or all."""
    boxes = [_box(shown, i) for i, part in enumerate(parts(shown)) if part.name == "word"]
    if not boxes:
        return None
    first = rng.randrange(len(boxes))
    last = rng.randrange(first, len(boxes))
    box = boxes[first].union(boxes[last])
    return _over(shown, overlays.garble(box, size, rng.getrandbits(32)), "malformed", size, box)


def tint(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A part or the ground in a colour between its own and another."""
    name, own = rng.choice(_colors(shown))
    to = rng.choice(list(COLORS.values()))
    reach = color_size(own, to)
    if reach < min(size, 1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(12):  # ΔE grows with the share
        share = (low + high) / 2
        low, high = (share, high) if color_size(own, mixed(own, to, share)) < size else (low, share)
    return dataclasses.replace(shown, tint={**shown.tint, name: mixed(own, to, high)})


def recolor(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A part or the ground in another of the named colours."""
    return _recolored(rng, shown, rng.choice(_colors(shown))[0])


def restyled(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """The word in another of the named colours, in another row or out of place."""
    if not shown.scene.word:
        return None
    how, rows = rng.choice(("color", "row", "shift")), free_rows(shown.scene)
    if how == "row" and rows:
        moved = dataclasses.replace(shown.scene.word, row=rng.choice(rows))
        return dataclasses.replace(shown, scene=dataclasses.replace(shown.scene, word=moved))
    return _shifted(rng, shown, size, "word") if how == "shift" else _recolored(rng, shown, "word")


def gone(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A part that is not there."""
    names = [part.name for part in parts(shown) if part.name != "word"]
    return dataclasses.replace(shown, gone=shown.gone | {rng.choice(names)}) if names else None


def extra_shape(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A shape nobody asked for; a second sun."""
    scene = shown.scene
    if scene.figure:
        return None
    if scene.land:
        columns = [COLUMNS[name] - COLUMNS[scene.land.column] for name in COLUMNS if name != scene.land.column]
        return dataclasses.replace(shown, doubled={**shown.doubled, "sun": (rng.choice(columns) * TILE, 0)})
    kinds = [kind for kind in SHAPE_KINDS if all(mark.kind != kind for mark in scene.marks)]
    places = free_places(scene.word, scene.marks)
    if not kinds or not places:
        return None
    mark = Mark(rng.choice(kinds), rng.choice(readable_on(scene.ground)), *rng.choice(places))
    return dataclasses.replace(shown, scene=dataclasses.replace(scene, marks=(*scene.marks, mark)))


def other_shape(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A shape of another kind."""
    marks = list(shown.scene.marks)
    kinds = [kind for kind in SHAPE_KINDS if all(mark.kind != kind for mark in marks)]
    if not marks or not kinds:
        return None
    i = rng.randrange(len(marks))
    marks[i] = dataclasses.replace(marks[i], kind=rng.choice(kinds))
    return dataclasses.replace(shown, scene=dataclasses.replace(shown.scene, marks=tuple(marks)))


def other_place(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A shape, the word or the sun at another place of the grid."""
    scene, rows = shown.scene, free_rows(shown.scene)
    if scene.land:
        column = rng.choice([name for name in COLUMNS if name != scene.land.column])
        moved = dataclasses.replace(scene, land=dataclasses.replace(scene.land, column=column))
        return dataclasses.replace(shown, scene=moved)
    if scene.word and rows and (not scene.marks or rng.random() < 0.5):
        moved = dataclasses.replace(scene, word=dataclasses.replace(scene.word, row=rng.choice(rows)))
        return dataclasses.replace(shown, scene=moved)
    places = free_places(scene.word, scene.marks)
    if not scene.marks or not places:
        return None
    marks, i = list(scene.marks), rng.randrange(len(scene.marks))
    row, column = rng.choice(places)
    marks[i] = dataclasses.replace(marks[i], row=row, column=column)
    return dataclasses.replace(shown, scene=dataclasses.replace(scene, marks=tuple(marks)))


def shifted(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A shape, the word, the sun or the head some px out of place."""
    names = [part.name for part in parts(shown) if part.name not in ("land", "hair", "shirt")]
    return _shifted(rng, shown, size, rng.choice(names)) if names else None


def two_heads(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """A second head beside the first."""
    if not shown.scene.figure:
        return None
    return dataclasses.replace(shown, doubled={**shown.doubled, "head": (rng.choice((-1, 1)) * rng.randint(22, 40), 0)})


def grain(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Grain on a patch of the ground or all of it."""
    box = Box(0, 0, SIDE, SIDE)
    if rng.random() < 0.5:
        width, height = rng.randint(40, 100), rng.randint(40, 100)
        x, y = rng.randint(0, SIDE - width), rng.randint(0, SIDE - height)
        box = Box(x, y, x + width, y + height)
    over = overlays.grain(box, size, rng.getrandbits(32), rng.choice((0.0, 1.0, 2.0)))
    return _over(shown, over, "grain", size, box)


def uneven(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Bands, a grid, blotches or a cast on the ground."""
    kind = rng.choice(overlays.UNEVEN)
    return _over(shown, overlays.uneven(kind, size, rng), kind, size, Box(0, 0, SIDE, SIDE))


def noisy(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Noise over everything."""
    return _over(shown, overlays.noise(size, rng.getrandbits(32)), "noise", size, Box(0, 0, SIDE, SIDE))


def blurred(rng: random.Random, shown: Shown, size: float, word: WordSource) -> Shown | None:
    """Blur over everything."""
    return _over(shown, overlays.blur(size), "blur", size, Box(0, 0, SIDE, SIDE))


FAULTS: dict[str, Fault] = {
    "letters": letters,
    "drop-letter": drop_letter,
    "double-letter": double_letter,
    "swap-letters": swap_letters,
    "other-word": other_word,
    "no-word": no_word,
    "extra-word": extra_word,
    "garbled": garbled,
    "tint": tint,
    "recolor": recolor,
    "restyled": restyled,
    "gone": gone,
    "extra-shape": extra_shape,
    "other-shape": other_shape,
    "other-place": other_place,
    "shifted": shifted,
    "two-heads": two_heads,
    "grain": grain,
    "uneven": uneven,
    "noisy": noisy,
    "blurred": blurred,
}


def _over(shown: Shown, overlay: Overlay, kind: str, size: float, box: Box) -> Shown:
    return dataclasses.replace(
        shown,
        overlays=(*shown.overlays, overlay),
        sizes={**shown.sizes, kind: max(size, shown.sizes.get(kind, 0.0))},
        boxes=(*shown.boxes, (kind, box)),
    )


def _box(shown: Shown, index: int) -> Box:
    _, (x0, y0, x1, y1) = clipped(parts(shown)[index].layer)
    return Box(x0, y0, x1, y1)


def _colors(shown: Shown) -> list[tuple[str, RGB]]:
    """Parts and the ground with their colours."""
    made = {part.name: part.layer.color for part in parts(shown)}
    return [*made.items(), ("ground", shown.tint.get("ground", COLORS[shown.scene.ground]))]


def _recolored(rng: random.Random, shown: Shown, name: str) -> Shown:
    own = dict(_colors(shown))[name]
    known = list((SKINS if name == "head" else COLORS).values())
    others = [color for color in known if color_size(own, color) > 2.0]
    return dataclasses.replace(shown, tint={**shown.tint, name: rng.choice(others)})


def _shifted(rng: random.Random, shown: Shown, size: float, name: str) -> Shown:
    px = max(1, round(size * PLACE_UNIT))
    dx, dy = rng.choice(((px, 0), (-px, 0), (0, px), (0, -px)))
    return dataclasses.replace(shown, shift={**shown.shift, name: (dx, dy)})
