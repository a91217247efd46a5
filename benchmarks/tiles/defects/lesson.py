"""The content of each tile of a picture as class numbers: training targets for a judge's vision."""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.defects.depiction import Depiction, PaintedPart, clipped, parts
from evalkit.benchmarks.tiles.defects.differ import color_size
from evalkit.benchmarks.tiles.scene import COLORS, SIDE, SKINS, TILE

ROWS = SIDE // TILE
_OTHERS = ("circle", "square", "triangle", "sun", "land", "hair", "shirt", "head")
GLYPHS = 1 + 2 * len(string.ascii_uppercase) + 4 * 4 + 4
"""Glyph classes: nothing; halves of letters; quarters of shapes and the sun; parts of landscapes and portraits."""
INKS = 1 + len(COLORS) + len(SKINS)
GROUNDS = len(COLORS)
ROUGH = 6
"""Limits of the grades: of an uneven ground, of bent strokes, of the distance from the nearest named colour."""
SIZES = (GLYPHS, INKS, GROUNDS, ROUGH, ROUGH, ROUGH, ROUGH, ROUGH)
"""Classes of each column: glyph, ink, ground, unevenness of the ground, bent strokes, softness of everything, how far
the ink and the ground are from the nearest colour that has a name."""
ILLEGIBLE = 2
"""Grade of bent strokes above which a glyph can't be recognised."""
UNKNOWN = -100


def lesson(depiction: Depiction) -> NDArray[np.int64]:
    """(8, 8, 8) class numbers by `SIZES`; `UNKNOWN` for things that are off the grid or have no clear colour."""
    ground = depiction.tint.get("ground", COLORS[depiction.scene.ground])
    return lesson_of(ground, parts(depiction), [(kind, depiction.sizes[kind], box) for kind, box in depiction.boxes])


def lesson_of(ground: RGB, painted: Iterable[PaintedPart], over: Iterable[tuple[str, float, Box]]) -> NDArray[np.int64]:
    """As `lesson`, from painted parts and the overlays on them, each given by kind, size and box."""
    made = np.zeros((ROWS, ROWS, len(SIZES)), np.int64)
    made[..., 2], made[..., 7] = _nearest(ground, tuple(COLORS.values()))
    inks = (*COLORS.values(), *SKINS.values())
    for part in painted:
        coverage, (x0, y0, x1, y1) = clipped(part.layer)
        mask = np.zeros((SIDE, SIDE), np.float32)
        mask[y0:y1, x0:x1] = coverage
        share = mask.reshape(ROWS, TILE, ROWS, TILE).mean((1, 3))
        ink, off = _nearest(part.layer.color, inks)
        straight = part.layer.x % TILE == 0 and part.layer.y % TILE == 0
        for row, column in zip(*np.nonzero(share > 0.04), strict=True):
            dy, dx = int(row) - part.layer.y // TILE, int(column) - part.layer.x // TILE
            made[row, column, 0] = _glyph(part.name, part.letter, dy, dx) if straight else UNKNOWN
            made[row, column, 1], made[row, column, 6] = ink + 1 if ink >= 0 else UNKNOWN, off
    for kind, size, box in over:
        area = made[(*tiles_of(box), 4 if kind == "malformed" else 5 if kind == "blur" else 3)]
        np.maximum(area, min(ROUGH - 1, round(size)), out=area)
    made[made[..., 4] > ILLEGIBLE, 0] = UNKNOWN
    return made


def tiles_of(box: Box) -> tuple[slice, slice]:
    """Rows and columns of the tiles that a box touches."""
    x0, y0, x1, y1 = (int(v) // TILE for v in (box.x0, box.y0, box.x1 - 1, box.y1 - 1))
    return slice(y0, y1 + 1), slice(x0, x1 + 1)


def _glyph(name: str, letter: str, dy: int, dx: int) -> int:
    if letter:
        return 1 + 2 * string.ascii_uppercase.index(letter) + min(max(dy, 0), 1)
    kind = _OTHERS.index(name)
    base = 1 + 2 * len(string.ascii_uppercase)
    return base + 4 * kind + 2 * min(max(dy, 0), 1) + min(max(dx, 0), 1) if kind < 4 else base + 16 + kind - 4


@lru_cache(maxsize=4096)
def _nearest(color: RGB, known: tuple[RGB, ...]) -> tuple[int, int]:
    """The number of the nearest known colour (`UNKNOWN` about halfway between two), and the grade of the distance."""
    sizes = [color_size(color, other) for other in known]
    best = int(np.argmin(sizes))
    return best if sizes[best] < 0.8 else UNKNOWN, min(ROUGH - 1, round(sizes[best]))
