"""Reads a picture of a tile scene: what stands in each place of the grid, and in which colour.

This is for pictures made by models, whose content is unknown. Every glyph is compared with every letter and shape of
the renderer, so that the result is what is there, not what was asked for. Grain and blur are not measured.
"""

from __future__ import annotations

import string
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.defects.depiction import Depiction
from evalkit.benchmarks.tiles.defects.differ import color_size
from evalkit.benchmarks.tiles.draw import letter, shape
from evalkit.benchmarks.tiles.scene import (
    COLORS,
    COLUMNS,
    FIRST_COLUMN,
    MAX_LETTERS,
    ROWS,
    SHAPE_KINDS,
    TILE,
    Land,
    Mark,
    ShapeKind,
    TileScene,
    Word,
)
from evalkit.benchmarks.tiles.truth import HAIR, LAND, SHIRT, SKIN

INK = 40.0
"""Distance from the ground, in code values, from which something is drawn there."""
LIKENESS = 0.6
"""Correlation from which a glyph counts as a letter or a shape."""
CAPITALS = tuple(string.ascii_uppercase)

Floats = NDArray[np.float64]


class ReadGlyph(NamedTuple):
    """A letter or a shape, its likeness (correlation) and its colour."""

    name: str
    likeness: float
    color: RGB


def read_depiction(pixels: Pixels, asked: TileScene) -> Depiction:
    """Read a picture (128, 128, 3). `asked` says which kinds of things to look for."""
    tint: dict[str, RGB] = {}
    gone: set[str] = set()
    ground = _ground(pixels, asked)
    tint["ground"] = ground
    scene = TileScene(asked.category, _name(ground), figure=asked.figure, land=asked.land)
    if asked.figure:
        for part, box in (("hair", HAIR), ("head", SKIN), ("shirt", SHIRT)):
            tint[part] = _median(pixels, box)
            if color_size(tint[part], ground) < 1:
                gone.add(part)
        return Depiction(scene, tint=tint, gone=frozenset(gone))
    if asked.land:
        tint["land"] = _median(pixels, LAND)
        suns = {column: _best(pixels, ground, ("circle",), x, ROWS["top"], 2) for column, x in COLUMNS.items()}
        column = max(suns, key=lambda name: suns[name].likeness)
        if suns[column].likeness < LIKENESS:
            gone.add("sun")
        tint["sun"] = suns[column].color
        land = Land(asked.land.color, asked.land.sun, column, asked.land.form)
        return Depiction(TileScene(asked.category, scene.ground, land=land), tint=tint, gone=frozenset(gone))
    word, marks = _things(pixels, ground, tint)
    return Depiction(TileScene(asked.category, scene.ground, word, tuple(marks)), tint=tint)


def _things(pixels: Pixels, ground: RGB, tint: dict[str, RGB]) -> tuple[Word | None, list[Mark]]:
    """The longest word and every shape. A kind of shape that occurs twice is listed once."""
    word: Word | None = None
    marks: list[Mark] = []
    for row, y in ROWS.items():
        letters = [_best(pixels, ground, CAPITALS, FIRST_COLUMN + i, y, 1) for i in range(MAX_LETTERS)]
        shapes = {column: _best(pixels, ground, SHAPE_KINDS, x, y, 2) for column, x in COLUMNS.items()}
        alike = [glyph.likeness for glyph in letters if glyph.likeness > 0]
        best = max((glyph.likeness for glyph in shapes.values()), default=0.0)
        if len(alike) >= 2 and float(np.mean(alike)) > max(LIKENESS, best - 0.1):
            said = "".join(glyph.name if glyph.likeness > 0 else " " for glyph in letters).strip()
            color = letters[0].color if letters[0].likeness > 0 else next(g.color for g in letters if g.likeness > 0)
            if word is None or len(said) > len(word.text):
                word = Word(said, _name(color), row)
                tint["word"] = color
            continue
        for column, glyph in shapes.items():
            if glyph.likeness > LIKENESS and all(mark.kind != glyph.name for mark in marks):
                marks.append(Mark(cast(ShapeKind, glyph.name), _name(glyph.color), row, column))
                tint[glyph.name] = glyph.color
    return word, marks


def _best(pixels: Pixels, ground: RGB, names: tuple[str, ...], column: int, row: int, wide: int) -> ReadGlyph:
    """The likeliest of `names` in a place of `wide` by two tiles. The likeness is 0 if nothing is drawn there."""
    place = pixels[row * TILE : (row + 2) * TILE, column * TILE : (column + wide) * TILE].astype(np.float64)
    distance = np.sqrt(((place - np.array(ground)) ** 2).sum(-1))
    if float(np.quantile(distance, 0.97)) < INK:
        return ReadGlyph("", 0.0, ground)
    ink = np.minimum(distance / np.quantile(distance, 0.97), 1.0)
    forms = {name: letter(name) if wide == 1 else shape(name) for name in names}
    likeness = {name: _correlation(ink, np.asarray(form, np.float64)) for name, form in forms.items()}
    name = max(likeness, key=lambda each: likeness[each])
    inside = place[forms[name] > 0.9]
    return ReadGlyph(name, max(likeness[name], 0.01), _rgb(np.median(inside, 0)))


def _correlation(one: Floats, other: Floats) -> float:
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _ground(pixels: Pixels, asked: TileScene) -> RGB:
    """The median colour of the places where nothing can stand."""
    if asked.land or asked.figure:
        return _rgb(np.median(pixels[:TILE].reshape(-1, 3), 0))
    rim = np.concatenate([pixels[:TILE].reshape(-1, 3), pixels[-TILE:].reshape(-1, 3), pixels[:, :TILE].reshape(-1, 3)])
    return _rgb(np.median(rim, 0))


def _median(pixels: Pixels, box: Box) -> RGB:
    inside = pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)].reshape(-1, 3)
    return _rgb(np.median(inside, 0))


def _rgb(values: Floats) -> RGB:
    r, g, b = (round(float(value)) for value in values)
    return r, g, b


def _name(color: RGB) -> str:
    return min(COLORS, key=lambda name: color_size(COLORS[name], color))
