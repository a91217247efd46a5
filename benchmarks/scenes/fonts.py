"""Loads fonts from the `fontpkg-*` packages (all OFL-1.1) and measures text.

Text is set by Pillow's basic layout, glyph by glyph. The Raqm layout needs the FriBiDi library of the operating system,
so that pictures would differ between machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from evalkit.api.errors import UnavailableError
from evalkit.api.install import install_line

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

REFERENCE = 200
"""Size in px at which text is measured before its size is chosen; widths scale with the size."""


@dataclass(frozen=True, slots=True)
class Face:
    """A font family at one weight; `family` is the name of its package without `fontpkg-`."""

    family: str
    weight: int = 400


@dataclass(frozen=True, slots=True)
class Pair:
    """Faces that go together. `capitals`: titles in the display face are in capitals, with `tracking` in em."""

    display: Face
    body: Face
    strong: Face
    capitals: bool = True
    tracking: float = 0.0


_INTER = (Face("inter", 450), Face("inter", 650))
_POPPINS = (Face("poppins", 400), Face("poppins", 600))
PAIRS: dict[str, tuple[Pair, ...]] = {
    "en": (
        Pair(Face("poppins", 700), *_INTER),
        Pair(Face("inter", 800), *_INTER),
        Pair(Face("bebas-neue"), *_POPPINS, tracking=0.02),
        Pair(Face("anton"), *_INTER, tracking=0.01),
        Pair(Face("oswald", 600), *_INTER, tracking=0.01),
        Pair(Face("playfair-display", 800), Face("lora", 450), Face("lora", 650), capitals=False),
        Pair(Face("lora", 700), *_INTER, capitals=False),
        Pair(Face("roboto-slab", 700), *_INTER),
        Pair(Face("pacifico"), *_POPPINS, capitals=False),
        Pair(Face("caveat", 700), *_POPPINS, capitals=False),
        Pair(Face("jetbrains-mono", 700), Face("jetbrains-mono", 400), Face("jetbrains-mono", 600)),
    ),
}
"""Pairs by language. Every face has all characters of the words of its language."""


@lru_cache(maxsize=256)
def load(face: Face, size: int) -> FreeTypeFont:
    """The font of `face` at `size` px per em.

    Raises:
        UnavailableError: the font package is not installed.
    """
    import fontpkg
    from PIL import ImageFont

    try:
        path = fontpkg.path(face.family, face.weight, nearest=True)
    except fontpkg.FontpkgError as error:
        what = f"font {face.family!r} is not installed"
        raise UnavailableError(what, where="scenes", hint=install_line()) from error
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    if "[" in path.name:  # a variable font names its axes in its file name
        axes = font.get_variation_axes()
        font.set_variation_by_axes([_axis(face, axis["name"], axis["default"]) for axis in axes])
    return font


def _axis(face: Face, name: bytes | None, default: int | None) -> float:
    return face.weight if name == b"Weight" else float(default or 0)


class PlacedGlyph(NamedTuple):
    """One character of a line and the x of its pen position, in px from the line's start."""

    char: str
    x: float


def set_line(line: str, face: Face, size: int, tracking: float) -> list[PlacedGlyph]:
    """Pen positions of every character of one line, spaces included."""
    font = load(face, size)
    glyphs, x = [], 0.0
    for char in line:
        glyphs.append(PlacedGlyph(char, x))
        x += font.getlength(char) + tracking
    return glyphs


@lru_cache(maxsize=4096)
def _advance(face: Face, char: str) -> float:
    return load(face, REFERENCE).getlength(char) / REFERENCE


@lru_cache(maxsize=256)
def cap_height(face: Face) -> float:
    """Height of a capital in em, from its ink."""
    _, top, _, bottom = load(face, REFERENCE).getbbox("H", anchor="ls")
    return (bottom - top) / REFERENCE


@lru_cache(maxsize=4096)
def depth(line: str, face: Face) -> float:
    """Distance that the ink of a line reaches below its baseline, in em."""
    return max(float(load(face, REFERENCE).getbbox(line, anchor="ls")[3]), 0.0) / REFERENCE


@lru_cache(maxsize=4096)
def rise(line: str, face: Face) -> float:
    """Distance that the ink of a line reaches above its baseline, in em."""
    return max(-float(load(face, REFERENCE).getbbox(line, anchor="ls")[1]), 0.0) / REFERENCE


def width_in_em(line: str, face: Face, tracking: float) -> float:
    """Width of a line in em (advance widths; `tracking` in em between letters)."""
    return sum(_advance(face, char) for char in line) + tracking * (len(line) - 1)
