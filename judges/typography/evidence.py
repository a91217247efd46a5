"""Makes the evidence of a verdict for the report: words, lines, and suspicious glyphs. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.api.records import Box
from evalkit.judges.typography.match import WordMatch
from evalkit.judges.typography.measures import Measures
from evalkit.judges.typography.reader import Line
from evalkit.judges.typography.support import Sighting, Weighing

DOUBTFUL = 2.0
"""Glyphs are listed if their margin over the best other character is less than this, nats."""
MOST_GLYPHS = 60


def evidence(weighed: Weighing, lines: Sequence[Line], measures: Measures | None) -> dict[str, Any]:
    """`words` (the expected ones in order, then the others), `glyphs`, `lines`, and figures that are not dimensions."""
    matching, sights = weighed
    words = [_word(word, sight) for word, sight in zip(matching.words, sights, strict=True)]
    return {
        "words": words + [_word(word, None) for word in matching.extras],
        "glyphs": _glyphs(weighed),
        "lines": [_line(line) for line in lines],
        "regions": len(lines),
        **({"cer": round(measures.cer, 4), "unsure": measures.unsure} if measures is not None else {}),
    }


def _word(word: WordMatch, sight: Sighting | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "text": word.target if word.target >= 0 else None,
        "expected": word.expected,
        "read": word.read,
        "status": word.status.value,
        "box": _corners(word.box) if word.box is not None else None,
    }
    if word.p_wrong is not None:
        row["p_wrong"] = round(word.p_wrong, 3)
    height = _height(word, sight)
    if height is not None:
        row["height"] = round(height, 1)
    if word.clarity is not None:
        row["clarity"] = round(word.clarity, 3)
    if word.reason:
        row["reason"] = word.reason
    return row


def _height(word: WordMatch, sight: Sighting | None) -> float | None:
    """Height of the word's line, px; without evidence the shorter side of the word's box."""
    if sight is not None and sight.line.ribbon is not None:
        return sight.line.ribbon.height
    return min(word.box.width, word.box.height) if word.box is not None else None


def _line(line: Line) -> dict[str, Any]:
    row = {"text": line.text, "confidence": round(line.confidence, 3), "box": _corners(line.box)}
    return {**row, "curved": True} if line.curved else row


def _glyphs(weighed: Weighing) -> list[dict[str, Any]]:
    doubtful = [
        (word, glyph)
        for word, sight in zip(weighed.matching.words, weighed.sights, strict=True)
        if sight is not None
        for glyph in sight.glyphs
        if glyph.margin < DOUBTFUL
    ]
    return [
        {
            "word": word.expected,
            "glyph": glyph.character,
            "looks_like": glyph.rival,
            "margin": round(glyph.margin, 2),
            "box": _corners(glyph.box),
        }
        for word, glyph in sorted(doubtful, key=lambda pair: pair[1].margin)[:MOST_GLYPHS]
    ]


def _corners(box: Box) -> list[float]:
    return [round(v, 1) for v in (box.x0, box.y0, box.x1, box.y1)]
