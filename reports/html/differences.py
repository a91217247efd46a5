"""Where two short texts differ, character by character."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

LONGEST = 400
"""Characters above which two texts are marked as different as a whole: matching is quadratic in their length."""
_JOINER = "\N{ZERO WIDTH JOINER}"

Marked = list[tuple[str, bool]]
"""A text in pieces; true where a piece is not in the other text."""


class Column(NamedTuple):
    """Two stretches of text to be shown one above the other; one of them may be empty."""

    expected: str
    read: str
    same: bool


def mark_differences(expected: str, read: str) -> tuple[Marked, Marked]:
    """Both texts in pieces, with what is only in one of them marked. Joined, the pieces are the texts again."""
    columns = align(expected, read)
    left = [(column.expected, not column.same) for column in columns if column.expected]
    return left, [(column.read, not column.same) for column in columns if column.read]


def align(expected: str, read: str) -> list[Column]:
    """Both texts in columns; replaced stretches of equal length stand character above character."""
    if expected == read:
        return [Column(expected, read, True)] if expected else []
    if max(len(expected), len(read)) > LONGEST:
        return [Column(expected, read, False)]
    left, right = list(_characters(expected)), list(_characters(read))
    columns: list[Column] = []
    for tag, i0, i1, j0, j1 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "replace" and i1 - i0 == j1 - j0:
            columns += [Column(a, b, False) for a, b in zip(left[i0:i1], right[j0:j1], strict=True)]
        else:
            columns.append(Column("".join(left[i0:i1]), "".join(right[j0:j1]), tag == "equal"))
    return columns


def _characters(text: str) -> Iterator[str]:
    """The characters as people count them: a letter with its accents and signs is one."""
    character = ""
    for point in text:
        joins = unicodedata.category(point) in {"Mn", "Mc", "Me"} or point == _JOINER
        if character and not joins and not character.endswith(_JOINER):
            yield character
            character = ""
        character += point
    if character:
        yield character
