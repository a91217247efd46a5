"""How well the text is drawn: how surely each glyph is the one that was asked for, and how sharp it is (pure).

A damaged glyph that is read as another letter, or nearly, shows in its margin. A smeared one is often still read; it
shows beside its neighbours: its steepest edge, as a share of its contrast, is softer than theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from evalkit.pictures import Pixels
from evalkit.records import Box
from judges.typography.match import Status
from judges.typography.support import Sight, Weighed

LEAST_CONTRAST = 25.0
"""Levels of grey between the light and the dark parts of a glyph below which its edges say nothing."""
LEAST_SIDE = 4
"""px"""
LEAST_PEERS = 3
"""Glyphs of a line that must be measurable for one to be held against the others."""
SOFT = 0.7
"""A glyph with edges this share as steep as the median of its line is still sharp: clean type reaches down to .7."""
_WRONG = frozenset({Status.TYPO, Status.MALFORMED})
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def with_clarity(weighed: Weighed, pixels: Pixels) -> Weighed:
    """The words with their `clarity`, in [0, 1].

    P(expected character) against its best rival at the worst glyph, times how sharp the softest glyph is beside the
    others of its line. 0 for a word that is there but nothing like the expected one, `None` for one that is not there
    or that nothing is known of.
    """
    soft = _softest(weighed.sights, pixels)
    words = [
        replace(word, clarity=_clarity(sight, soft[i], wrong=word.status in _WRONG and word.p_wrong is not None))
        for i, (word, sight) in enumerate(zip(weighed.matching.words, weighed.sights, strict=True))
    ]
    return weighed._replace(matching=replace(weighed.matching, words=tuple(words)))


def _clarity(sight: Sight | None, sharp: float, *, wrong: bool) -> float | None:
    if sight is None or not sight.glyphs:
        return 0.0 if wrong else None
    worst = min(glyph.margin for glyph in sight.glyphs)
    return min(1.0, sharp / SOFT) / (1.0 + math.exp(min(50.0, max(-50.0, -worst))))


def _softest(sights: Sequence[Sight | None], pixels: Pixels) -> list[float]:
    """For each word, the edges of its softest glyph over the median of its line; 1 where that can't be told."""
    grey = pixels.astype(np.float32) @ _GREY
    measured: dict[int, list[tuple[int, float]]] = {}
    for i, sight in enumerate(sights):
        if sight is not None and not sight.line.curved:
            for glyph in sight.glyphs:
                value = sharpness(grey, glyph.box)
                if value is not None:
                    measured.setdefault(id(sight.line), []).append((i, value))
    softest = [1.0] * len(sights)
    for line in measured.values():
        if len(line) >= LEAST_PEERS:
            usual = median(value for _, value in line)
            for i, value in line:
                softest[i] = min(softest[i], value / usual)
    return softest


def sharpness(grey: NDArray[np.float32], box: Box) -> float | None:
    """Steepest step between neighbouring pixels in `box` of (H, W) grey levels, as a share of the contrast there."""
    x0, y0 = max(0, int(box.x0)), max(0, int(box.y0))
    cell = grey[y0 : math.ceil(box.y1), x0 : math.ceil(box.x1)]
    if min(cell.shape) < LEAST_SIDE:
        return None
    dark, light = np.percentile(cell, (2, 98))
    if light - dark < LEAST_CONTRAST:
        return None
    steps = np.concatenate([np.abs(np.diff(cell, axis=axis)).ravel() for axis in (0, 1)])
    return float(np.percentile(steps, 98) / (light - dark))
