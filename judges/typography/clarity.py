"""How well the text is drawn: how surely each glyph is the one that was asked for, and how whole its ink is (pure).

A damaged glyph that is read as another letter, or nearly, shows in its margin. A smeared or broken one is often still
read; it shows in the ink (`judges.typography.strokes`).
"""

from __future__ import annotations

import math
from dataclasses import replace

from evalkit.api.pictures import Pixels
from evalkit.judges.typography.match import Status, WordMatch
from evalkit.judges.typography.strokes import intact
from evalkit.judges.typography.support import Sight, Weighed

LEVEL = 0.1
"""Rise over run up to which a line is level: in the box of a word that climbs more there is ink of others."""
_WRONG = frozenset({Status.TYPO, Status.MALFORMED})


def with_clarity(weighed: Weighed, pixels: Pixels) -> Weighed:
    """The words with their `clarity`, in [0, 1].

    P(expected character) against its best rival at the worst glyph, times how whole the ink of the word is. 0 for a
    word that is there but nothing like the expected one, `None` for one that is not there or that nothing is known of.
    """
    words = [
        replace(word, clarity=_clarity(word, sight, pixels))
        for word, sight in zip(weighed.matching.words, weighed.sights, strict=True)
    ]
    return weighed._replace(matching=replace(weighed.matching, words=tuple(words)))


def _clarity(word: WordMatch, sight: Sight | None, pixels: Pixels) -> float | None:
    if sight is None or not sight.glyphs:
        return 0.0 if word.status in _WRONG and word.p_wrong is not None else None
    worst = min(glyph.margin for glyph in sight.glyphs)
    box = word.box or sight.box
    whole = intact(pixels, box, word.expected or "") if _is_level(sight) else 1.0
    return whole / (1.0 + math.exp(min(50.0, max(-50.0, -worst))))


def _is_level(sight: Sight) -> bool:
    ribbon = sight.line.ribbon
    if ribbon is None or ribbon.curved:
        return False
    dx, dy = (float(v) for v in ribbon.bottom[-1] - ribbon.bottom[0])
    return abs(dy) <= LEVEL * dx
