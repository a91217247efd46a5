"""Measures how well the text is drawn: how certain each glyph is and how intact its ink is. Pure functions.

A damaged glyph that is read as another letter, or nearly so, has a low margin. A smeared or broken one is often still
read; it shows in the ink (`evalkit.judges.typography.strokes`).
"""

from __future__ import annotations

import math
from dataclasses import replace

from evalkit.api.pictures import Pixels
from evalkit.judges.typography.match import MatchStatus, WordMatch
from evalkit.judges.typography.strokes import intact
from evalkit.judges.typography.support import Sighting, Weighing

LEVEL = 0.1
"""Greatest slope of a level line (rise over run). The box of a word on a steeper line holds ink of other words."""
_WRONG = frozenset({MatchStatus.TYPO, MatchStatus.MALFORMED})


def with_clarity(weighed: Weighing, pixels: Pixels) -> Weighing:
    """The words with their `clarity`, in [0, 1].

    It is P(expected character) against its best rival at the worst glyph, times how intact the ink of the word is. It
    is 0 for a word that is there but unlike the expected one, and `None` for one that is not there or has no evidence.
    """
    words = [
        replace(word, clarity=_clarity(word, sight, pixels))
        for word, sight in zip(weighed.matching.words, weighed.sights, strict=True)
    ]
    return weighed._replace(matching=replace(weighed.matching, words=tuple(words)))


def _clarity(word: WordMatch, sight: Sighting | None, pixels: Pixels) -> float | None:
    if sight is None or not sight.glyphs:
        return 0.0 if word.status in _WRONG and word.p_wrong is not None else None
    worst = min(glyph.margin for glyph in sight.glyphs)
    box = word.box or sight.box
    whole = intact(pixels, box, word.expected or "") if _is_level(sight) else 1.0
    return whole / (1.0 + math.exp(min(50.0, max(-50.0, -worst))))


def _is_level(sight: Sighting) -> bool:
    ribbon = sight.line.ribbon
    if ribbon is None or ribbon.curved:
        return False
    dx, dy = (float(v) for v in ribbon.bottom[-1] - ribbon.bottom[0])
    return abs(dy) <= LEVEL * dx
