"""GNED and recall of the text part of TIIF-Bench (arXiv 2506.02161).

Quirks that are kept: lower GNED is better; surplus words cost as much as missing ones; recall takes, for each expected
word in turn, the nearest read word that is still free and within 0.3, so an earlier word may take a later one's match.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evalkit.judges.typography.normalise import edit_distance

WITHIN = 0.3


class TiifPicture(NamedTuple):
    """One picture: global normalised edit distance (0 is perfect) and recall."""

    gned: float
    recall: float


def tiif_picture(expected: str, read: str) -> TiifPicture:
    """Both texts are lower-cased and split at white space.

    Raises:
        ValueError: no expected word.
    """
    wanted, got = expected.lower().split(), read.lower().split()
    if not wanted:
        raise ValueError("TIIF-Bench score of no expected word")
    return TiifPicture(gned(wanted, got), recall(wanted, got))


def gned(wanted: Sequence[str], got: Sequence[str]) -> float:
    """(least sum of word NEDs over one-to-one pairs + difference in number) / larger number of words."""
    from scipy.optimize import linear_sum_assignment

    if not wanted or not got:
        return float(bool(wanted) or bool(got))
    costs = [[_ned(a, b) for b in got] for a in wanted]
    rows, columns = linear_sum_assignment(costs)
    matched = sum(costs[i][j] for i, j in zip(rows, columns, strict=True))
    return float(matched + abs(len(wanted) - len(got))) / max(len(wanted), len(got))


def recall(wanted: Sequence[str], got: Sequence[str]) -> float:
    """Share of expected words with a read word within `WITHIN`, each read word used once, nearest first."""
    free, found = list(got), 0
    for word in wanted:
        nearest = min(free, key=lambda other: _ned(word, other), default=None)
        if nearest is not None and _ned(word, nearest) <= WITHIN:
            free.remove(nearest)
            found += 1
    return found / len(wanted)


def tiif_score(pictures: Iterable[TiifPicture]) -> TiifPicture:
    """The mean over pictures of both.

    Raises:
        ValueError: no picture.
    """
    listed = list(pictures)
    if not listed:
        raise ValueError("TIIF-Bench score of no picture")
    means = (sum(column) / len(listed) for column in zip(*listed, strict=True))
    return TiifPicture(*means)


def _ned(a: str, b: str) -> float:
    return edit_distance(a, b) / max(len(a), len(b))
