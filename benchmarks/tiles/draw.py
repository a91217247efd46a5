"""Draws a tile scene by compositing coverage masks, which are made once, in NumPy."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.scenes.fonts import Face, load
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, FIRST_COLUMN, ROWS, SIDE, SKINS, TILE, Mark, TileScene, Word

FACE = Face("jetbrains-mono", 800)
FONT_SIZE = 27
"""Capitals are 20 px high and 16 px apart."""
BASELINE = 26
SUPERSAMPLING = 8
INSET = 2
"""Free px around a shape inside its 2×2 tiles."""

Coverage = NDArray[np.float32]


class Layer(NamedTuple):
    """A mask to paint: its colour, and its coverage with the upper left corner at (`x`, `y`)."""

    color: RGB
    coverage: Coverage
    x: int
    y: int


def draw_tiles(scene: TileScene) -> Pixels:
    """The picture of a scene, uint8 (128, 128, 3). Colours are blended in sRGB, as design tools do."""
    canvas = np.empty((SIDE, SIDE, 3), np.float32)
    canvas[:] = COLORS[scene.ground]
    for layer in layers(scene):
        height, width = layer.coverage.shape
        target = canvas[layer.y : layer.y + height, layer.x : layer.x + width]
        target += layer.coverage[..., None] * (np.array(layer.color, np.float32) - target)
    return np.rint(canvas).astype(np.uint8)


def layers(scene: TileScene) -> list[Layer]:
    """The layers that are painted over the ground, in order."""
    made: list[Layer] = []
    if scene.land:
        made += _land_layers(scene)
    if scene.figure:
        made += _figure_layers(scene)
    made += [_mark_layer(mark) for mark in scene.marks]
    if scene.word:
        made += _word_layers(scene.word)
    return made


def mark_box(mark: Mark) -> Box:
    """The box of the ink of a shape, px."""
    x, y = COLUMNS[mark.column] * TILE + INSET, ROWS[mark.row] * TILE + INSET
    return Box(x, y, x + 2 * TILE - 2 * INSET, y + 2 * TILE - 2 * INSET)


def word_box(word: Word) -> Box:
    """The box of the ink of a word, px."""
    painted = _word_layers(word)
    boxes = [_ink(layer) for layer in painted]
    box = boxes[0]
    for other in boxes[1:]:
        box = box.union(other)
    return box


def _ink(layer: Layer) -> Box:
    ys, xs = np.nonzero(layer.coverage > 0.5)
    return Box(layer.x + xs.min(), layer.y + ys.min(), layer.x + xs.max() + 1, layer.y + ys.max() + 1)


def _word_layers(word: Word) -> list[Layer]:
    y = ROWS[word.row] * TILE
    return [Layer(COLORS[word.color], letter(char), (FIRST_COLUMN + i) * TILE, y) for i, char in enumerate(word.text)]


def _mark_layer(mark: Mark) -> Layer:
    return Layer(COLORS[mark.color], shape(mark.kind), COLUMNS[mark.column] * TILE, ROWS[mark.row] * TILE)


def _figure_layers(scene: TileScene) -> list[Layer]:
    figure = scene.figure
    assert figure is not None
    parts = ((figure.cut, COLORS[figure.hair]), ("shirt", COLORS[figure.shirt]), ("head", SKINS[figure.skin]))
    return [Layer(color, _part(name), 0, 0) for name, color in parts]


def _land_layers(scene: TileScene) -> list[Layer]:
    land = scene.land
    assert land is not None
    sun = Layer(COLORS[land.sun], shape("circle"), COLUMNS[land.column] * TILE, ROWS["top"] * TILE)
    return [sun, Layer(COLORS[land.color], _part(land.form), 0, 0)]


@lru_cache(maxsize=128)
def letter(char: str) -> Coverage:
    """Coverage of one capital, float32 (32, 16) in [0, 1], centred between its tile's sides."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (TILE, 2 * TILE))
    font = load(FACE, FONT_SIZE)
    ImageDraw.Draw(image).text((TILE / 2, BASELINE), char, fill=255, font=font, anchor="ms")
    return np.asarray(image, np.float32) / np.float32(255)


@lru_cache(maxsize=8)
def shape(kind: str) -> Coverage:
    """Coverage of a circle, square or triangle, float32 (32, 32) in [0, 1]."""
    low, high = INSET, 2 * TILE - INSET
    if kind == "circle":
        return _paint(2 * TILE, [("ellipse", (low, low, high, high))])
    if kind == "square":
        return _paint(2 * TILE, [("rectangle", (low, low, high, high))])
    return _paint(2 * TILE, [("polygon", (TILE, low, high, high, low, high))])


@lru_cache(maxsize=16)
def _part(name: str) -> Coverage:
    """Coverage of a part of a portrait or landscape, float32 (128, 128) in [0, 1]."""
    if name == "long":
        return _paint(SIDE, [("ellipse", (36, 20, 92, 84)), ("rectangle", (36, 52, 92, 92))])
    if name == "short":
        return _paint(SIDE, [("ellipse", (40, 22, 88, 70))])
    if name == "peaks":
        return _paint(SIDE, [("polygon", (-24, 128, 36, 64, 96, 128)), ("polygon", (40, 128, 92, 76, 144, 128))])
    if name == "head":
        return _paint(SIDE, [("ellipse", (44, 32, 84, 84)), ("rectangle", (56, 76, 72, 96))])
    if name == "shirt":
        return _paint(SIDE, [("ellipse", (20, 88, 108, 168))])
    return _paint(SIDE, [("ellipse", (-40, 72, 80, 192)), ("ellipse", (40, 84, 180, 224))])


def _paint(side: int, figures: list[tuple[str, tuple[float, ...]]]) -> Coverage:
    from PIL import Image, ImageDraw

    image = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING))
    pen = ImageDraw.Draw(image)
    for kind, points in figures:
        scaled = [value * SUPERSAMPLING for value in points]
        if kind != "polygon":
            scaled[2:] = [value - 1 for value in scaled[2:]]
        getattr(pen, kind)(scaled, fill=255)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32) / np.float32(255)
