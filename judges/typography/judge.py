"""The typography judge: reads the picture and compares its text with the expected text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import Case, Dimension, Score, Status, Verdict
from evalkit.api.settings import Settings as BaseSettings
from evalkit.formats.keys import digest
from evalkit.judges.typography.clarity import with_clarity
from evalkit.judges.typography.controls import controls
from evalkit.judges.typography.evidence import evidence
from evalkit.judges.typography.findings import findings
from evalkit.judges.typography.kinds import KINDS
from evalkit.judges.typography.looks import agree, alarms, in_reading_order, read_words
from evalkit.judges.typography.match import Matching, match
from evalkit.judges.typography.measures import Measures, measure
from evalkit.judges.typography.reader import KnowsLetters, Line, Reader, read_scaled
from evalkit.judges.typography.readers import load
from evalkit.judges.typography.scope import TextScope, is_plain, text_scope
from evalkit.judges.typography.support import Weighing, weigh

_WORST_EXTRA = 20.0
"""What a missing picture counts for: a poster full of text that was not asked for. There is no upper bound."""
_WORST_CER = 1.5
"""The upper bound: a word read for an expected one has at most 2.5 times its letters (`match.LEAST_SIMILAR`), so that
at most 1.5 times its letters are wrong. A missing word counts 1."""
_DIMENSIONS = (
    Dimension("typography.word_accuracy", "share of the expected words that are there letter by letter"),
    Dimension("typography.exact", "1 if every word and its punctuation is right and there is no other text"),
    Dimension("typography.ned", "mean over expected words of 1 - edit distance / longer length"),
    Dimension(
        "typography.extra_words",
        "words that were not asked for",
        higher_is_better=False,
        unit="words",
        high=None,
        worst=_WORST_EXTRA,
    ),
    Dimension("typography.strict_accuracy", "share of the expected words that are there with their case and marks"),
    Dimension("typography.exact_texts", "share of the texts of which every word is right"),
    Dimension(
        "typography.cer", "wrong letters over expected letters", higher_is_better=False, high=None, worst=_WORST_CER
    ),
    Dimension("typography.extra_rate", "share of the words read that were not asked for", higher_is_better=False),
    Dimension("typography.fidelity", "mean probability that an expected word is right: how well it is spelled"),
    Dimension("typography.clarity", "how certain and how sharp the worst glyph of a word is: how well it is drawn"),
)

_OF_ALL_TEXT = ("typography.exact", "typography.extra_words", "typography.extra_rate")
"""Dimensions that need to know of every word whether it was asked for."""

LARGEST_SIDE = 4000
"""No picture is enlarged beyond this side, px: PaddleOCR's detector would shrink it again."""


class TypographyJudge:
    """Reads the picture (PP-OCRv6) and compares word by word with the text that was asked for.

    Words that were read wrong are read again, at the other scales of `looks` and by the other `readers`, and then
    compared with the evidence for each character. A word stays wrong only if the right one does not fit what was seen.
    """

    class Settings(BaseSettings):
        """Settings of the typography judge."""

        readers: tuple[str, ...] = Field(("pp-ocr",), min_length=1, max_length=4)
        """Readers by name (entry points of the group `evalkit.readers`). Only the first reader finds extra words."""
        looks: tuple[Annotated[float, Field(gt=0, le=8)], ...] = Field((1.0, 0.5), min_length=1, max_length=8)
        """Scales at which the first reader reads the picture; the others read it at the first scale."""
        least_side: int = Field(256, ge=1, le=4000)
        """A picture whose shorter side is less than this is enlarged to it before reading, px."""
        extra_confidence: float = Field(0.3, ge=0, le=1)
        """Words that were not asked for are reported only from lines read with at least this confidence."""
        threads: int = Field(2, ge=1, le=64)

    name = "typography"
    version = "4"
    dimensions = _DIMENSIONS
    kinds = KINDS
    concurrency = 1

    def __init__(self, settings: Settings | None = None, *readers: Reader) -> None:
        self.settings = settings or self.Settings()
        self._readers = readers or tuple(load(name, self.settings.threads) for name in self.settings.readers)

    def fingerprint(self) -> str:
        settings = self.settings.model_dump(mode="json", exclude={"threads"})
        return digest(self.name, self.version, settings, *(reader.fingerprint() for reader in self._readers))

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """Nothing applies without a text that the readers can read; `exact` and the extra words need all texts."""
        scope = self._scope(case)
        if scope.nothing:
            return {dimension.name: scope.nothing for dimension in self.dimensions}
        return dict.fromkeys(_OF_ALL_TEXT, scope.unread) if scope.unread else {}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        scope = self._scope(case)
        if scope.nothing:
            return self._unscored(scope.nothing)
        pixels = picture.pixels
        weighed, lines = self._look(pixels, scope.texts)
        if scope.unread:
            weighed = weighed._replace(matching=replace(weighed.matching, extras=()))
        weighed = with_clarity(weighed, pixels)
        matching, sights = weighed
        size = (pixels.shape[1], pixels.shape[0])
        measures = measure(matching)
        found = findings(matching, sights, case.texts, (case.width, case.height), size)
        return Verdict(self.name, scores(measures, scope.unread), tuple(found), evidence(weighed, lines, measures))

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        for reader in self._readers:
            reader.close()

    def _scope(self, case: Case) -> TextScope:
        if all(is_plain(target.text) for target in case.texts):  # a reader that is asked for its letters loads them
            return text_scope(case.texts, ())
        known = [reader.letters() for reader in self._readers if isinstance(reader, KnowsLetters)]
        return text_scope(case.texts, known if len(known) == len(self._readers) else ())

    def _look(self, pixels: Pixels, expected: Sequence[str]) -> tuple[Weighing, list[Line]]:
        """The words after weighing the evidence, and the lines of the first look."""
        first, *others = scales(self.settings.looks, self.settings.least_side, pixels.shape)
        reader = self._readers[0]
        lines = in_reading_order(read_scaled(reader, pixels, first))
        agreed, looks = self._matched(expected, lines), [lines]
        for other, scale in [*((reader, scale) for scale in others), *((r, first) for r in self._readers[1:])]:
            if not alarms(agreed):
                break
            looks.append(read_scaled(other, pixels, scale))
            agreed = agree(agreed, self._matched(expected, looks[-1]))
        known: dict[int, list[Line]] = {}

        def again(line: Line) -> list[Line]:
            if id(line) not in known:
                known[id(line)] = reader.again(pixels, line)
            return known[id(line)]

        return weigh(agreed, expected, looks, again), lines

    def _matched(self, expected: Sequence[str], lines: Sequence[Line]) -> Matching:
        return match(expected, read_words(lines), extra_confidence=self.settings.extra_confidence)

    def _unscored(self, reason: str) -> Verdict:
        return Verdict(self.name, tuple(Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions))


def scales(looks: Sequence[float], least_side: int, shape: Sequence[int]) -> list[float]:
    """The scales for a picture of this shape: `looks`, enlarged for a small picture, limited by `LARGEST_SIDE`."""
    height, width = shape[:2]
    enlarged = [look * max(1.0, least_side / min(height, width)) for look in looks]
    largest = max(1.0, LARGEST_SIDE / max(height, width))
    return list(dict.fromkeys(min(scale, largest) for scale in enlarged))


def scores(measures: Measures | None, unread: str = "") -> tuple[Score, ...]:
    """One score per dimension; `unscored` with a reason if the reader abstained.

    `unread`: why it can't be told of every word whether it was asked for.
    """
    return tuple(
        Score(dimension.name, Status.UNSCORED, reason=unread)
        if unread and dimension.name in _OF_ALL_TEXT
        else _score(dimension, measures)
        for dimension in _DIMENSIONS
    )


def _score(dimension: Dimension, measures: Measures | None) -> Score:
    if measures is None:
        return Score(dimension.name, Status.UNSCORED, reason="the reader is unsure of every word")
    value = getattr(measures, dimension.name.removeprefix("typography."))
    if value is None:
        what = "nothing was found whose glyphs could be weighed" if dimension.name == "typography.clarity" else ""
        return Score(dimension.name, Status.UNSCORED, reason=what or f"the reader is unsure of {measures.unsure} words")
    return Score(dimension.name, Status.SCORED, dimension.limited(float(value)))
