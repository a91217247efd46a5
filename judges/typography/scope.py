"""Says from the case alone which texts can be judged. Pure functions."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from evalkit.api.records import TextTarget
from evalkit.judges.typography.normalise import lenient

Letters = frozenset[str]
"""Letters and digits that a reader can read, in the form of `lenient`."""


class TextScope(NamedTuple):
    """What can be judged of the texts of a case.

    `texts` are the expected strings by index, empty where a string can't be judged. `nothing` says why none can be
    judged. `unread` says why some can't: what is read in their place is then no text that was not asked for.
    """

    texts: tuple[str, ...]
    nothing: str = ""
    unread: str = ""


def text_scope(texts: Sequence[TextTarget], readers: Sequence[Letters]) -> TextScope:
    """The texts that can be judged with these readers; a text must be readable as a whole by one of them.

    Args:
        texts: of the case.
        readers: the letters of each reader; empty if one of them does not say what it can read.
    """
    given = [target.text for target in texts]
    if not any(text.split() for text in given):
        return TextScope(tuple(given), nothing="the case asks for no text")
    if not any(lenient(word) for text in given for word in text.split()):
        return TextScope(tuple(given), nothing="the expected text has no letter to read")
    strange = [min((_strange(text, letters) for letters in readers), key=len, default="") for text in given]
    kept = tuple("" if odd else text for text, odd in zip(given, strange, strict=True))
    odd = "".join(dict.fromkeys("".join(strange)))[:8]
    if not odd:
        return TextScope(kept)
    letters = f"the reader has no letter {', '.join(odd)}"
    if not any(lenient(word) for text in kept for word in text.split()):
        return TextScope(kept, nothing=letters)
    return TextScope(kept, unread=f"{letters}, so what stands in place of that text can't be told from other text")


def is_plain(text: str) -> bool:
    """Whether a text has only letters that every reader has."""
    return text.isascii()


def readable(characters: Sequence[str]) -> Letters:
    """The letters that a reader with these classes of characters can read."""
    return frozenset(letter for character in characters for letter in lenient(character))


def _strange(text: str, letters: Letters) -> str:
    """Letters and digits of a text that are not in `letters`; marks belong to the letter before them."""
    if is_plain(text):
        return ""
    found = (letter for word in text.split() for letter in lenient(word) if unicodedata.category(letter)[0] in "LN")
    return "".join(letter for letter in found if letter not in letters)
