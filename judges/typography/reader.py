"""Reading a picture: lines of text with their words, each with a confidence and a box.

`Reader` is the protocol; `PaddleReader` is PP-OCRv6 small through PaddleOCR's detection and recognition modules on ONNX
Runtime. The modules are called one by one, not through PaddleOCR's OCR pipeline, because the pipeline gives words as
runs of one script without their spaces, and boxes that are wrong on slanted lines; the recognition module gives the
column of each character, from which text, words and boxes follow exactly.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import JudgeError, UnavailableError
from evalkit.pictures import Pixels
from evalkit.records import Box
from judges.typography import models

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Word:
    """One run of characters without white space, as read, and its axis-aligned hull."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Line:
    """One line as read: `text` is its words joined by single spaces. `polygon` is its outline, clockwise from top left.

    `confidence` is the reader's own, in [0, 1].
    """

    text: str
    confidence: float
    polygon: tuple[tuple[float, float], ...]
    words: tuple[Word, ...]

    @property
    def box(self) -> Box:
        """The axis-aligned hull of the outline."""
        return hull(np.asarray(self.polygon, dtype=np.float32))


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

    def close(self) -> None: ...


class Recognised(NamedTuple):
    """One recognised crop: its characters, the place of each along the line in [0, 1], and the mean confidence."""

    characters: str
    places: tuple[float, ...]
    confidence: float


class PaddleReader:
    """PP-OCRv6 small (PaddleOCR on ONNX Runtime, CPU), loaded on first use. Not thread-safe.

    Lines are recognised one by one: in a batch they are padded to the widest, and what is read in one would depend
    on the others.
    """

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._modules: tuple[Any, Any] | None = None

    def fingerprint(self) -> str:
        from importlib.metadata import PackageNotFoundError, version

        weights = models.find_weights()
        try:
            engines = [f"{name} {version(name)}" for name in ("paddleocr", "paddlex", "onnxruntime")]
        except PackageNotFoundError as error:
            raise UnavailableError(f"{error} is not installed", where="PaddleReader", hint=models.INSTALL) from error
        return ", ".join(["PP-OCRv6 small", weights.detection_sha256[:12], weights.recognition_sha256[:12], *engines])

    def read(self, pixels: Pixels) -> list[Line]:
        detection, recognition = self._loaded()
        image = np.ascontiguousarray(pixels[:, :, ::-1])
        try:
            found = detection.predict(image, limit_side_len=64, limit_type="min")[0]["dt_polys"]
            outlines = [np.asarray(outline, dtype=np.float32) for outline in found]
            crops = [straighten(image, outline) for outline in outlines]
            results = recognition.predict(crops, batch_size=1, return_word_box=True) if crops else []
        except Exception as error:  # ONNX Runtime and OpenCV raise their own types, none of them documented
            raise JudgeError(f"PaddleOCR failed: {type(error).__name__}: {error}", where="PaddleReader") from error
        lines = (to_line(_recognised(r), outline) for r, outline in zip(results, outlines, strict=True))
        return [line for line in lines if line is not None]

    def close(self) -> None:
        if self._modules is not None:
            for module in self._modules:
                module.close()
            self._modules = None

    def _loaded(self) -> tuple[Any, Any]:
        if self._modules is None:
            folders = models.prepare()
            # read when paddlex is imported: without it the import asks the model hosts whether they are there
            os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
            logging.getLogger("paddlex").setLevel(logging.ERROR)
            try:
                from paddleocr import TextDetection, TextRecognition
            except ImportError as error:
                raise UnavailableError("PaddleOCR is missing", where=str(error), hint=models.INSTALL) from error
            common = {
                "engine": "onnxruntime",
                "engine_config": {"intra_op_num_threads": self._threads},
                "device": "cpu",
            }
            try:
                self._modules = (
                    TextDetection(model_name=models.DETECTION, model_dir=str(folders.detection), **common),
                    TextRecognition(model_name=models.RECOGNITION, model_dir=str(folders.recognition), **common),
                )
            except Exception as error:
                what = f"PaddleOCR can't load its models: {type(error).__name__}: {error}"
                raise UnavailableError(what, where=str(folders.detection.parent), hint=models.INSTALL) from error
        return self._modules


def _recognised(result: Any) -> Recognised:
    text, (columns, _, columns_by_run, _) = result["rec_text"]
    used = [column for run in columns_by_run for column in run]
    places = tuple(min(1.0, (column + 0.5) / columns) for column in used) if columns else ()
    return Recognised(text, places, float(result["rec_score"]))


def read_scaled(reader: Reader, pixels: Pixels, scale: float) -> list[Line]:
    """What `reader` reads in the picture resized by `scale`, with boxes in pixels of the picture itself."""
    if scale == 1.0:
        return reader.read(pixels)
    import cv2

    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    fx, fy = width / size[0], height / size[1]
    return [_rescaled(line, fx, fy) for line in reader.read(np.asarray(resized, dtype=np.uint8))]


def _rescaled(line: Line, fx: float, fy: float) -> Line:
    words = tuple(Word(w.text, Box(w.box.x0 * fx, w.box.y0 * fy, w.box.x1 * fx, w.box.y1 * fy)) for w in line.words)
    return Line(line.text, line.confidence, tuple((x * fx, y * fy) for x, y in line.polygon), words)


def hull(points: Points) -> Box:
    """The axis-aligned box around (n, 2) points."""
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return Box(float(x0), float(y0), float(x1), float(y1))


def is_vertical(outline: Points) -> bool:
    """Whether the line runs down the picture: its sides are 1.5 times as long as its top (PaddleOCR's rule)."""
    width, height = _extent(outline)
    return height / width >= 1.5


def straighten(image: Pixels, outline: Points) -> Pixels:
    """The quadrilateral `outline` (4, 2) cut out as an upright line of text; a vertical one is turned to the left."""
    import cv2

    width, height = (max(1, int(side)) for side in _extent(outline))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(outline, corners)
    crop = cv2.warpPerspective(image, warp, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    crop = np.rot90(crop) if is_vertical(outline) else crop
    return np.ascontiguousarray(crop, dtype=np.uint8)


def _extent(outline: Points) -> tuple[float, float]:
    a, b, c, d = outline
    width = max(float(np.linalg.norm(a - b)), float(np.linalg.norm(c - d)), 1.0)
    height = max(float(np.linalg.norm(a - d)), float(np.linalg.norm(b - c)), 1.0)
    return width, height


def to_line(read: Recognised, outline: Points) -> Line | None:
    """Words and boxes of one recognised line, `None` where no character was read.

    A character reaches half-way to its neighbours; a word is the run between two spaces.
    """
    words = tuple(
        Word(read.characters[start:stop], hull(_segment(outline, *_reach(read.places, start, stop))))
        for start, stop in _runs(read.characters)
    )
    if not words:
        return None
    corners = tuple((float(x), float(y)) for x, y in outline)
    return Line(" ".join(word.text for word in words), read.confidence, corners, words)


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


def _segment(outline: Points, start: float, stop: float) -> Points:
    """The part of the quadrilateral between two places along its reading direction."""
    a, b, c, d = outline
    first, last = ((a, b), (d, c)) if is_vertical(outline) else ((a, d), (b, c))
    ends = [p + (q - p) * t for t in (start, stop) for p, q in zip(first, last, strict=True)]
    return np.asarray(ends, dtype=np.float32)
