"""Pictures crowded with letters, shapes and roughness, to learn to see from: up to 18 letters; a scene has five."""

from __future__ import annotations

import random
import string

import numpy as np
from numpy.typing import NDArray

from benchmarks.tiles.defects import overlays
from benchmarks.tiles.defects.lesson import lesson_of
from benchmarks.tiles.defects.shown import Overlay, Part, paint
from benchmarks.tiles.draw import Layer, letter, shape
from benchmarks.tiles.sample import readable_on
from benchmarks.tiles.scene import COLORS, COLUMNS, FIRST_COLUMN, MAX_LETTERS, ROWS, SHAPE_KINDS, SIDE, TILE
from evalkit.pictures import Pixels
from evalkit.records import Box

LETTERS, SHAPES = 0.75, 0.2
"""Shares of bands with letters and with shapes; the rest is bare."""
ROUGH, BENT, SOFT = 0.5, 0.25, 0.15
"""Shares of pictures with an uneven ground, with bent strokes, and out of focus."""
LARGEST = 5.0


def crowded(rng: random.Random) -> tuple[Pixels, NDArray[np.int64], str]:
    """A picture, uint8 (128, 128, 3), its lesson, and what is written in it, row by row."""
    ground = rng.choice(list(COLORS))
    inks = readable_on(ground)
    painted: list[Part] = []
    lines: list[str] = []
    for row in ROWS.values():
        drawn = rng.random()
        if drawn < LETTERS:
            line = _letters(rng, row, inks)
            painted += line
            lines.append("".join(part.letter for part in line))
        elif drawn < LETTERS + SHAPES:
            painted += _shapes(rng, row, inks)
    over, known = _roughness(rng, painted)
    over.append(overlays.manner(rng.getrandbits(32)))
    return paint(COLORS[ground], painted, over), lesson_of(COLORS[ground], painted, known), " ".join(lines)


def _letters(rng: random.Random, row: int, inks: list[str]) -> list[Part]:
    color = rng.choice(inks)
    made = []
    for column in range(rng.randint(3, MAX_LETTERS)):
        char = rng.choice(string.ascii_uppercase)
        ink = color if rng.random() < 0.7 else rng.choice(inks)
        made.append(Part("word", Layer(COLORS[ink], letter(char), (FIRST_COLUMN + column) * TILE, row * TILE), char))
    return made


def _shapes(rng: random.Random, row: int, inks: list[str]) -> list[Part]:
    made = []
    for column in COLUMNS.values():
        kind = rng.choice(SHAPE_KINDS)
        if rng.random() < 0.8:
            made.append(Part(kind, Layer(COLORS[rng.choice(inks)], shape(kind), column * TILE, row * TILE)))
    return made


def _roughness(rng: random.Random, painted: list[Part]) -> tuple[list[Overlay], list[tuple[str, float, Box]]]:
    over: list[Overlay] = []
    known: list[tuple[str, float, Box]] = []
    whole = Box(0, 0, SIDE, SIDE)
    if rng.random() < ROUGH:
        size, box = rng.uniform(0.2, LARGEST), whole
        kind = rng.choice(("grain", "grain", "grain", *overlays.UNEVEN, "noise"))
        if kind == "grain":
            width, height = rng.randint(3, 8) * TILE, rng.randint(3, 8) * TILE
            x, y = rng.randrange(0, SIDE - width + 1, TILE), rng.randrange(0, SIDE - height + 1, TILE)
            box = Box(x, y, x + width, y + height)
            over.append(overlays.grain(box, size, rng.getrandbits(32), rng.choice((0.0, 1.0, 2.0))))
        elif kind == "noise":
            over.append(overlays.noise(size, rng.getrandbits(32)))
        else:
            over.append(overlays.uneven(kind, size, rng))
        known.append((kind, size, box))
    if painted and rng.random() < BENT:
        size = rng.uniform(0.2, LARGEST)
        for part in rng.sample(painted, min(len(painted), rng.randint(1, 5))):
            box = Box(part.layer.x, part.layer.y, part.layer.x + part.layer.coverage.shape[1], part.layer.y + 2 * TILE)
            over.append(overlays.garble(box, size, rng.getrandbits(32)))
            known.append(("malformed", size, box))
    if rng.random() < SOFT:
        size = rng.uniform(0.2, LARGEST)
        over.append(overlays.blur(size))
        known.append(("blur", size, whole))
    return over, known
