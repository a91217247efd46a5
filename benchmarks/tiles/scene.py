"""A tile scene as plain data: a ground, at most one word, and shapes, each in its place on a grid of 16 px tiles.

The picture is 128×128 px, 8×8 tiles. A word is set flush left in capitals, one letter to a column of tiles, in one of
three bands; a shape fills 2×2 tiles at one of nine places. Every error that a model can make here can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.api.records import RGB

TILE = 16
SIDE = 128
COLORS: dict[str, RGB] = {
    "red": (208, 40, 44),
    "orange": (243, 132, 38),
    "yellow": (250, 206, 60),
    "green": (44, 150, 84),
    "teal": (20, 128, 142),
    "blue": (40, 84, 196),
    "purple": (118, 60, 168),
    "pink": (242, 140, 176),
    "white": (247, 247, 245),
    "black": (24, 24, 28),
}
ROWS: dict[str, int] = {"top": 1, "middle": 3, "bottom": 5}
"""First row of tiles of each band; a band is two tiles high."""
COLUMNS: dict[str, int] = {"left": 1, "center": 3, "right": 5}
BANDS: dict[str, str] = {"top": "first row", "middle": "second row", "bottom": "third row"}
"""How prompts name the band of a word: by words that do not occur in the places of shapes."""
FIRST_COLUMN = 1
MAX_LETTERS = 6
SKINS: dict[str, RGB] = {"pale": (244, 208, 178), "tan": (206, 156, 112), "dark": (122, 80, 56)}

ShapeKind = Literal["circle", "square", "triangle"]
SHAPE_KINDS: tuple[ShapeKind, ...] = ("circle", "square", "triangle")
Category = Literal["text", "shapes", "portrait", "landscape"]
CATEGORIES: tuple[Category, ...] = ("text", "shapes", "portrait", "landscape")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of 3 to 6 capitals. `row` is a key of `ROWS`, `color` of `COLORS`.

    `told` says whether the prompt states the band; if it does not, the model has to choose one.
    """

    text: str
    color: str
    row: str
    told: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape at a place of the 3×3 grid. `told` says whether the prompt states the place."""

    kind: ShapeKind
    color: str
    row: str
    column: str
    told: bool = True

    @property
    def place(self) -> str:
        """The place in words: `top left`, `middle center`, …"""
        return f"{self.row} {self.column}"


Cut = Literal["long", "short"]
CUTS: tuple[Cut, ...] = ("long", "short")
Form = Literal["hills", "peaks"]
FORMS: tuple[Form, ...] = ("hills", "peaks")


@dataclass(frozen=True, slots=True)
class Portrait:
    """Head and shoulders in the middle of the picture. The prompt does not mention the cut of the hair."""

    skin: str
    hair: str
    shirt: str
    cut: Cut = "long"


@dataclass(frozen=True, slots=True)
class Land:
    """Land along the lower third and a sun in the upper band; the ground of the scene is the sky.

    The prompt does not mention the form of the land. It states the place of the sun only if `told`.
    """

    color: str
    sun: str
    column: str
    form: Form = "hills"
    told: bool = True


@dataclass(frozen=True, slots=True)
class TileScene:
    """One design. Word and marks never share a place."""

    category: Category
    ground: str
    word: Word | None = None
    marks: tuple[Mark, ...] = ()
    figure: Portrait | None = None
    land: Land | None = None
