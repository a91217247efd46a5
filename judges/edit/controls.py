"""The controls of the judge: edits with known right verdicts. Their source is the file `control-source.png`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from evalkit.api.pictures import Picture, Pixels, encode_png
from evalkit.api.protocols import Control
from evalkit.api.records import RGB, Box, Case, SourceImage, Task, Verdict
from evalkit.formats.keys import to_json

SOURCE = Path(__file__).parent / "control-source.png"
_SIDE = 128
_GROUND: RGB = (232, 228, 218)
_DISC, _SQUARE = Box(20, 20, 52, 52), Box(72, 72, 104, 104)
_BLUE: RGB = (40, 84, 196)
_RED: RGB = (208, 40, 44)
_GREEN: RGB = (44, 150, 84)
_RESIDUE = 3
"""Error of a codec that the judge must tolerate, in code values."""


def controls() -> list[Control]:
    """The disc recoloured as asked for, which must pass; the square recoloured too; and an unchanged picture."""
    case = Case(
        "control/edit",
        "Make the disc green.",
        task=Task.EDIT,
        width=_SIDE,
        height=_SIDE,
        source=SourceImage(str(SOURCE), hashlib.sha256(encode_png(drawn(_BLUE, _RED))).hexdigest()),
        extra={"edit": {"kind": "recolor", "changed": [to_json(_DISC)]}},
    )
    right, more = (Picture.from_pixels(_missed(drawn(_GREEN, square))) for square in (_RED, _GREEN))
    nothing = Picture.from_pixels(drawn(_BLUE, _RED))
    return [
        Control("only what was asked for", "changed, all else kept, no finding", case, right, _passes),
        Control("more than was asked for", "found, with an IoU of at least 0.5", case, more, _found),
        Control("nothing done", "no region changed, all kept", case, nothing, _idle),
    ]


def drawn(disc: RGB, square: RGB) -> Pixels:
    """The picture: a disc and a square on a plain ground."""
    pixels = np.full((_SIDE, _SIDE, 3), _GROUND, dtype=np.uint8)
    y, x = np.ogrid[:_SIDE, :_SIDE]
    middle, radius = (_DISC.x0 + _DISC.x1) / 2, _DISC.width / 2
    pixels[(x + 0.5 - middle) ** 2 + (y + 0.5 - middle) ** 2 <= radius**2] = disc
    pixels[int(_SQUARE.y0) : int(_SQUARE.y1), int(_SQUARE.x0) : int(_SQUARE.x1)] = square
    return pixels


def _missed(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(0).integers(-_RESIDUE, _RESIDUE, pixels.shape, endpoint=True)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _values(verdict: Verdict) -> tuple[float | None, ...]:
    return tuple(score.value for score in verdict.scores)


def _passes(verdict: Verdict) -> bool:
    return _values(verdict) == (1.0, 1.0) and not verdict.findings


def _found(verdict: Verdict) -> bool:
    found = [finding for finding in verdict.findings if finding.kind == "unwanted-change"]
    return len(found) == len(verdict.findings) == 1 and found[0].box.iou(_SQUARE) >= 0.5


def _idle(verdict: Verdict) -> bool:
    return _values(verdict) == (1.0, 0.0) and {finding.kind for finding in verdict.findings} == {"no-change"}


if __name__ == "__main__":
    SOURCE.write_bytes(encode_png(drawn(_BLUE, _RED)))
