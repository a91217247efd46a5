"""Pictures crowded with letters, shapes and noise, from which a judge learns to see; they hold up to 18 letters.

Pairs of crowds that differ in a few things teach it to compare.
"""

from __future__ import annotations

import random
import string
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.defects import overlays
from evalkit.benchmarks.tiles.defects.depiction import Overlay, PaintedPart, mixed, paint
from evalkit.benchmarks.tiles.defects.lesson import lesson_of
from evalkit.benchmarks.tiles.draw import Layer, letter, shape
from evalkit.benchmarks.tiles.sample import readable_on
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, FIRST_COLUMN, MAX_LETTERS, ROWS, SHAPE_KINDS, SIDE, TILE

LETTERS, SHAPES = 0.75, 0.2
"""Shares of bands with letters and with shapes; the rest is bare."""
ROUGH, BENT, SOFT = 0.5, 0.25, 0.15
"""Shares of pictures with an uneven ground, with bent strokes, and with blur."""
LARGEST = 5.0
BETWEEN = 0.12
"""Share of things in a colour between two named ones."""
SAME, OTHER_GROUND, OTHER_BAND = 0.15, 0.1, 0.2
"""Shares of pairs without a change, with another ground, and with a whole band changed."""
MOST_CHANGES = 4


class Crowd(NamedTuple):
    """A ground colour (its name, and the shade that is drawn) and the parts on it, by bands from top to bottom."""

    ground: str
    shade: RGB
    bands: tuple[tuple[PaintedPart, ...], ...]

    @property
    def text(self) -> str:
        """The letters, row by row."""
        return " ".join(filter(None, ("".join(part.letter for part in band) for band in self.bands)))


def crowd(rng: random.Random) -> Crowd:
    """A random crowd."""
    ground = rng.choice(list(COLORS))
    return Crowd(ground, _color(rng, ground), tuple(_band(rng, row, readable_on(ground)) for row in ROWS.values()))


def changed(rng: random.Random, crowd: Crowd) -> Crowd:
    """The crowd with up to four changes: other letters, kinds or colours, missing parts, another band or ground."""
    drawn = rng.random()
    if drawn < SAME:
        return crowd
    if drawn < SAME + OTHER_GROUND:
        if rng.random() < 0.5:
            return crowd._replace(shade=_between(rng, crowd.shade))
        used = {part.layer.color for band in crowd.bands for part in band} & set(COLORS.values())
        grounds = [name for name in COLORS if used <= {COLORS[ink] for ink in readable_on(name)}]
        ground = rng.choice(grounds or [crowd.ground])
        return crowd._replace(ground=ground, shade=COLORS[ground])
    inks, bands = readable_on(crowd.ground), [list(band) for band in crowd.bands]
    if drawn < SAME + OTHER_GROUND + OTHER_BAND:
        number = rng.randrange(len(bands))
        bands[number] = list(_band(rng, list(ROWS.values())[number], inks))
    else:
        for _ in range(rng.randint(1, MOST_CHANGES)):
            band = rng.choice(bands)
            if band:
                i = rng.randrange(len(band))
                band[i : i + 1] = _changed_part(rng, band[i], inks)
    return crowd._replace(bands=tuple(map(tuple, bands)))


def picture_of(rng: random.Random, crowd: Crowd) -> tuple[Pixels, NDArray[np.int64]]:
    """A picture, uint8 (128, 128, 3), sometimes with noise or blur, and its lesson."""
    painted = [part for band in crowd.bands for part in band]
    over, known = _roughness(rng, painted)
    over.append(overlays.manner(rng.getrandbits(32)))
    return paint(crowd.shade, painted, over), lesson_of(crowd.shade, painted, known)


def _band(rng: random.Random, row: int, inks: list[str]) -> tuple[PaintedPart, ...]:
    drawn = rng.random()
    if drawn < LETTERS:
        return tuple(_letters(rng, row, inks))
    return tuple(_shapes(rng, row, inks)) if drawn < LETTERS + SHAPES else ()


def _changed_part(rng: random.Random, part: PaintedPart, inks: list[str]) -> list[PaintedPart]:
    """The part in another colour or shade, as another letter or kind, or nothing."""
    what = rng.choice(("color", "shade", "form", "form", "gone"))
    if what == "gone":
        return []
    if what in ("color", "shade"):
        color = COLORS[rng.choice(inks)] if what == "color" else _between(rng, part.layer.color)
        return [part._replace(layer=part.layer._replace(color=color))]
    if part.letter:
        char = rng.choice(string.ascii_uppercase)
        return [part._replace(layer=part.layer._replace(coverage=letter(char)), letter=char)]
    kind = rng.choice(SHAPE_KINDS)
    return [PaintedPart(kind, part.layer._replace(coverage=shape(kind)))]


def _letters(rng: random.Random, row: int, inks: list[str]) -> list[PaintedPart]:
    color = rng.choice(inks)
    made = []
    for column in range(rng.randint(3, MAX_LETTERS)):
        char = rng.choice(string.ascii_uppercase)
        ink = color if rng.random() < 0.7 else rng.choice(inks)
        layer = Layer(_color(rng, ink), letter(char), (FIRST_COLUMN + column) * TILE, row * TILE)
        made.append(PaintedPart("word", layer, char))
    return made


def _shapes(rng: random.Random, row: int, inks: list[str]) -> list[PaintedPart]:
    made = []
    for column in COLUMNS.values():
        kind = rng.choice(SHAPE_KINDS)
        if rng.random() < 0.8:
            made.append(PaintedPart(kind, Layer(_color(rng, rng.choice(inks)), shape(kind), column * TILE, row * TILE)))
    return made


def _color(rng: random.Random, ink: str) -> RGB:
    return _between(rng, COLORS[ink]) if rng.random() < BETWEEN else COLORS[ink]


def _between(rng: random.Random, color: RGB) -> RGB:
    return mixed(color, rng.choice(list(COLORS.values())), rng.uniform(0.05, 0.5))


def _roughness(rng: random.Random, painted: list[PaintedPart]) -> tuple[list[Overlay], list[tuple[str, float, Box]]]:
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
