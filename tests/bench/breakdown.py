"""Groups the words of a verdict by length, height of their line, and number of lines in the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from evalkit.api.records import JSON
from evalkit.judges.typography.match import RIGHT, MatchStatus
from evalkit.judges.typography.normalise import lenient


class WordRow(NamedTuple):
    """One expected word. `height` is that of its line in px, `None` where it was not seen."""

    expected: str
    status: str
    height: float | None
    regions: int

    @property
    def right(self) -> bool:
        return self.status in {status.value for status in RIGHT}


def rows(evidence: Mapping[str, JSON]) -> list[WordRow]:
    """The expected words of the judge's `evidence`, in order."""
    regions = int(evidence["regions"])
    listed = [word for word in evidence["words"] if word["expected"] is not None]
    return [WordRow(word["expected"], word["status"], word.get("height"), regions) for word in listed]


def by_length(word: WordRow) -> str:
    """1 to 2, 3 to 5, 6 to 9 or more letters."""
    return _bucket(len(lenient(word.expected)), (2, 5, 9), "letters")


def by_height(word: WordRow) -> str:
    """Up to 16, 32, 64 px or more."""
    return "not seen" if word.height is None else _bucket(round(word.height), (16, 32, 64), "px")


def by_regions(word: WordRow) -> str:
    """Up to 3, 8 or more lines in the picture."""
    return _bucket(word.regions, (3, 8), "lines")


BREAKDOWNS: dict[str, Callable[[WordRow], str]] = {"length": by_length, "height": by_height, "regions": by_regions}


def word_accuracy_by(words: list[WordRow], bucket: Callable[[WordRow], str]) -> dict[str, tuple[int, int]]:
    """Right words and all words per bucket, without words that have no letter or that the reader is unsure of."""
    counts: dict[str, tuple[int, int]] = {}
    for word in words:
        if word.status != MatchStatus.UNSURE.value and lenient(word.expected):
            right, all_ = counts.get(bucket(word), (0, 0))
            counts[bucket(word)] = right + word.right, all_ + 1
    return counts


def _bucket(value: int, edges: tuple[int, ...], unit: str) -> str:
    low = 0
    for edge in edges:
        if value <= edge:
            return f"{low:3d}-{edge} {unit}"
        low = edge + 1
    return f"{low:3d}+ {unit}"
