"""Measures the ink of a word: is a stretch of it softer than the rest, are its strokes broken? Pure functions.

The text reader ignores both. Coverage is measured along the line from the colour of the ground to that of the ink: 0
is ground, 1 is ink.
"""

from __future__ import annotations

import math
import unicodedata
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box

LEAST_CONTRAST = 40.0
"""Distance in RGB levels between ground and ink below which edges can't be judged."""
LEAST_HEIGHT = 8
"""px"""
MOST_NOISE = 0.2
"""If the ground around a word varies by this share of the contrast, ink can't be told from ground."""
INK = 0.35
"""Coverage from which a pixel counts as ink. It is low enough that hairlines of small type stay connected."""
LEAST_INK = 0.12
"""Share of the height that columns must be covered with for their edges to count."""
LEAST_STRETCHES = 4
REACH = 0.06
"""Half the width of a stretch, as a share of the height of the word's box."""
USUAL = 75
"""Percentile of a word's stretches that gives its usual sharpness. Up to three quarters of the word may be damaged."""
SOFT = 0.5
"""A stretch is still sharp if its edges are this share as steep as the usual ones. Clean type goes down to .6."""
SPARE = 1
"""Surplus pieces of ink that are tolerated: the box may cut a neighbour, and some typefaces have gaps."""
SPECK = 0.002
"""Pieces of ink smaller than this share of the squared height are ignored."""
_IN_TWO, _IN_THREE = '0ij:;=!?¡¿"“”„«»', "%÷…"
_LAST_LATIN = 0x24F
_MARKS = "‘’“”„…–—•€™"
_TWICE = "\u0308\u030b"

Coverage = NDArray[np.float32]


def coverage(pixels: Pixels, box: Box) -> Coverage | None:
    """(h, w) coverage of `box` and 2 px around it, 0 to 1.2; `None` if ground and ink can't be told apart."""
    height, width = pixels.shape[:2]
    x0, y0 = max(0, int(box.x0) - 2), max(0, int(box.y0) - 2)
    cell = pixels[y0 : min(height, math.ceil(box.y1) + 2), x0 : min(width, math.ceil(box.x1) + 2)].astype(np.float32)
    if min(cell.shape[:2]) < LEAST_HEIGHT:
        return None
    rim = np.concatenate([*cell[:2], *cell[-2:]])
    ground = np.median(rim, axis=0)
    away = cell - ground
    distance = np.linalg.norm(away, axis=2)
    contrast = float(np.percentile(distance, 98))
    stray = float(np.percentile(np.linalg.norm(rim - ground, axis=1), 75))
    if contrast < LEAST_CONTRAST or stray > MOST_NOISE * contrast:
        return None
    ink = away[distance > 0.8 * contrast].mean(axis=0)
    covered: Coverage = np.clip(away @ ink / max(float(ink @ ink), 1.0), 0.0, 1.2).astype(np.float32)
    return covered


def intact(pixels: Pixels, box: Box, word: str) -> float:
    """How intact the ink of `word` in `box` is, 0 to 1; 1 for even and unbroken strokes, and if it can't be measured.

    This is the sharpness of the softest stretch (1 from `SOFT` on), times the number of pieces that the letters of the
    word should have divided by the number of pieces of its ink.
    """
    covered = coverage(pixels, box)
    if covered is None:
        return 1.0
    soft, due = softest(covered), pieces_of(word)
    sharp = 1.0 if soft is None else min(1.0, soft / SOFT)
    return sharp * (1.0 if due is None else due / max(due, pieces(covered) - SPARE))


def softest(covered: Coverage) -> float | None:
    """Steepest edge of the softest stretch of a word over that of a usual stretch, at most 1; `None` if too short.

    Every column through clean ink crosses the edge of a stroke, at least where the stroke ends.
    """
    steps = np.maximum(
        np.abs(np.diff(covered, axis=0, prepend=covered[:1])), np.abs(np.diff(covered, axis=1, prepend=covered[:, :1]))
    )
    steepest = np.sort(steps, axis=0)[-2:].mean(axis=0)
    amount = np.minimum(covered, 1.0).mean(axis=0)
    reach = max(1, round(REACH * len(covered)))
    best = _windows(steepest, reach).max(axis=1)[_windows(amount, reach).min(axis=1) > LEAST_INK]
    if len(best) < LEAST_STRETCHES:
        return None
    return float(min(1.0, best.min() / max(np.percentile(best, USUAL), 1e-6)))


def _windows(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)


def pieces(covered: Coverage) -> int:
    """Number of connected parts of the ink of a word. Slivers at the rim of the box (other words' ink) are ignored."""
    import cv2

    height, width = covered.shape
    count, _, found, _ = cv2.connectedComponentsWithStats((covered > INK).astype(np.uint8), connectivity=8)
    x, y, w, h, area = found[1:count].T
    at_rim = (x == 0) | (y == 0) | (x + w == width) | (y + h == height)
    return int(((area >= max(2.0, SPECK * height * height)) & (~at_rim | (h > height / 2))).sum())


def pieces_of(word: str) -> int | None:
    """Number of pieces that the letters of a word have if they are well drawn and apart; `None` if not Latin."""
    if not all(ord(letter) <= _LAST_LATIN or letter in _MARKS for letter in word):
        return None
    return sum(_pieces_of(part) for part in chain.from_iterable(unicodedata.normalize("NFD", c) for c in word))


def _pieces_of(part: str) -> int:
    return 3 if part in _IN_THREE else 2 if part in _IN_TWO or part in _TWICE else 1
