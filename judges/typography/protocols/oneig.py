"""The text score of OneIG-Bench (arXiv 2506.07977).

Quirks that are kept: case counts in English; the edit distance is that of the whole text, including spaces and order;
the score approaches 1 as soon as one of its three factors reaches its best value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from evalkit.judges.typography.normalise import edit_distance
from evalkit.judges.typography.protocols.cleaning import HALLUCINATIONS, has_han, kept_characters, no_space, one_space

MAX_EDIT_DISTANCE = {"en": 100, "zh": 50}


class OneIGPicture(NamedTuple):
    """One picture: edit distance, whether it is 0, and the words (characters for Chinese) matched and expected."""

    edit_distance: int
    complete: bool
    matched: int
    expected: int


class OneIGScore(NamedTuple):
    """ED: mean over pictures. CR: share of complete pictures. WAC: matched over expected words. And the score."""

    ed: float
    cr: float
    wac: float
    text: float


def oneig_normalise(text: str) -> str:
    """Only the kept characters. White space is removed if any of them is Han, else collapsed. Case is kept."""
    kept = kept_characters(text)
    return no_space(kept) if has_han(kept) else one_space(kept)


def oneig_clean(read: str) -> str:
    """The read text without any of the reader's own phrases."""
    for keyword in HALLUCINATIONS:
        read = read.replace(keyword, "")
    return read


def oneig_picture(expected: str, read: str) -> OneIGPicture:
    """The counts of one picture; `read` as the reader gave it."""
    wanted, got = oneig_normalise(expected), oneig_normalise(oneig_clean(read))
    chinese = has_han(wanted)
    pieces = (Counter(wanted), Counter(got)) if chinese else (Counter(wanted.split()), Counter(got.split()))
    distance = edit_distance(got, wanted)
    return OneIGPicture(distance, distance == 0, (pieces[0] & pieces[1]).total(), pieces[0].total())


def oneig_score(pictures: Sequence[OneIGPicture], language: str = "en") -> OneIGScore:
    """1 − min(M, ED) · (1 − CR) · (1 − WAC) / M over all pictures, with M = 100 for `en`, 50 for `zh`.

    Raises:
        ValueError: there is no picture or no expected word.
    """
    expected = sum(picture.expected for picture in pictures)
    if not expected:
        raise ValueError("OneIG text score of no expected word")
    most = MAX_EDIT_DISTANCE[language]
    ed = sum(picture.edit_distance for picture in pictures) / len(pictures)
    cr = sum(picture.complete for picture in pictures) / len(pictures)
    wac = sum(picture.matched for picture in pictures) / expected
    return OneIGScore(ed, cr, wac, 1 - min(most, ed) * (1 - cr) * (1 - wac) / most)
