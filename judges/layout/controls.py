"""The controls of the judge: designs with known right verdicts, drawn by this module."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import RGB, Background, Box, Case, Element, Relation, TextTarget, Verdict

_SIDE = 256
_GROUND: RGB = (240, 236, 226)
_INK: RGB = (30, 40, 80)
_ACCENT: RGB = (200, 60, 40)
_UPPER, _LOWER = Box(48, 40, 208, 80), Box(64, 100, 192, 124)
_DISC = Box(96, 150, 160, 214)
_DEPTH = 4
"""How deep the lower line goes into the upper one, px."""


def controls() -> list[Control]:
    """Two lines and a disc in their places, which must pass, and the lower line 4 px over the upper one."""
    case = Case(
        "control/layout",
        "two lines of text and a disc",
        width=_SIDE,
        height=_SIDE,
        texts=(TextTarget("UPPER", _UPPER), TextTarget("lower", _LOWER)),
        elements=(
            Element("upper", "text", _UPPER, _INK),
            Element("lower", "text", _LOWER, _INK),
            Element("circle-0", "circle", _DISC, _ACCENT),
        ),
        relations=(
            Relation("no-overlap", ("upper", "lower")),
            Relation("above", ("upper", "lower")),
            Relation("aligned-center", ("upper", "lower", "circle-0")),
        ),
        background=Background("solid", (_GROUND,)),
    )
    clean, faulty = Picture.from_pixels(drawn()), Picture.from_pixels(drawn(overlapping=True))
    return [
        Control("things in place", "everything placed, no finding", case, clean, _silent),
        Control("two lines overlapping", "found to a px, with an IoU of at least 0.5", case, faulty, _found),
    ]


def drawn(*, overlapping: bool = False) -> Pixels:
    """The picture: bars stand for letters, so that it needs no font."""
    pixels = np.full((_SIDE, _SIDE, 3), _GROUND, dtype=np.uint8)
    lift = int(_LOWER.y0 - _UPPER.y1) + _DEPTH if overlapping else 0
    _letters(pixels, _UPPER, 20, 14)
    _letters(pixels, Box(_LOWER.x0, _LOWER.y0 - lift, _LOWER.x1, _LOWER.y1 - lift), 16, 9)
    y, x = np.ogrid[:_SIDE, :_SIDE]
    middle, radius = (_DISC.y0 + _DISC.y1) / 2, _DISC.width / 2
    pixels[(x + 0.5 - _SIDE / 2) ** 2 + (y + 0.5 - middle) ** 2 <= radius**2] = _ACCENT
    return pixels


def _letters(pixels: Pixels, box: Box, pitch: int, width: int) -> None:
    """Upright bars of `width` px every `pitch` px, the last one flush with the right edge."""
    x0, y0, x1, y1 = (int(v) for v in (box.x0, box.y0, box.x1, box.y1))
    for left in (*range(x0, x1 - width, pitch), x1 - width):
        pixels[y0:y1, left : left + width] = _INK


def _silent(verdict: Verdict) -> bool:
    placement = verdict.score("layout.placement")
    return placement is not None and placement.value == 1.0 and not verdict.findings


def _found(verdict: Verdict) -> bool:
    shared = Box(_LOWER.x0, _UPPER.y1 - _DEPTH, _LOWER.x1, _UPPER.y1)
    found = [finding for finding in verdict.findings if finding.kind == "overlap"]
    return len(found) == 1 and abs(found[0].size - _DEPTH) <= 1 and found[0].box.iou(shared) >= 0.5
