from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Box, Case, TextTarget
from evalkit.judges.typography.judge import TypographyJudge
from evalkit.judges.typography.match import ReadWord
from evalkit.judges.typography.reader import Line, PaddleReader, Word


def read(*lines: str, confidence: float = 1.0) -> list[ReadWord]:
    """Words as a perfect reader would give them: lines 40 px apart, letters 10 px wide."""
    return [ReadWord(w.text, w.box, i, confidence) for i, line in enumerate(lines) for w in line_at(line, i).words]


def line_at(text: str, row: int = 0, confidence: float = 1.0) -> Line:
    words, x = [], 0.0
    for word in text.split():
        words.append(Word(word, Box(x, 40.0 * row, x + 10.0 * len(word), 40.0 * row + 30)))
        x += 10.0 * (len(word) + 1)
    top, right = 40.0 * row, 10.0 * len(text)
    return Line(text, confidence, ((0, top), (right, top), (right, top + 30), (0, top + 30)), tuple(words))


class FakeReader:
    """Returns given lines, one list per look, and the last list again when they run out."""

    def __init__(self, *looks: list[Line]) -> None:
        self.looks = looks
        self.sizes: list[tuple[int, int]] = []

    def fingerprint(self) -> str:
        return "fake"

    def read(self, pixels: Pixels) -> list[Line]:
        self.sizes.append((pixels.shape[1], pixels.shape[0]))
        return self.looks[min(len(self.sizes), len(self.looks)) - 1]

    def again(self, pixels: Pixels, line: Line) -> list[Line]:
        return []

    def close(self) -> None:
        pass


def case_of(*texts: str, side: int = 512) -> Case:
    return Case("a/case", "a poster", width=side, height=side, texts=tuple(TextTarget(text) for text in texts))


def blank(side: int = 512) -> Picture:
    return Picture.from_pixels(np.full((side, side, 3), 240, dtype=np.uint8))


def drawn(*lines: str, size: int = 40, side: int = 512) -> Picture:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (side, side), (235, 240, 245))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=size)
    for row, line in enumerate(lines):
        draw.text((side // 16, side // 8 + row * size * 2), line, font=font, fill=(20, 30, 70))
    return Picture.from_pixels(np.asarray(image))


@pytest.fixture(scope="session")
def paddle_judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypographyJudge]:
    """The judge with the real reader, its model cache in a fresh folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        judge = TypographyJudge(TypographyJudge.Settings())
        yield judge
        judge.close()


@pytest.fixture(scope="session")
def paddle_reader() -> Iterator[PaddleReader]:
    """The real reader alone."""
    reader = PaddleReader(1)
    yield reader
    reader.close()
