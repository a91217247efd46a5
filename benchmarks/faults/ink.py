"""Faults of letters, words and places on any picture. They rearrange the ink of the picture, as its font is unknown.

Each has the name, the strengths and the size of the fault that edits a scene (`letters`, `words`, `places`,
`overlap`). Letters are copied from the same text, words from the same line.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import Alpha, InkLayer, LayerFault
from evalkit.benchmarks.faults.layer import hull, window
from evalkit.benchmarks.faults.letters import LOOKALIKES
from evalkit.benchmarks.faults.overlap import DEPTH
from evalkit.benchmarks.faults.places import MOVE_PX, SHIFT_PX

T = TypeVar("T")


class _Letter(NamedTuple):
    word: int
    place: int
    char: str
    box: Box


def substitute_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Replace one letter by another one of the text, by a look-alike if there is one, at its place and height."""
    from PIL import Image

    letters = _letters(layer, 1)
    pairs = [
        (one, other)
        for one in letters
        for other in letters
        if one.char != other.char and one.char.isupper() == other.char.isupper()
        if 0.8 < one.box.height / other.box.height < 1.25 and other.box.width < 1.3 * one.box.width
    ]
    alike = [pair for pair in pairs if pair[1].char.lower() in LOOKALIKES.get(pair[0].char.lower(), "")]
    if not pairs:
        return None
    one, other = _choose(alike or pairs, rng)
    height, width = int(one.box.height), max(round(other.box.width * one.box.height / other.box.height), 1)
    tile = Image.fromarray(layer.alpha[window(other.box)].astype(np.float32)).resize((width, height))
    alpha = layer.alpha.copy()
    alpha[window(one.box)] = 0.0
    x0 = int(min(max((one.box.x0 + one.box.x1 - width) / 2, 0), alpha.shape[1] - width))
    box = Box(x0, one.box.y0, x0 + width, one.box.y1)
    alpha[window(box)] = np.maximum(alpha[window(box)], np.asarray(tile, np.float64))
    return LayerFault(alpha, 1.0, "letters", box, _with(layer, one, other.char))


def drop_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Leave out one letter and move the rest of its line to close the gap."""
    letters = [letter for letter in _letters(layer, 3) if letter.place > 0]
    if not letters:
        return None
    one = _choose(letters, rng)
    word = layer.words[one.word]
    alpha = layer.alpha.copy()
    alpha[window(one.box)] = 0.0
    rest = [box for box in _line(layer, one.box) if box.x0 > one.box.x0]
    neighbours = [word[one.place - 1]]
    if rest:
        after = hull(rest)
        back = int(after.x0 - one.box.x0)
        alpha = _shifted(alpha, after, -back, 0)
        neighbours += [_by(word[one.place + 1], -back, 0)] if one.place + 1 < len(word) else []
    return LayerFault(alpha, 1.0, "letters", hull(neighbours), _with(layer, one, ""))


def double_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Draw one letter twice and move the rest of its line. `None` if the line has no room."""
    letters = _letters(layer, 2)
    if not letters:
        return None
    one = _choose(letters, rng)
    step = int(one.box.width) + 1
    rest = [box for box in _line(layer, one.box) if box.x0 > one.box.x0]
    end = max(box.x1 for box in [*rest, one.box]) + step
    if end > layer.alpha.shape[1]:
        return None
    alpha = _shifted(layer.alpha, hull(rest), step, 0) if rest else layer.alpha.copy()
    twin = _by(one.box, step, 0)
    alpha[window(twin)] = np.maximum(alpha[window(twin)], layer.alpha[window(one.box)])
    return LayerFault(alpha, 1.0, "letters", one.box.union(twin), _with(layer, one, 2 * one.char))


def swap_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Exchange two different letters that follow each other in one word."""
    letters = _letters(layer, 3)
    pairs = [
        (one, other)
        for one, other in pairwise(letters)
        if one.word == other.word and one.place + 1 == other.place and one.box.x1 <= other.box.x0 + 1
        if one.char != other.char and one.char.isupper() == other.char.isupper()
    ]
    if not pairs:
        return None
    one, other = _choose(pairs, rng)
    alpha = layer.alpha.copy()
    alpha[window(one.box)] = 0.0
    alpha[window(other.box)] = 0.0
    first = _by(other.box, int(one.box.x0 - other.box.x0), 0)
    second = _by(one.box, int(other.box.x1 - one.box.x1), 0)
    for source, target in ((other.box, first), (one.box, second)):
        alpha[window(target)] = np.maximum(alpha[window(target)], layer.alpha[window(source)])
    text = _with(layer, one, other.char)
    return LayerFault(alpha, 1.0, "letters", first.union(second), _replaced(text, other, one.char))


def drop_word_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Take out one word; the others stay where they are."""
    if not layer.named:
        return None
    index = int(rng.integers(len(layer.words)))
    box = hull(layer.words[index])
    alpha = layer.alpha.copy()
    alpha[window(box)] = 0.0
    words = layer.text.split()
    return LayerFault(alpha, 1.0, "words", box, " ".join(words[:index] + words[index + 1 :]))


def repeat_word_ink(layer: InkLayer, rng: np.random.Generator) -> LayerFault | None:
    """Repeat a word below the text or above it. `None` if another text or the edge is in the way."""
    if not layer.named:
        return None
    index = int(rng.integers(len(layer.words)))
    box = hull(layer.words[index])
    gap = max(round(0.35 * box.height), 2)
    for dy in (int(layer.box.y1 - box.y0) + gap, -(int(box.y1 - layer.box.y0) + gap)):
        there = _by(box, 0, dy)
        if _free(layer, there):
            alpha = layer.alpha.copy()
            alpha[window(there)] = np.maximum(alpha[window(there)], layer.alpha[window(box)])
            return LayerFault(alpha, 1.0, "words", there, f"{layer.text} {layer.text.split()[index]}")
    return None


def shift_ink(layer: InkLayer, rng: np.random.Generator, *, px: float = SHIFT_PX) -> LayerFault | None:
    """Move the text sideways by `px`."""
    step = max(round(px), 1)
    for dx in rng.permutation([-step, step]):
        if _free(layer, _by(layer.box, int(dx), 0)):
            return _moved(layer, int(dx), 0, step, _by(layer.box, int(dx), 0))
    return None


def move_ink(layer: InkLayer, rng: np.random.Generator, *, px: float = MOVE_PX) -> LayerFault | None:
    """Move the text up or down by `px`, to a place without text."""
    step = max(round(px), 1)
    for dy in rng.permutation([-step, step]):
        if _free(layer, _by(layer.box, 0, int(dy))):
            return _moved(layer, 0, int(dy), step, _by(layer.box, 0, int(dy)))
    return None


def run_off_ink(layer: InkLayer, rng: np.random.Generator, *, px: float = SHIFT_PX) -> LayerFault | None:
    """Move the text over the nearer side edge of the picture until `px` of it are cut off."""
    width, depth, box = layer.alpha.shape[1], max(round(px), 1), layer.box
    if depth >= box.width:
        return None
    left = box.x0 < width - box.x1
    dx = int(-box.x0 - depth if left else width - box.x1 + depth)
    there = _by(box, dx, 0)
    return _moved(layer, dx, 0, depth, Box(max(there.x0, 0), there.y0, min(there.x1, width), there.y1))


def overlap_ink(layer: InkLayer, rng: np.random.Generator, *, px: float = 0.0) -> LayerFault | None:
    """Move the text onto the nearest other one, `px` deep. `None` if it would meet no other text."""
    box = layer.box
    meeting = [b for b in layer.others if min(b.x1, box.x1) - max(b.x0, box.x0) >= 0.5 * min(b.width, box.width)]
    if not meeting:
        return None
    other = min(meeting, key=lambda b: abs(b.y0 + b.y1 - box.y0 - box.y1))
    lower = min(box.height, other.height)
    depth = min(max(round(px or DEPTH * lower), 1), int(lower))
    dy = int(other.y1 - depth - box.y0 if box.y0 >= other.y0 else other.y0 + depth - box.y1)
    there = _by(box, 0, dy)
    shared = Box(max(there.x0, other.x0), max(there.y0, other.y0), min(there.x1, other.x1), min(there.y1, other.y1))
    return _moved(layer, 0, dy, depth, shared)


def _letters(layer: InkLayer, shortest: int) -> list[_Letter]:
    if not layer.named:
        return []
    return [
        _Letter(number, place, char, layer.words[number][place])
        for number, word in enumerate(layer.text.split())
        for place, char in enumerate(word)
        if len(word) >= shortest and char.lower() in LOOKALIKES
    ]


def _choose(items: list[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]


def _with(layer: InkLayer, letter: _Letter, drawn: str) -> str:
    return _replaced(layer.text, letter, drawn)


def _replaced(text: str, letter: _Letter, drawn: str) -> str:
    words = text.split()
    word = words[letter.word]
    words[letter.word] = word[: letter.place] + drawn + word[letter.place + 1 :]
    return " ".join(words)


def _line(layer: InkLayer, letter: Box) -> list[Box]:
    middle = (letter.y0 + letter.y1) / 2
    return [box for word in layer.words for box in word if box.y0 <= middle <= box.y1]


def _moved(layer: InkLayer, dx: int, dy: int, size: float, box: Box) -> LayerFault:
    return LayerFault(_shifted(layer.alpha, layer.box, dx, dy), float(size), "px", box)


def _shifted(alpha: Alpha, box: Box, dx: int, dy: int) -> Alpha:
    """`alpha` with the contents of `box` moved; what leaves the picture is lost."""
    part = alpha[window(box)]
    result = alpha.copy()
    result[window(box)] = 0.0
    y, x = int(box.y0) + dy, int(box.x0) + dx
    top, left = max(-y, 0), max(-x, 0)
    part = part[top : top + alpha.shape[0] - max(y, 0), left : left + alpha.shape[1] - max(x, 0)]
    place = (slice(max(y, 0), max(y, 0) + part.shape[0]), slice(max(x, 0), max(x, 0) + part.shape[1]))
    result[place] = np.maximum(result[place], part)
    return result


def _by(box: Box, dx: int, dy: int) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def _free(layer: InkLayer, box: Box) -> bool:
    height, width = layer.alpha.shape
    inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    return inside and not any(box.intersection(other) for other in layer.others)
