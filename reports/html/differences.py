"""Where two short texts differ, character by character."""

from __future__ import annotations

from difflib import SequenceMatcher

LONGEST = 400
"""Characters above which two texts are marked as different as a whole: matching is quadratic in their length."""

Marked = list[tuple[str, bool]]
"""A text in pieces; true where a piece is not in the other text."""


def mark_differences(expected: str, read: str) -> tuple[Marked, Marked]:
    """Both texts in pieces, with what is only in one of them marked. Joined, the pieces are the texts again."""
    if expected == read:
        return _pieces([(expected, False)]), _pieces([(read, False)])
    if max(len(expected), len(read)) > LONGEST:
        return _pieces([(expected, True)]), _pieces([(read, True)])
    left: Marked = []
    right: Marked = []
    for tag, i0, i1, j0, j1 in SequenceMatcher(None, expected, read, autojunk=False).get_opcodes():
        left.append((expected[i0:i1], tag != "equal"))
        right.append((read[j0:j1], tag != "equal"))
    return _pieces(left), _pieces(right)


def _pieces(marked: Marked) -> Marked:
    return [piece for piece in marked if piece[0]]
