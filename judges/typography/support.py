"""Gives a second opinion on every word that was read wrong, from the recogniser's probabilities. Pure functions.

Reading gives one string and hides how close the right one was. Here the right word is aligned with every line that was
seen (`ctc.align`), and the cost of that is the evidence. If the cost is near 0, the word counts as right; if it is
high, the word stays wrong; between the two the reader is unsure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from evalkit.api.records import Box
from evalkit.judges.typography.ctc import Alignment, align
from evalkit.judges.typography.match import Matching, MatchStatus, WordMatch
from evalkit.judges.typography.normalise import is_ideographic, lenient
from evalkit.judges.typography.reader import Line
from evalkit.judges.typography.ribbon import hull

PLAUSIBLE = -8.0
"""Least cost in nats (negative). A word with a lower cost is not in the line."""
IN_DOUBT = -6.0
"""Cost in nats above which a word is read again."""
SLOPE, MIDDLE = 5.0, -1.5
NEVER_BELOW, NEVER_ABOVE = 0.003, 0.98
"""P(wrong) is a logistic function of the cost in nats between two lapse rates (the shares of words that the reader gets
wrong whatever the cost). Fitted as docs/typography.md says."""
UPHELD, WRONG = 0.2, 0.8
"""Below the first P(wrong) the word is there, above the second it is not; between them the reader is unsure."""
SURE_ANYWHERE = -0.5
"""A word that was not found by reading counts as there only at a cost above this (nats), and if it is long."""
SHORTEST_ANYWHERE = 3

Again = Callable[[Line], Sequence[Line]]
NO_CHARACTER = 0.6
"""If the likeliest character of a glyph in a wrong word is less probable than this, the glyph is not a character.
Single substituted letters in clean type were read with .7 and more."""
UNREAD = 0.6
"""Confidence below which a curved line counts as unreadable."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character of an expected word at its place. `margin` and `rival` as in `ctc.AlignedCharacter`."""

    character: str
    rival: str
    margin: float
    p: float
    box: Box


@dataclass(frozen=True, slots=True)
class Sighting:
    """An expected word as it appears in one line of one look."""

    cost: float
    box: Box
    line: Line
    glyphs: tuple[Glyph, ...]


def p_wrong(cost: float) -> float:
    """Calibrated probability that a word with this cost is wrong."""
    steep = 1.0 / (1.0 + math.exp(min(50.0, max(-50.0, SLOPE * (cost - MIDDLE)))))
    return NEVER_BELOW + (NEVER_ABOVE - NEVER_BELOW) * steep


def sights(line: Line, words: Sequence[str]) -> list[Sighting | None]:
    """Each of the consecutive expected `words` as it appears in `line`; `None` if it does not."""
    if line.evidence is None or line.ribbon is None:
        return [None] * len(words)
    return [_sight(line, found) if found is not None else None for found in align(line.evidence, words, PLAUSIBLE)]


def _sight(line: Line, found: Alignment) -> Sighting:
    ribbon = line.ribbon
    assert ribbon is not None
    places = [letter.place for letter in found.letters]
    middles = [(a + b) / 2 for a, b in pairwise(places)]
    pitch = (places[-1] - places[0]) / max(1, len(places) - 1) or 0.6 * ribbon.height / ribbon.length
    edges = [max(0.0, places[0] - pitch / 2), *middles, min(1.0, places[-1] + pitch / 2)]
    spans = [(min(a, b), max(a, b)) for a, b in pairwise(edges)]
    glyphs = tuple(
        Glyph(letter.character, letter.rival, letter.margin, letter.p, hull(ribbon.part(*span)))
        for letter, span in zip(found.letters, spans, strict=True)
    )
    return Sighting(found.cost, hull(ribbon.part(edges[0], edges[-1])), line, glyphs)


class Weighing(NamedTuple):
    """The matched words after weighing the evidence. `sights` has the best sighting of each expected word, if any."""

    matching: Matching
    sights: tuple[Sighting | None, ...]


def flaw(sight: Sighting | None) -> Glyph | None:
    """The glyph that looks most like another character; `None` if no glyph does."""
    worst = min(sight.glyphs, key=lambda glyph: glyph.margin, default=None) if sight is not None else None
    return worst if worst is not None and worst.margin < 0 else None


def weigh(matching: Matching, expected: Sequence[str], looks: Sequence[Sequence[Line]], again: Again) -> Weighing:
    """Weigh every expected word against the evidence of all `looks`. `again` reads a line again with other margins.

    Words that were read right stay right. A wrong one may turn out right, or become `UNSURE` with the reason.
    """
    seen = [_of_look(lines, expected) for lines in looks]
    words, best = list(matching.words), [_at(word.box, seen[0][i]) for i, word in enumerate(matching.words)]
    for i, word in enumerate(matching.words):
        if word.right or not lenient(word.expected or ""):
            sight = best[i]
            words[i] = replace(word, p_wrong=p_wrong(sight.cost)) if sight is not None else word
            continue
        others = [w.box for j, w in enumerate(words) if j != i and w.box is not None]
        sight, costs = _evidence(word, [look[i] for look in seen], looks, others)
        if sight is not None and max(costs) > IN_DOUBT:
            costs += [_cost_in(line, expected, i) for line in again(sight.line)]
        best[i] = sight
        words[i] = _decided(word, sight, costs)
    words = _unread_curves(words, looks)
    extras = tuple(extra for extra in matching.extras if not _taken(extra, matching.words, words))
    return Weighing(Matching(tuple(words), extras), tuple(best))


def _of_look(lines: Sequence[Line], expected: Sequence[str]) -> list[list[Sighting]]:
    """For each expected word, its sightings in the lines of one look."""
    texts = [text.split() for text in expected]
    found: list[list[Sighting]] = [[] for text in texts for _ in text]
    for line in lines:
        start = 0
        for words in texts:
            for i, sight in enumerate(sights(line, words)):
                if sight is not None:
                    found[start + i].append(sight)
            start += len(words)
    return found


def _at(place: Box | None, found: Sequence[Sighting]) -> Sighting | None:
    """The best sighting that overlaps a place."""
    near = [sight for sight in found if place is not None and _overlap(sight.box, place)]
    return max(near, key=lambda sight: sight.cost, default=None)


def _overlap(a: Box, b: Box) -> bool:
    return a.intersection(b) > 0.3 * min(a.area, b.area)


def _evidence(
    word: WordMatch, found: Sequence[Sequence[Sighting]], looks: Sequence[Sequence[Line]], others: Sequence[Box]
) -> tuple[Sighting | None, list[float]]:
    """The best sighting of a word that was read wrong, and its cost at that place in each look."""
    if word.box is not None:
        at = [_at(word.box, sights_of_look) for sights_of_look in found]
        best = max((sight for sight in at if sight is not None), key=lambda s: s.cost, default=None)
        if best is not None:
            covered = [any(_overlap(line.box, best.box) for line in lines) for lines in looks]
            costs = [s.cost if s is not None else PLAUSIBLE for s, there in zip(at, covered, strict=True) if there]
            return best, costs
        return None, []
    key = lenient(word.expected or "")
    if key.isalnum() and len(key) < SHORTEST_ANYWHERE:
        return None, []
    free = [s for look in found for s in look if not any(_overlap(s.box, box) for box in others)]
    best = max(free, key=lambda s: s.cost, default=None)
    return (best, [best.cost]) if best is not None and best.cost > SURE_ANYWHERE else (None, [])


def _cost_in(line: Line, expected: Sequence[str], index: int) -> float:
    """The cost of expected word number `index` in a line that was read again."""
    for text in expected:
        words = text.split()
        if index < len(words):
            sight = sights(line, words)[index]
            return sight.cost if sight is not None else PLAUSIBLE
        index -= len(words)
    raise IndexError(index)


def _decided(word: WordMatch, sight: Sighting | None, costs: Sequence[float]) -> WordMatch:
    cost = median(costs) if costs else PLAUSIBLE
    p = p_wrong(cost)
    if sight is None or p > WRONG:
        status = MatchStatus.MALFORMED if word.status is MatchStatus.TYPO and _is_malformed(word) else word.status
        return replace(word, status=status, p_wrong=p)
    if p < UPHELD:
        return replace(word, status=MatchStatus.CORRECT, box=sight.box, p_wrong=p, read=word.read or word.expected)
    worst = min(sight.glyphs, key=lambda glyph: glyph.margin)
    reason = f"the reader is torn between “{worst.character}” and “{worst.rival or 'nothing'}”"
    return replace(word, status=MatchStatus.UNSURE, box=word.box or sight.box, p_wrong=p, reason=reason)


def _is_malformed(word: WordMatch) -> bool:
    """Whether a wrong word holds a glyph that is not a character: the reader is unsure of it, or reads a character of
    another script."""
    expected, read = word.expected or "", word.read or ""
    strange = any(map(is_ideographic, read)) and not any(map(is_ideographic, expected))
    return strange or (word.clarity is not None and word.clarity < NO_CHARACTER)


def _unread_curves(words: Sequence[WordMatch], looks: Sequence[Sequence[Line]]) -> list[WordMatch]:
    """Mark missing words as unsure if there is a curved line that could not be read: they may stand on it."""
    unread = any(line.curved and line.confidence < UNREAD for lines in looks for line in lines)
    reason = "there is text on a curve that the reader can't follow"
    return [
        replace(word, status=MatchStatus.UNSURE, reason=reason)
        if unread and word.status is MatchStatus.MISSING
        else word
        for word in words
    ]


def _taken(extra: WordMatch, before: Sequence[WordMatch], after: Sequence[WordMatch]) -> bool:
    """Whether an extra word is the reading of a word that now counts as right."""
    upheld = [new.box for old, new in zip(before, after, strict=True) if new.right and not old.right and new.box]
    return extra.box is not None and any(_overlap(extra.box, box) for box in upheld)
