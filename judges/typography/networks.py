"""Runs the two networks of PP-OCRv6 small on ONNX Runtime: the text detector and the line recogniser.

They are run directly, not through PaddleOCR, whose modules return neither the map of the detector (which shows curved
text) nor the probabilities of the recogniser (which show what else a glyph could be). Pictures are prepared exactly as
PaddleOCR's modules do.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import JudgeError, UnavailableError
from evalkit.api.pictures import Pixels
from evalkit.judges.typography import models

LEAST_SIDE = 64
LARGEST_SIDE = 4000
LINE_HEIGHT = 48
LEAST_WIDTH, LARGEST_WIDTH = 320, 3200
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class Frames(NamedTuple):
    """The output of the recogniser for one strip: probabilities `p` (frames, classes). Class 0 is the blank.

    `width` is the share of the frames that the strip fills; the rest is padding.
    """

    p: NDArray[np.float32]
    width: float


class Networks:
    """Detector and recogniser, loaded on first use. Not thread-safe."""

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._sessions: tuple[Any, Any] | None = None
        self._alphabet: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Identifies the weights and the engine."""
        from importlib.metadata import PackageNotFoundError, version

        weights = models.find_weights()
        try:
            engine = f"onnxruntime {version('onnxruntime')}"
        except PackageNotFoundError as error:
            raise UnavailableError(f"{error} is not installed", where="typography", hint=models.INSTALL) from error
        return ", ".join(["PP-OCRv6 small", weights.detection_sha256[:12], weights.recognition_sha256[:12], engine])

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The character of each class of the recogniser; the blank's is empty."""
        self._loaded()
        return self._alphabet

    def text_map(self, image: Pixels) -> NDArray[np.float32]:
        """Probability of text per cell of (H, W, 3) BGR. The picture is first resized to a multiple of 32 px."""
        import cv2

        detector, _ = self._loaded()
        height, width = image.shape[:2]
        if height + width < LEAST_SIDE:
            padded = np.zeros((max(32, height), max(32, width), 3), np.uint8)
            padded[:height, :width] = image
            image, (height, width) = padded, padded.shape[:2]
        ratio = max(1.0, LEAST_SIDE / min(height, width))
        ratio = min(ratio, LARGEST_SIDE / max(height, width))
        rows, columns = (max(32, round(int(side * ratio) / 32) * 32) for side in (height, width))
        resized = image if (rows, columns) == (height, width) else cv2.resize(image, (columns, rows))
        x = ((resized.astype(np.float32) / 255.0 - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
        found: NDArray[np.float32] = self._run(detector, np.ascontiguousarray(x))[0, 0]
        return found

    def frames(self, strip: Pixels) -> Frames:
        """The class probabilities of an upright strip of text (h, w, 3) BGR."""
        import cv2

        _, recogniser = self._loaded()
        height, width = strip.shape[:2]
        target = min(LARGEST_WIDTH, max(1, math.ceil(LINE_HEIGHT * width / height)))
        resized = cv2.resize(strip, (target, LINE_HEIGHT)).astype(np.float32) / 127.5 - 1.0
        padded = max(LEAST_WIDTH, target)
        x = np.zeros((1, 3, LINE_HEIGHT, padded), dtype=np.float32)
        x[0, :, :, :target] = resized.transpose(2, 0, 1)
        return Frames(self._run(recogniser, x)[0], target / padded)

    def close(self) -> None:
        self._sessions = None

    def _run(self, session: Any, x: NDArray[np.float32]) -> Any:
        try:
            return session.run(None, {session.get_inputs()[0].name: x})[0]
        except Exception as error:  # ONNX Runtime raises exception types of its own that are not documented
            raise JudgeError(f"the reader failed: {type(error).__name__}: {error}", where="PP-OCRv6") from error

    def _loaded(self) -> tuple[Any, Any]:
        if self._sessions is None:
            weights = models.find_weights()
            try:
                import cv2  # noqa: F401 - whether it loads (it wants system libraries) is told here, not in mid-run
                import onnxruntime
            except ImportError as error:
                raise UnavailableError("the reader is not installed", where=str(error), hint=models.INSTALL) from error
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            try:
                detector, recogniser = (
                    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
                    for path in (weights.detection, weights.recognition)
                )
            except Exception as error:
                what = f"ONNX Runtime can't load the models: {type(error).__name__}: {error}"
                raise UnavailableError(what, where=str(weights.detection.parent), hint=models.INSTALL) from error
            self._alphabet = ("", *models.characters(recogniser, weights.recognition), " ")
            self._sessions = (detector, recogniser)
        return self._sessions
