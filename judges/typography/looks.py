"""Combines several looks at one picture (readings at different scales or by different readers).

A reader fails because of glow, texture, or letters that are too large or too small for it. Such failures change with
the scale of the picture, while misspellings do not. So a word is an alarm only if it is wrong in every look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.api.records import Box
from evalkit.judges.typography.match import Matching, MatchStatus, ReadWord, WordMatch
from evalkit.judges.typography.reader import Line


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Lines from top to bottom; lines side by side (centres within half a line height) from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda found: _middle(found.box)):
        first = rows[-1][0].box if rows else None
        if first is not None and _middle(line.box) - _middle(first) < first.height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda found: found.box.x0)]


def _middle(box: Box) -> float:
    return (box.y0 + box.y1) / 2


def read_words(lines: Sequence[Line]) -> list[ReadWord]:
    """The words of `lines` in reading order."""
    ordered = enumerate(in_reading_order(lines))
    return [
        ReadWord(word.text, word.box, i, line.confidence, word.clarity) for i, line in ordered for word in line.words
    ]


def agree(first: Matching, other: Matching) -> Matching:
    """The first look, corrected by another one: words that the other look has right are right, and words that it found
    are not missing.

    The first look's reading of such a word is dropped if it stands in the same place; otherwise it is an extra word.
    """
    words, extras = list(first.words), list(first.extras)
    for i, (old, new) in enumerate(zip(first.words, other.words, strict=True)):
        better = new.right and not old.right
        if not (better or (old.box is None and new.box is not None)):
            continue
        taken = [w.box for j, w in enumerate(words) if j != i and w.right and w.box is not None]
        if new.box is not None and any(same_place(new.box, box) for box in taken):
            continue
        words[i] = new
        if new.box is not None:
            extras = [extra for extra in extras if extra.box is None or not same_place(extra.box, new.box)]
            if old.box is not None and not same_place(old.box, new.box):
                extras.append(replace(old, expected=None, target=-1, status=MatchStatus.EXTRA))
    return Matching(tuple(words), tuple(extras))


def same_place(a: Box, b: Box) -> bool:
    """Whether two words overlap by more than half of the smaller one."""
    return a.intersection(b) > 0.5 * min(a.area, b.area)


def alarms(matching: Matching) -> list[WordMatch]:
    """The expected words that are not there letter by letter, without those that the reader is unsure of."""
    return [word for word in matching.words if not word.right and word.status is not MatchStatus.UNSURE]
