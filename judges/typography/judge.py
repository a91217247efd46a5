"""The typography judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import Field

from evalkit.keys import digest
from evalkit.pictures import Picture, Pixels
from evalkit.protocols import Control
from evalkit.records import Box, Case, Dimension, Score, Status, Verdict
from evalkit.settings import Settings as BaseSettings
from judges.typography.controls import controls
from judges.typography.findings import Measures, findings, measure
from judges.typography.looks import agree, alarms, in_reading_order, read_words
from judges.typography.match import Matching, WordMatch, match
from judges.typography.reader import Line, PaddleReader, Reader, read_scaled

_DIMENSIONS = (
    Dimension("typography.word_accuracy", "share of the expected words that are there letter by letter"),
    Dimension("typography.exact", "1 if every word and its punctuation is right and there is no other text"),
    Dimension("typography.ned", "mean over expected words of 1 - edit distance / longer length"),
    Dimension("typography.extra_words", "words nobody asked for", higher_is_better=False, unit="words", high=None),
)

LARGEST_SIDE = 4000
"""Nothing is enlarged past this: PaddleOCR's detector would shrink it again, px."""


class TypographyJudge:
    """Reads the picture (PP-OCRv6) and compares word by word with the text that was asked for.

    A word is wrong only if it is wrong at every scale of `looks`; the later looks are taken only if the first one found
    something wrong.
    """

    class Settings(BaseSettings):
        """Settings of the typography judge."""

        looks: tuple[Annotated[float, Field(gt=0, le=8)], ...] = Field((1.0, 0.5, 2.0), min_length=1, max_length=8)
        """Scales at which the picture is read. Extra words are taken from the first."""
        least_side: int = Field(256, ge=1, le=4000)
        """A picture whose shorter side is less than this is read enlarged to it, px."""
        extra_confidence: float = Field(0.5, ge=0, le=1)
        """Words nobody asked for are reported only from lines read with at least this confidence."""
        threads: int = Field(2, ge=1, le=64)

    name = "typography"
    version = "1"
    dimensions = _DIMENSIONS
    concurrency = 1

    def __init__(self, settings: Settings | None = None, reader: Reader | None = None) -> None:
        self.settings = settings or self.Settings()
        self._reader = reader or PaddleReader(self.settings.threads)

    def fingerprint(self) -> str:
        settings = self.settings.model_dump(mode="json", exclude={"threads"})
        return digest(self.name, self.version, settings, self._reader.fingerprint())

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        expected = [target.text for target in case.texts]
        if not any(text.split() for text in expected):
            return self._unscored("the case asks for no text")
        pixels = picture.pixels
        matching, lines = self._look(pixels, expected)
        measures = measure(matching)
        if measures is None:
            return self._unscored("the expected text has no letter to read")
        size = (pixels.shape[1], pixels.shape[0])
        found = findings(matching, case.texts, (case.width, case.height), size)
        return Verdict(self.name, _scores(measures), tuple(found), _evidence(matching, lines, measures))

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        self._reader.close()

    def _look(self, pixels: Pixels, expected: Sequence[str]) -> tuple[Matching, list[Line]]:
        """The words, and the lines of the first look."""
        scale, *others = scales(self.settings.looks, self.settings.least_side, pixels.shape)
        lines = in_reading_order(read_scaled(self._reader, pixels, scale))
        agreed = self._matched(expected, lines)
        for scale in others:
            if not alarms(agreed):
                break
            agreed = agree(agreed, self._matched(expected, read_scaled(self._reader, pixels, scale)))
        return agreed, lines

    def _matched(self, expected: Sequence[str], lines: Sequence[Line]) -> Matching:
        return match(expected, read_words(lines), extra_confidence=self.settings.extra_confidence)

    def _unscored(self, reason: str) -> Verdict:
        scores = tuple(Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions)
        return Verdict(self.name, scores)


def scales(looks: Sequence[float], least_side: int, shape: Sequence[int]) -> list[float]:
    """The scales a picture of this shape is read at: `looks`, more for a small one, never past `LARGEST_SIDE` px."""
    height, width = shape[:2]
    enlarged = [look * max(1.0, least_side / min(height, width)) for look in looks]
    largest = max(1.0, LARGEST_SIDE / max(height, width))
    return list(dict.fromkeys(min(scale, largest) for scale in enlarged))


def _scores(measures: Measures) -> tuple[Score, ...]:
    values = (measures.word_accuracy, measures.exact, measures.ned, float(measures.extra_words))
    return tuple(Score(d.name, Status.SCORED, value) for d, value in zip(_DIMENSIONS, values, strict=True))


def _evidence(matching: Matching, lines: Sequence[Line], measures: Measures) -> dict[str, Any]:
    return {
        "words": [_word(word) for word in (*matching.words, *matching.extras)],
        "lines": [{"text": n.text, "confidence": round(n.confidence, 3), "box": _corners(n.box)} for n in lines],
        "cer": round(measures.cer, 4),
    }


def _word(word: WordMatch) -> dict[str, Any]:
    box = _corners(word.box) if word.box is not None else None
    target = word.target if word.target >= 0 else None
    return {"text": target, "expected": word.expected, "read": word.read, "status": word.status.value, "box": box}


def _corners(box: Box) -> list[float]:
    return [round(v, 1) for v in (box.x0, box.y0, box.x1, box.y1)]
