"""Searches for boxes of a known size at all places at once. Pure functions of ink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box
from evalkit.judges.layout.ink import Edges, Ink, Mask, moved

LEAST_LEFT = 0.2
"""Least share that must be left of something cut off by the picture's edge."""
CUT_MEAN = 0.8
"""Least mean evidence of the other three edges."""


def rigid(ink: Ink, like: Box, *, least: float = 0.5, give: int = 2) -> Edges | None:
    """The nearest place in the picture where a box of the size of `like` has ink along its four sides and none beyond.

    All places are tried at once. `least` is the required mean evidence; `None` if no place has it. The ink may begin up
    to `give` px inside the box.
    """
    around = ink.bounds(Box(0, 0, ink.mask.shape[1], ink.mask.shape[0]))
    width, height = round(like.width), round(like.height)
    if around is None or min(width, height) <= give:
        return None
    # add two empty lines, and all the space in which the box can still touch ink
    x0, y0, x1, y1 = (int(v) for v in (around.x0, around.y0, around.x1, around.y1))
    rows, columns = y1 - y0 - height + 5, x1 - x0 - width + 5
    if rows < 1 or columns < 1:
        return None
    padded = np.pad(ink.mask[y0:y1, x0:x1], 3)
    sums = Ink(padded).sums

    def total(top: int, bottom: int, left: int, right: int) -> NDArray[np.float32]:
        """Ink between these lines of the box, for every position of its upper left corner from (1, 1) on."""
        low, high = slice(1 + top, 1 + top + rows), slice(1 + bottom, 1 + bottom + rows)
        one, two = slice(1 + left, 1 + left + columns), slice(1 + right, 1 + right + columns)
        return (sums[high, two] - sums[low, two] - sums[high, one] + sums[low, one]).astype(np.float32)

    sides = (
        (total(0, height, 0, give), total(0, height, -1, 0)),
        (total(0, give, 0, width), total(-1, 0, 0, width)),
        (total(0, height, width - give, width), total(0, height, width, width + 1)),
        (total(height - give, height, 0, width), total(height, height + 1, 0, width)),
    )
    score = np.zeros((rows, columns), dtype=np.float32)
    possible = np.ones((rows, columns), dtype=np.bool_)
    for inside, outside in sides:
        score += np.where(outside > 0, np.maximum(inside - outside, 0) / (inside + outside + 1), 1.0) / 4
        possible &= inside > 0
    y, x = np.ogrid[:rows, :columns]
    far = np.hypot(x + x0 - 2 - like.x0, y + y0 - 2 - like.y0)
    ranked = np.where(possible & (score >= least), score - 0.2 * far / np.hypot(*ink.mask.shape), -1.0)
    best = int(np.argmax(ranked))
    row, column = divmod(best, columns)
    if ranked[row, column] < 0:
        return None
    there = moved(like, column + x0 - 2 - round(like.x0), row + y0 - 2 - round(like.y0))
    return ink.edges(there, give)


def at_border(ink: Ink, like: Box) -> Box | None:
    """The place at an edge of the picture where part of a box of the size of `like` is visible, the rest being cut off.

    Of the places with ink at the border and `CUT_MEAN` evidence on the other three sides, the one that shows most.
    """
    height, width = ink.mask.shape
    found: list[tuple[float, Box]] = []
    for turned, flipped in ((False, False), (False, True), (True, False), (True, True)):
        mask = ink.mask.T if turned else ink.mask
        mask = mask[:, ::-1] if flipped else mask
        long, across = (like.height, like.width) if turned else (like.width, like.height)
        part = _at_left(mask, round(long), round(across))
        if part is None:
            continue
        score, x1, y0 = part
        x0, end = (mask.shape[1] - x1, mask.shape[1]) if flipped else (0, x1)
        y1 = y0 + round(across)
        box = Box(y0, x0, y1, end) if turned else Box(x0, y0, end, y1)
        found.append((score, box))
    if not found:
        return None
    best = max(found, key=lambda pair: pair[0])[1]
    return Box(max(best.x0, 0), max(best.y0, 0), min(best.x1, width), min(best.y1, height))


def _at_left(mask: Mask, width: int, height: int) -> tuple[float, int, int] | None:
    """Score, right edge and top of the best box of this height that starts at the left edge and is narrower."""
    widest = min(width - 1, mask.shape[1] - 1)
    rows = mask.shape[0] - height + 1
    if height < 4 or widest < 4 or rows < 1 or not mask[:, 0].any():
        return None
    padded = np.pad(mask[:, : widest + 1], ((1, 1), (0, 0)))
    sums = Ink(padded).sums
    narrow = max(4, round(LEAST_LEFT * width))
    ends = np.arange(narrow, widest + 1)
    top = np.arange(rows)[:, None] + 1  # of the padded mask

    def total(
        y0: NDArray[np.intp], y1: NDArray[np.intp], x0: NDArray[np.intp] | int, x1: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        counted: NDArray[np.float32] = (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]).astype(np.float32)
        return counted

    low = top + height
    sides = (
        (total(top, top + 2, 0, ends), total(top - 1, top, 0, ends)),
        (total(low - 2, low, 0, ends), total(low, low + 1, 0, ends)),
        (total(top, low, ends - 2, ends), total(top, low, ends, ends + 1)),
    )
    score = np.zeros((rows, len(ends)), dtype=np.float32)
    possible = total(top, low, 0, np.ones_like(ends)) > 0
    for inside, outside in sides:
        score += np.where(outside > 0, np.maximum(inside - outside, 0) / (inside + outside + 1), 1.0) / 3
        possible = possible & (inside > 0)
    ranked = np.where(possible & (score >= CUT_MEAN), score + 0.5 * ends / width, -1.0)
    best = int(np.argmax(ranked))
    row, column = divmod(best, len(ends))
    return None if ranked[row, column] < 0 else (float(ranked[row, column]), int(ends[column]), row)
