from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import RGB, Background, Box, Case, Element, Finding, Relation, TextTarget, Verdict
from evalkit.judges.layout.judge import LayoutJudge

SIDE = 256
GROUND: RGB = (240, 236, 226)
INK: RGB = (30, 40, 80)
RED: RGB = (200, 60, 40)
GREEN: RGB = (30, 140, 80)
TITLE, NOTE = Box(48, 40, 208, 80), Box(64, 100, 192, 124)
DISC, SQUARE = Box(40, 160, 88, 208), Box(168, 160, 216, 208)
LETTERS = {"title": (20, 14), "note": (16, 9)}


def case(relations: Sequence[Relation] = (), *, elements: Sequence[Element] = ()) -> Case:
    """A title, a note under it, a red disc and a green square."""
    declared = (
        Element("title", "text", TITLE, INK),
        Element("note", "text", NOTE, INK),
        Element("circle-0", "circle", DISC, RED),
        Element("square-0", "square", SQUARE, GREEN),
        *elements,
    )
    texts = (TextTarget("TITLE", TITLE), TextTarget("note", NOTE))
    return Case(
        "a/case", "a design", "t2i", SIDE, SIDE, "", texts, declared, tuple(relations), Background("solid", (GROUND,))
    )


def design(
    *,
    title: Box | None = TITLE,
    note: Box | None = NOTE,
    disc: Box | None = DISC,
    square: Box | None = SQUARE,
    ink: RGB = INK,
    disc_colour: RGB = RED,
    disc_shape: str = "circle",
) -> Pixels:
    """The picture of `case`, with things elsewhere, in other colours or left out."""
    pixels = np.full((SIDE, SIDE, 3), GROUND, dtype=np.uint8)
    for name, box, colour in (("title", title, INK), ("note", note, ink)):
        if box is not None:
            letters(pixels, box, colour, *LETTERS[name])
    if disc is not None:
        shape(pixels, disc, disc_colour, disc_shape)
    if square is not None:
        shape(pixels, square, GREEN, "square")
    return pixels


def letters(pixels: Pixels, box: Box, colour: RGB, pitch: int, width: int) -> None:
    """Upright bars that stand for letters; those off the picture are cut."""
    x0, y0, x1, y1 = (int(v) for v in (box.x0, box.y0, box.x1, box.y1))
    for left in (*range(x0, x1 - width, pitch), x1 - width):
        pixels[max(y0, 0) : max(y1, 0), max(left, 0) : max(left + width, 0)] = colour


def shape(pixels: Pixels, box: Box, colour: RGB, kind: str) -> None:
    y, x = (np.ogrid[: pixels.shape[0], : pixels.shape[1]][axis] + 0.5 for axis in (0, 1))
    u, v = 2 * (x - box.x0) / box.width - 1, (y - box.y0) / box.height
    inside = (abs(u) <= 1) & (v >= 0) & (v <= 1)
    if kind == "circle":
        inside = u**2 + (2 * v - 1) ** 2 <= 1
    elif kind == "triangle":
        inside = inside & (abs(u) <= v)
    pixels[np.broadcast_to(inside, pixels.shape[:2])] = colour


def judged(pixels: Pixels, of: Case | None = None, twin: Pixels | None = None) -> Verdict:
    other = None if twin is None else Picture.from_pixels(twin)
    return LayoutJudge().judge(Picture.from_pixels(pixels), of or case(), other)


def value(verdict: Verdict, name: str) -> float | None:
    score = verdict.score(f"layout.{name}")
    assert score is not None
    return score.value


def one(verdict: Verdict, kind: str) -> Finding:
    found = [finding for finding in verdict.findings if finding.kind == kind]
    assert len(found) == 1, [(f.kind, f.message) for f in verdict.findings]
    return found[0]
