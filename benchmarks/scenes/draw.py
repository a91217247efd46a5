"""Draws a scene with antialiasing and records where the ink is.

Shapes are drawn `OVERSAMPLING` times larger into a mask of their own bounds and then reduced; text is drawn glyph by
glyph. Every box in a `Drawing` is the bounding box of the mask pixels that are not empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.scenes.fonts import load, set_line
from evalkit.benchmarks.scenes.scene import (
    Ellipse,
    Ground,
    Polygon,
    Primitive,
    Rect,
    Scene,
    Sector,
    Shape,
    Stroke,
    TextBlock,
)

if TYPE_CHECKING:
    from PIL import Image

OVERSAMPLING = 4


class InkedChar(NamedTuple):
    """One character that leaves ink (a space does not), and the box of its ink."""

    char: str
    box: Box


@dataclass(frozen=True, slots=True)
class DrawnText:
    """The ink of one text: its characters in reading order, and the box of them all."""

    id: str
    text: str
    role: str
    color: RGB
    box: Box
    characters: tuple[InkedChar, ...]


@dataclass(frozen=True, slots=True)
class DrawnShape:
    """The ink of one shape."""

    id: str
    kind: str
    color: RGB
    box: Box


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn scene: (H, W, 3) uint8 sRGB pixels, the bare ground in the same shape, and what was drawn, in order."""

    pixels: Pixels
    ground: Pixels
    items: tuple[DrawnText | DrawnShape, ...]

    @property
    def texts(self) -> tuple[DrawnText, ...]:
        """The texts that left any ink, in reading order."""
        return tuple(item for item in self.items if isinstance(item, DrawnText))

    @property
    def bare(self) -> NDArray[np.bool_]:
        """(H, W) mask of the pixels that show the ground exactly."""
        bare: NDArray[np.bool_] = (self.pixels == self.ground).all(axis=2)
        return bare


def draw(scene: Scene) -> Drawing:
    """Draw `scene`. The same scene gives the same bytes."""
    from PIL import Image

    ground = draw_ground(scene.ground, scene.size)
    canvas = Image.fromarray(ground)
    items: list[DrawnText | DrawnShape] = []
    for item in scene.items:
        if isinstance(item, Shape):
            boxes = [box for part in item.parts if (box := _paint(canvas, part))]
            if boxes:
                items.append(DrawnShape(item.id, item.kind, item.color, _union(boxes)))
        elif characters := _write(canvas, item):
            box = _union([char.box for char in characters])
            items.append(DrawnText(item.id, item.text, item.role, item.color, box, tuple(characters)))
    return Drawing(np.asarray(canvas), ground, tuple(items))


def draw_ground(ground: Ground, size: int) -> Pixels:
    """(size, size, 3) uint8 of one colour, or of a linear gradient rounded to 8 bits without dithering."""
    if ground.kind == "solid":
        return np.broadcast_to(np.array(ground.colors[0], np.uint8), (size, size, 3)).copy()
    start, end = (np.array(color, np.float64) for color in ground.colors)
    steps = 2 * size - 1 if ground.direction == "diagonal" else size
    ramp = np.rint(start + (end - start) * np.linspace(0, 1, steps)[:, None]).astype(np.uint8)
    if ground.direction == "vertical":
        return np.broadcast_to(ramp[:, None], (size, size, 3)).copy()
    if ground.direction == "horizontal":
        return np.broadcast_to(ramp[None], (size, size, 3)).copy()
    windows = np.lib.stride_tricks.sliding_window_view(ramp, size, axis=0)  # row y of the picture is ramp[y : y + size]
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


def _write(canvas: Image.Image, block: TextBlock) -> list[InkedChar]:
    inked = []
    for row, line in enumerate(block.lines):
        start = _line_start(line, block)
        baseline = round(block.baseline + row * block.leading)
        font = load(block.face, block.size)
        for char, pen in set_line(line, block.face, block.size, block.tracking):
            if char.isspace():
                continue
            x = math.floor(start + pen)
            tile, left, top = _glyph(char, font, start + pen - x)
            if (found := tile.getbbox()) is None:
                continue
            place = (x - left, baseline - top)
            canvas.paste(block.color, place, tile)
            box = _clipped(canvas, place[0] + found[0], place[1] + found[1], place[0] + found[2], place[1] + found[3])
            if box:
                inked.append(InkedChar(char, box))
    return inked


def _glyph(char: str, font: object, shift: float) -> tuple[Image.Image, int, int]:
    """Coverage of one glyph whose pen is `shift` px right of a pixel edge, and the pen position in that mask."""
    from PIL import Image, ImageDraw, ImageFont

    assert isinstance(font, ImageFont.FreeTypeFont)
    box = font.getbbox(char, anchor="ls")
    left, top = max(math.ceil(-box[0]), 0) + 2, max(math.ceil(-box[1]), 0) + 2
    width, height = left + max(math.ceil(box[2]), 0) + 3, top + max(math.ceil(box[3]), 0) + 2
    tile = Image.new("L", (width, height))
    ImageDraw.Draw(tile).text((left + shift, top), char, fill=255, font=font, anchor="ls")
    return tile, left, top


def _line_start(line: str, block: TextBlock) -> float:
    """The x of the pen at the start of a line, chosen so that its ink (not its advance widths) is aligned."""
    font = load(block.face, block.size)
    glyphs = [glyph for glyph in set_line(line, block.face, block.size, block.tracking) if not glyph.char.isspace()]
    if not glyphs:
        return block.x
    left = glyphs[0].x + _glyph_edges(font, glyphs[0].char)[0]
    right = glyphs[-1].x + _glyph_edges(font, glyphs[-1].char)[1]
    return block.x - {"left": left, "right": right, "center": (left + right) / 2}[block.align]


def _glyph_edges(font: object, char: str) -> tuple[float, float]:
    tile, left, _ = _glyph(char, font, 0.0)
    found = tile.getbbox()
    return (found[0] - left, found[2] - left) if found else (0.0, 0.0)


def _paint(canvas: Image.Image, part: Primitive) -> Box | None:
    from PIL import Image

    x0, y0, x1, y1 = _extent(part)
    left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
    right, bottom = min(math.ceil(x1), canvas.width), min(math.ceil(y1), canvas.height)
    if right <= left or bottom <= top:
        return None
    if isinstance(part, Rect):
        return _paint_rect(canvas, part)
    mask = Image.new("L", ((right - left) * OVERSAMPLING, (bottom - top) * OVERSAMPLING))
    _fill(mask, part, left, top)
    mask = mask.reduce(OVERSAMPLING)
    canvas.paste(part.color, (left, top), mask)
    found = mask.getbbox()
    return Box(left + found[0], top + found[1], left + found[2], top + found[3]) if found else None


def _paint_rect(canvas: Image.Image, part: Rect) -> Box | None:
    """Paint a rectangle. Rectangles stand on whole pixels, so that only their corners need a mask."""
    from PIL import Image, ImageDraw

    x0, y0, x1, y1 = (round(v) for v in part.bounds)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    radius = min(round(part.radius), (x1 - x0) // 2, (y1 - y0) // 2)
    if radius == 0:
        canvas.paste(part.color, (x0, y0, x1, y1))
        return _clipped(canvas, x0, y0, x1, y1)
    mask = Image.new("L", (x1 - x0, y1 - y0), 255)
    disc = Image.new("L", (2 * radius * OVERSAMPLING, 2 * radius * OVERSAMPLING))
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), fill=255)
    disc = disc.reduce(OVERSAMPLING)
    far_x, far_y = mask.width - radius, mask.height - radius
    for x, cut_x in ((0, 0), (far_x, radius)):
        for y, cut_y in ((0, 0), (far_y, radius)):
            mask.paste(disc.crop((cut_x, cut_y, cut_x + radius, cut_y + radius)), (x, y))
    canvas.paste(part.color, (x0, y0), mask)
    return _clipped(canvas, x0, y0, x1, y1)


def _fill(mask: Image.Image, part: Primitive, left: int, top: int) -> None:
    from PIL import ImageDraw

    k = OVERSAMPLING
    pen = ImageDraw.Draw(mask)

    def at(x: float, y: float) -> tuple[float, float]:
        return ((x - left) * k, (y - top) * k)

    def oval(b: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = at(b[0], b[1]), at(b[2], b[3])
        return (x0, y0, max(x1 - 1, x0), max(y1 - 1, y0))

    match part:
        case Ellipse(bounds):
            pen.ellipse(oval(bounds), fill=255)
        case Sector(bounds, start, end, hole):
            pen.pieslice(oval(bounds), start, end, fill=255)
            if hole:
                (x0, y0, x1, y1), inset = bounds, (1 - hole) / 2
                dx, dy = (x1 - x0) * inset, (y1 - y0) * inset
                pen.ellipse(oval((x0 + dx, y0 + dy, x1 - dx, y1 - dy)), fill=0)
        case Polygon(points):
            pen.polygon([at(x, y) for x, y in points], fill=255)
        case Stroke(points, width):
            pen.line([at(x, y) for x, y in points], fill=255, width=max(round(width * k), 1), joint="curve")
            for x, y in (points[0], points[-1]):
                r = width / 2
                pen.ellipse(oval((x - r, y - r, x + r, y + r)), fill=255)


def _extent(part: Primitive) -> tuple[float, float, float, float]:
    match part:
        case Polygon(points):
            margin = 0.0
        case Stroke(points, width):
            margin = width / 2 + 1
        case _:
            return part.bounds
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _clipped(canvas: Image.Image, x0: int, y0: int, x1: int, y1: int) -> Box | None:
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, canvas.width), min(y1, canvas.height)
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _union(boxes: list[Box]) -> Box:
    result = boxes[0]
    for box in boxes[1:]:
        result = result.union(box)
    return result
