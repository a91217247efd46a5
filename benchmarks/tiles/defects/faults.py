"""Puts one defect of a stated kind and size into a depiction."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Callable
from typing import cast

from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.defects import overlays
from evalkit.benchmarks.tiles.defects.depiction import Depiction, Overlay, clipped, mixed, parts
from evalkit.benchmarks.tiles.defects.differ import PLACE_UNIT, color_size
from evalkit.benchmarks.tiles.sample import WordSource, free_places, free_rows, readable_on
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, MAX_LETTERS, SHAPE_KINDS, SIDE, SKINS, TILE, Mark, Word

Injector = Callable[[random.Random, Depiction, float, WordSource], Depiction | None]
"""Adds a defect of a size in visibility thresholds (kinds with a single size ignore it); `None` if impossible."""


def _word(depiction: Depiction, text: str) -> Depiction:
    scene = depiction.scene
    return dataclasses.replace(
        depiction, scene=dataclasses.replace(scene, word=dataclasses.replace(cast(Word, scene.word), text=text))
    )


def letters(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Replace letters: one for each 2 of the size."""
    if not depiction.scene.word:
        return None
    text = list(depiction.scene.word.text)
    for place in rng.sample(range(len(text)), max(1, min(len(text), round(size) - 1))):
        text[place] = rng.choice([char for char in string.ascii_uppercase if char != text[place]])
    return _word(depiction, "".join(text))


def drop_letter(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Leave a letter out."""
    if not depiction.scene.word:
        return None
    text, place = depiction.scene.word.text, rng.randrange(len(depiction.scene.word.text))
    return _word(depiction, text[:place] + text[place + 1 :])


def double_letter(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Write a letter twice."""
    if not depiction.scene.word or len(depiction.scene.word.text) >= MAX_LETTERS:
        return None
    text, place = depiction.scene.word.text, rng.randrange(len(depiction.scene.word.text))
    return _word(depiction, text[: place + 1] + text[place:])


def swap_letters(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Exchange two neighbouring letters."""
    text = depiction.scene.word.text if depiction.scene.word else ""
    places = [i for i in range(len(text) - 1) if text[i] != text[i + 1]]
    if not places:
        return None
    i = rng.choice(places)
    return _word(depiction, text[:i] + text[i + 1] + text[i] + text[i + 2 :])


def other_word(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Another word."""
    return _word(depiction, word(rng)) if depiction.scene.word else None


def no_word(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Leave out the word."""
    return (
        dataclasses.replace(depiction, scene=dataclasses.replace(depiction.scene, word=None))
        if depiction.scene.word
        else None
    )


def extra_word(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add a word where none was asked for."""
    scene = depiction.scene
    rows = free_rows(scene)
    if scene.word or scene.figure or scene.land or not rows:
        return None
    extra = Word(word(rng), rng.choice(readable_on(scene.ground)), rng.choice(rows))
    return dataclasses.replace(depiction, scene=dataclasses.replace(scene, word=extra))


def garbled(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Bend the strokes of one letter, of several or of all."""
    boxes = [_box(depiction, i) for i, part in enumerate(parts(depiction)) if part.name == "word"]
    if not boxes:
        return None
    first = rng.randrange(len(boxes))
    last = rng.randrange(first, len(boxes))
    box = boxes[first].union(boxes[last])
    return _over(depiction, overlays.garble(box, size, rng.getrandbits(32)), "malformed", size, box)


def tint(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Give a part or the ground a colour between its own and another one."""
    name, own = rng.choice(_colors(depiction))
    to = rng.choice(list(COLORS.values()))
    reach = color_size(own, to)
    if reach < min(size, 1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(12):  # ΔE grows with the share
        share = (low + high) / 2
        low, high = (share, high) if color_size(own, mixed(own, to, share)) < size else (low, share)
    return dataclasses.replace(depiction, tint={**depiction.tint, name: mixed(own, to, high)})


def recolor(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Give a part or the ground another of the named colours."""
    return _recolored(rng, depiction, rng.choice(_colors(depiction))[0])


def restyled(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Give the word another of the named colours, move it to another row, or shift it by some px."""
    if not depiction.scene.word:
        return None
    how, rows = rng.choice(("color", "row", "shift")), free_rows(depiction.scene)
    if how == "row" and rows:
        moved = dataclasses.replace(depiction.scene.word, row=rng.choice(rows))
        return dataclasses.replace(depiction, scene=dataclasses.replace(depiction.scene, word=moved))
    return _shifted(rng, depiction, size, "word") if how == "shift" else _recolored(rng, depiction, "word")


def gone(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Leave out a part."""
    names = [part.name for part in parts(depiction) if part.name != "word"]
    return dataclasses.replace(depiction, gone=depiction.gone | {rng.choice(names)}) if names else None


def extra_shape(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add a shape that was not asked for, or a second sun."""
    scene = depiction.scene
    if scene.figure:
        return None
    if scene.land:
        columns = [COLUMNS[name] - COLUMNS[scene.land.column] for name in COLUMNS if name != scene.land.column]
        return dataclasses.replace(depiction, doubled={**depiction.doubled, "sun": (rng.choice(columns) * TILE, 0)})
    kinds = [kind for kind in SHAPE_KINDS if all(mark.kind != kind for mark in scene.marks)]
    places = free_places(scene.word, scene.marks)
    if not kinds or not places:
        return None
    mark = Mark(rng.choice(kinds), rng.choice(readable_on(scene.ground)), *rng.choice(places))
    return dataclasses.replace(depiction, scene=dataclasses.replace(scene, marks=(*scene.marks, mark)))


def other_shape(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Replace a shape by one of another kind."""
    marks = list(depiction.scene.marks)
    kinds = [kind for kind in SHAPE_KINDS if all(mark.kind != kind for mark in marks)]
    if not marks or not kinds:
        return None
    i = rng.randrange(len(marks))
    marks[i] = dataclasses.replace(marks[i], kind=rng.choice(kinds))
    return dataclasses.replace(depiction, scene=dataclasses.replace(depiction.scene, marks=tuple(marks)))


def other_place(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Move a shape, the word or the sun to another place of the grid."""
    scene, rows = depiction.scene, free_rows(depiction.scene)
    if scene.land:
        column = rng.choice([name for name in COLUMNS if name != scene.land.column])
        moved = dataclasses.replace(scene, land=dataclasses.replace(scene.land, column=column))
        return dataclasses.replace(depiction, scene=moved)
    if scene.word and rows and (not scene.marks or rng.random() < 0.5):
        moved = dataclasses.replace(scene, word=dataclasses.replace(scene.word, row=rng.choice(rows)))
        return dataclasses.replace(depiction, scene=moved)
    places = free_places(scene.word, scene.marks)
    if not scene.marks or not places:
        return None
    marks, i = list(scene.marks), rng.randrange(len(scene.marks))
    row, column = rng.choice(places)
    marks[i] = dataclasses.replace(marks[i], row=row, column=column)
    return dataclasses.replace(depiction, scene=dataclasses.replace(scene, marks=tuple(marks)))


def shifted(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Shift a shape, the word, the sun or the head by some px."""
    names = [part.name for part in parts(depiction) if part.name not in ("land", "hair", "shirt")]
    return _shifted(rng, depiction, size, rng.choice(names)) if names else None


def two_heads(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add a second head beside the first."""
    if not depiction.scene.figure:
        return None
    return dataclasses.replace(
        depiction, doubled={**depiction.doubled, "head": (rng.choice((-1, 1)) * rng.randint(22, 40), 0)}
    )


def grain(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add grain to a patch of the ground or to all of it."""
    box = Box(0, 0, SIDE, SIDE)
    if rng.random() < 0.5:
        width, height = rng.randint(40, 100), rng.randint(40, 100)
        x, y = rng.randint(0, SIDE - width), rng.randint(0, SIDE - height)
        box = Box(x, y, x + width, y + height)
    over = overlays.grain(box, size, rng.getrandbits(32), rng.choice((0.0, 1.0, 2.0)))
    return _over(depiction, over, "grain", size, box)


def uneven(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add bands, a grid, blotches or a colour cast to the ground."""
    kind = rng.choice(overlays.UNEVEN)
    return _over(depiction, overlays.uneven(kind, size, rng), kind, size, Box(0, 0, SIDE, SIDE))


def noisy(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add noise to the whole picture."""
    return _over(depiction, overlays.noise(size, rng.getrandbits(32)), "noise", size, Box(0, 0, SIDE, SIDE))


def noisy_patch(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Add noise to a half of the picture, or to a smaller patch of it."""
    half = SIDE // 2
    x0, y0, x1, y1 = rng.choice(((0, 0, half, SIDE), (half, 0, SIDE, SIDE), (0, 0, SIDE, half), (0, half, SIDE, SIDE)))
    if rng.random() < 0.5:
        width, height = rng.randint(24, 100), rng.randint(24, 100)
        x0, y0 = rng.randint(0, SIDE - width), rng.randint(0, SIDE - height)
        x1, y1 = x0 + width, y0 + height
    box, cell = Box(x0, y0, x1, y1), rng.choice((1, 1, 2))
    over = overlays.noise_in(box, size, rng.getrandbits(32), gray=rng.random() < 0.6, cell=cell)
    return _over(depiction, over, "noise", size, box)


def blurred(rng: random.Random, depiction: Depiction, size: float, word: WordSource) -> Depiction | None:
    """Blur the whole picture."""
    return _over(depiction, overlays.blur(size), "blur", size, Box(0, 0, SIDE, SIDE))


FAULTS: dict[str, Injector] = {
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
    "noisy-patch": noisy_patch,
    "blurred": blurred,
}


def _over(depiction: Depiction, overlay: Overlay, kind: str, size: float, box: Box) -> Depiction:
    return dataclasses.replace(
        depiction,
        overlays=(*depiction.overlays, overlay),
        sizes={**depiction.sizes, kind: max(size, depiction.sizes.get(kind, 0.0))},
        boxes=(*depiction.boxes, (kind, box)),
    )


def _box(depiction: Depiction, index: int) -> Box:
    _, (x0, y0, x1, y1) = clipped(parts(depiction)[index].layer)
    return Box(x0, y0, x1, y1)


def _colors(depiction: Depiction) -> list[tuple[str, RGB]]:
    """The parts and the ground with their colours."""
    made = {part.name: part.layer.color for part in parts(depiction)}
    return [*made.items(), ("ground", depiction.tint.get("ground", COLORS[depiction.scene.ground]))]


def _recolored(rng: random.Random, depiction: Depiction, name: str) -> Depiction:
    own = dict(_colors(depiction))[name]
    known = list((SKINS if name == "head" else COLORS).values())
    others = [color for color in known if color_size(own, color) > 2.0]
    return dataclasses.replace(depiction, tint={**depiction.tint, name: rng.choice(others)})


def _shifted(rng: random.Random, depiction: Depiction, size: float, name: str) -> Depiction:
    px = max(1, round(size * PLACE_UNIT))
    dx, dy = rng.choice(((px, 0), (-px, 0), (0, px), (0, -px)))
    return dataclasses.replace(depiction, shift={**depiction.shift, name: (dx, dy)})
