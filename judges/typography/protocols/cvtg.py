"""Word accuracy and NED of CVTG-2K (TextCrafter, arXiv 2503.23461).

Quirks that are kept: a word counts as often as it is asked for, however often it was read (set membership); punctuation
stays, so `SALE!` is not `SALE`; NED is a similarity (higher is better) of each word to the read word that difflib finds
closest, and several words may share one; if nothing was read, that counts as one empty word.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

from evalkit.judges.typography.normalise import edit_distance


class CvtgPicture(NamedTuple):
    """One picture: words asked for, words found, and each word's similarity."""

    expected: int
    found: int
    similarities: tuple[float, ...]


class CvtgScore(NamedTuple):
    """Over all words of all pictures."""

    word_accuracy: float
    ned: float


def cvtg_words(prompt: str) -> list[str]:
    """The words between single quotes in a prompt, lower-cased."""
    return [word for quoted in re.findall(r"'(.*?)'", prompt) for word in quoted.lower().split()]


def cvtg_picture(prompt: str, read: str) -> CvtgPicture:
    """The counts of one picture; `read` has the lines that were read, separated by white space."""
    wanted, got = cvtg_words(prompt), read.lower().split() or [""]
    similarities = []
    for word in wanted:
        closest = difflib.get_close_matches(word, got, n=1, cutoff=0)[0]
        similarities.append(1 - edit_distance(word, closest) / (max(len(word), len(closest)) + 1e-5))
    return CvtgPicture(len(wanted), sum(word in got for word in wanted), tuple(similarities))


def cvtg_score(pictures: Iterable[CvtgPicture]) -> CvtgScore:
    """Both are means over words, whatever picture they are from.

    Raises:
        ValueError: no expected word.
    """
    listed = list(pictures)
    words = sum(picture.expected for picture in listed)
    if not words:
        raise ValueError("CVTG-2K score of no expected word")
    total = sum(sum(picture.similarities) for picture in listed)
    return CvtgScore(sum(picture.found for picture in listed) / words, total / words)
