"""Computes the figures of one picture from its matched words. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from evalkit.judges.typography.match import Matching, MatchStatus, WordMatch
from evalkit.judges.typography.normalise import lenient, strict

ASSUMED_WRONG, ASSUMED_RIGHT = 0.98, 0.01
"""P(wrong) of a word that was read wrong, or right, by a reader that gives no evidence."""


class Measures(NamedTuple):
    """The figures of one picture. Lone separators (`-`, `/`) and words the reader is unsure of are not counted.

    Spelling. `word_accuracy`: share of expected words that are there letter by letter (lenient: NFKC, case and marks
    ignored). `strict_accuracy`: the same with case and marks. `exact`: 1 if each word is right with its marks and there
    is no other word; `None` if only unsure words prevent a decision. `exact_texts`: share of the texts of which every
    word is right. `ned`: mean over expected words of 1 − edit distance / longer length. `cer`: edits over expected
    letters. `extra_words`: words not asked for; `extra_rate`: their share of all words read. `fidelity`: mean over
    expected words of the probability that the word is right.


    Drawing. `clarity`: mean over the words found of how certain and how sharp their worst glyph is
    (`evalkit.judges.typography.clarity`). A missing word counts 0 if there is an extra word that may be its remains.
    `None` if the reader can't tell.

    `unsure`: expected words on which the reader abstained.
    """

    word_accuracy: float
    exact: float | None
    ned: float
    extra_words: int
    strict_accuracy: float
    exact_texts: float
    cer: float
    extra_rate: float
    fidelity: float
    clarity: float | None
    unsure: int = 0


def measure(matching: Matching) -> Measures | None:
    """The figures; `None` if no expected word has anything to read, or the reader is unsure of all of them."""
    asked = [word for word in matching.words if lenient(word.expected or "")]
    words = [word for word in asked if word.status is not MatchStatus.UNSURE]
    if not words:
        return None
    letters = sum(len(lenient(word.expected or "")) for word in words)
    correct = all(word.status is MatchStatus.CORRECT for word in words) and not matching.extras
    seen = [word.clarity for word in asked if word.clarity is not None] + [0.0] * _wrecks(matching)
    read = sum(word.read is not None for word in words) + len(matching.extras)
    return Measures(
        word_accuracy=sum(word.right for word in words) / len(words),
        exact=(None if len(words) < len(asked) else 1.0) if correct else 0.0,
        ned=sum(word.similarity for word in words) / len(words),
        extra_words=len(matching.extras),
        strict_accuracy=sum(_strictly_right(word) for word in words) / len(words),
        exact_texts=_exact_texts(words),
        cer=sum(0 if word.right else word.distance for word in words) / letters,
        extra_rate=len(matching.extras) / read if read else 0.0,
        fidelity=sum(1 - _p_wrong(word) for word in words) / len(words),
        clarity=sum(seen) / len(seen) if seen else None,
        unsure=len(asked) - len(words),
    )


def _wrecks(matching: Matching) -> int:
    missing = sum(word.status is MatchStatus.MISSING for word in matching.words)
    return min(missing, sum(extra.status is MatchStatus.EXTRA for extra in matching.extras))


def _strictly_right(word: WordMatch) -> bool:
    return word.right and strict(word.read or "") == strict(word.expected or "")


def _p_wrong(word: WordMatch) -> float:
    if word.p_wrong is None:
        return ASSUMED_RIGHT if word.right else ASSUMED_WRONG
    return min(word.p_wrong, 0.5) if word.right else max(word.p_wrong, 0.5)


def _exact_texts(words: Sequence[WordMatch]) -> float:
    texts: dict[int, bool] = defaultdict(lambda: True)
    for word in words:
        texts[word.target] &= word.right
    return sum(texts.values()) / len(texts)
