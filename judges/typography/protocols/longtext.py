"""The text score of LongText-Bench (X-Omni, arXiv 2507.22058).

Quirks that are kept: only recall is measured, so surplus and repeated text is not penalised; order does not count;
punctuation, currency signs and letters with other than French accents are dropped; of the reader's two own phrases only
the last is removed, because each removal starts again from the original text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from evalkit.judges.typography.protocols.cleaning import HALLUCINATIONS, kept_characters, no_space, one_space


class LongTextPicture(NamedTuple):
    """Words (English) or characters (Chinese) of one picture: matched and expected."""

    matched: int
    expected: int


def longtext_normalise(text: str, language: str = "en") -> str:
    """Only the kept characters. English: lower case, white space collapsed. Chinese: no white space, case kept."""
    kept = kept_characters(text)
    return one_space(kept).lower() if language == "en" else no_space(kept)


def longtext_clean(read: str) -> str:
    """The read text without the last of the reader's phrases; `addCriterion` stays."""
    return read.replace(HALLUCINATIONS[-1], "")


def longtext_picture(expected: str, read: str, language: str = "en") -> LongTextPicture:
    """The counts of one picture; `read` as the reader gave it."""
    wanted = longtext_normalise(expected, language)
    got = longtext_normalise(longtext_clean(read), language)
    ours, theirs = (Counter(t.split()) if language == "en" else Counter(t) for t in (wanted, got))
    return LongTextPicture((ours & theirs).total(), ours.total())


def longtext_score(pictures: Iterable[LongTextPicture]) -> float:
    """Matched over expected, summed over all pictures before dividing.

    Raises:
        ValueError: no expected word.
    """
    listed = list(pictures)
    expected = sum(picture.expected for picture in listed)
    if not expected:
        raise ValueError("LongText-Bench score of no expected word")
    return sum(picture.matched for picture in listed) / expected
