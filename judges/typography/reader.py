"""Reads the text of a picture: lines and words, each with a confidence and a box, and the evidence behind them.

`Reader` is the protocol; other readers plug in by name (entry points of the group `evalkit.readers`). `PaddleReader`,
`pp-ocr`, is PP-OCRv6 small on ONNX Runtime. It also reads text on a circle, which it unrolls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box
from evalkit.judges.typography import models
from evalkit.judges.typography.ctc import Evidence, decode, keep
from evalkit.judges.typography.detect import ribbons
from evalkit.judges.typography.networks import Networks
from evalkit.judges.typography.ribbon import Ribbon, hull
from evalkit.judges.typography.rings import Ring, bent, rings, roll, unroll
from evalkit.judges.typography.scope import Letters, readable

TURN_BELOW = 0.9
"""A line read with less confidence may be upside down, so it is also read from the other end."""
CUTS = (-0.08, 0.1, 0.2)
"""By how much of its height a line is cut out higher when it is read again."""
ON_BLOB = 0.5
"""A line of an unrolled ring counts only if this share of it lies on a bent blob of the detector."""


@dataclass(frozen=True, slots=True)
class Word:
    """One run of characters without white space, as read, and its axis-aligned hull.

    `clarity` is the probability of its least certain character; `None` if the reader can't tell.
    """

    text: str
    box: Box
    clarity: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line as read: `text` is its words joined by single spaces. `polygon` is its outline, clockwise from top left.

    `confidence` is the reader's own, in [0, 1]. A reader that knows the probabilities of other characters adds them as
    `evidence`, with the `ribbon` in which the line was seen.
    """

    text: str
    confidence: float
    polygon: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]
    ribbon: Ribbon | None = None
    evidence: Evidence | None = None

    @property
    def box(self) -> Box:
        """The axis-aligned hull of the outline."""
        return hull(np.asarray(self.polygon, dtype=np.float32))

    @property
    def curved(self) -> bool:
        return self.ribbon is not None and self.ribbon.curved


class Reader(Protocol):
    """Finds and reads the text of a picture."""

    def fingerprint(self) -> str:
        """Everything that can change what is read: engine, models, versions, settings."""
        ...

    def read(self, pixels: Pixels) -> list[Line]:
        """The lines of (H, W, 3) uint8 sRGB pixels, in no particular order; boxes in pixels of that picture.

        Raises:
            JudgeError: this picture could not be read.
            UnavailableError: nothing can be read (models or packages missing).
        """
        ...

    def again(self, pixels: Pixels, line: Line) -> list[Line]:
        """A line of these pixels read again, cut out differently each time. Empty if that would tell nothing new.

        Raises:
            JudgeError: as `read`.
        """
        ...

    def close(self) -> None: ...


@runtime_checkable
class KnowsLetters(Protocol):
    """A reader that can say which letters it reads. A text with any other letter is not asked of it."""

    def letters(self) -> Letters:
        """The letters and digits that it can read (see `evalkit.judges.typography.scope.readable`).

        Raises:
            UnavailableError: nothing can be read (models or packages missing).
        """
        ...


class Recognition(NamedTuple):
    """One recognised crop: its characters, the place of each along the line in [0, 1], and the mean confidence.

    `chances` is the probability of each character, empty where it is not known.
    """

    characters: str
    places: tuple[float, ...]
    confidence: float
    chances: tuple[float, ...] = ()


class PaddleReader:
    """PP-OCRv6 small (ONNX Runtime, CPU), loaded on first use. Not thread-safe.

    Lines are recognised one by one. In a batch they would be padded to the widest, and the reading of one line would
    depend on the others.
    """

    def __init__(self, threads: int = 2) -> None:
        self._networks = Networks(threads)

    def fingerprint(self) -> str:
        return self._networks.fingerprint()

    def letters(self) -> Letters:
        return self._letters

    def read(self, pixels: Pixels) -> list[Line]:
        image = np.ascontiguousarray(pixels[:, :, ::-1])
        size = (image.shape[1], image.shape[0])
        text_map = self._networks.text_map(image)
        found = rings(text_map, size)
        blobs = bent(text_map, size) if found else None
        straight = [r for r in ribbons(text_map, size) if blobs is None or _share_on(r, blobs) < ON_BLOB]
        lines = [self._line(image, ribbon, ribbon) for ribbon in straight]
        if blobs is not None:
            lines += [self._line(*place) for ring in found for place in self._on_ring(image, ring, blobs)]
        return [line for line in lines if line is not None]

    def again(self, pixels: Pixels, line: Line) -> list[Line]:
        if line.ribbon is None:
            return []
        image = np.ascontiguousarray(pixels[:, :, ::-1])
        cuts = (line.ribbon.grown(by) for by in CUTS)
        lines = [self._recognised(cut.crop(image), cut) for cut in cuts]
        return [line for line in lines if line is not None]

    def close(self) -> None:
        self._networks.close()

    @cached_property
    def _letters(self) -> Letters:
        return readable(models.characters_of(models.find_weights().recognition))

    def _on_ring(self, image: Pixels, ring: Ring, blobs: NDArray[np.bool_]) -> Iterator[tuple[Pixels, Ribbon, Ribbon]]:
        flat = unroll(image, ring)
        for ribbon in ribbons(self._networks.text_map(flat), (flat.shape[1], flat.shape[0])):
            rolled = roll(ribbon, ring)
            if _share_on(rolled, blobs) >= ON_BLOB:
                yield flat, ribbon, rolled

    def _line(self, image: Pixels, ribbon: Ribbon, place: Ribbon) -> Line | None:
        """The line in `ribbon` of `image`, which lies at `place` in the picture."""
        strip = ribbon.crop(image)
        line = self._recognised(strip, place)
        if line is None or line.confidence < TURN_BELOW:
            turned = self._recognised(np.ascontiguousarray(strip[::-1, ::-1]), place.turned())
            if turned is not None and (line is None or turned.confidence > line.confidence):
                return turned
        return line

    def _recognised(self, strip: Pixels, place: Ribbon) -> Line | None:
        evidence = keep(*self._networks.frames(strip), self._networks.alphabet)
        letters = decode(evidence)
        confidence = float(np.mean([letter.p for letter in letters])) if letters else 0.0
        text = "".join(letter.character for letter in letters)
        read = Recognition(text, tuple(n.place for n in letters), confidence, tuple(n.p for n in letters))
        return to_line(read, place, evidence)


def _share_on(ribbon: Ribbon, blobs: NDArray[np.bool_]) -> float:
    """Share of a ribbon's middle line that lies on `blobs` (H, W)."""
    share = np.linspace(0.05, 0.95, 19)
    middle = (ribbon.along(share, top=True) + ribbon.along(share, top=False)) / 2
    x = np.clip(middle[:, 0].astype(int), 0, blobs.shape[1] - 1)
    y = np.clip(middle[:, 1].astype(int), 0, blobs.shape[0] - 1)
    return float(blobs[y, x].mean())


def read_scaled(reader: Reader, pixels: Pixels, scale: float) -> list[Line]:
    """The lines that `reader` reads in the picture resized by `scale`, with boxes in pixels of the original picture."""
    if scale == 1.0:
        return reader.read(pixels)
    import cv2

    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    fx, fy = width / size[0], height / size[1]
    return [_rescaled(line, fx, fy) for line in reader.read(np.asarray(resized, dtype=np.uint8))]


def _rescaled(line: Line, fx: float, fy: float) -> Line:
    words = tuple(
        Word(w.text, Box(w.box.x0 * fx, w.box.y0 * fy, w.box.x1 * fx, w.box.y1 * fy), w.clarity) for w in line.words
    )
    polygon = tuple((x * fx, y * fy) for x, y in line.polygon)
    ribbon = line.ribbon.scaled(fx, fy) if line.ribbon is not None else None
    return Line(line.text, line.confidence, polygon, words, ribbon, line.evidence)


def to_line(read: Recognition, ribbon: Ribbon, evidence: Evidence | None = None) -> Line | None:
    """Words and boxes of one recognised line; `None` if no character was read.

    A character reaches half-way to its neighbours; a word is the run between two spaces.
    """
    words = []
    for start, stop in _runs(read.characters):
        reach = _reach(read.places, start, stop)
        clarity = min(read.chances[start:stop], default=None)
        words.append(Word(read.characters[start:stop], hull(ribbon.part(*reach)), clarity))
    if not words:
        return None
    text = " ".join(word.text for word in words)
    return Line(text, read.confidence, ribbon.outline, tuple(words), ribbon, evidence)


def _runs(characters: str) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for i, character in enumerate(characters):
        if character.isspace():
            continue
        if runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        else:
            runs.append((i, i + 1))
    return runs


def _reach(places: Sequence[float], start: int, stop: int) -> tuple[float, float]:
    pitch = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
    left = (places[start] + places[start - 1]) / 2 if start > 0 else places[start] - pitch / 2
    right = (places[stop - 1] + places[stop]) / 2 if stop < len(places) else places[stop - 1] + pitch / 2
    return max(0.0, left, places[start] - pitch), min(1.0, right, places[stop - 1] + pitch)
