"""Ink, the pixels of one colour, and the edges of boxes of ink. Pure functions of masks.

An edge of a box is where the lines inside it hold ink and the lines outside do not. This needs no connected components,
so it also works if things of one colour touch or overlap: each of the four edges is evidence of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box

Mask = NDArray[np.bool_]
Counts = NDArray[np.int32]
Four = tuple[int, int, int, int]


class Blob(NamedTuple):
    """A connected component of ink: its box and its area in px²."""

    box: Box
    area: int


class Edges(NamedTuple):
    """The box that was found, and the evidence for its left, top, right and bottom edge, each 0 to 1.

    `covered` says for each edge whether ink lies on both sides of it: something of that colour may cover it.
    """

    box: Box
    evidence: tuple[float, float, float, float]
    covered: tuple[bool, bool, bool, bool]

    @property
    def mean(self) -> float:
        return sum(self.evidence) / 4

    @property
    def least(self) -> float:
        return min(self.evidence)


class _Side(NamedTuple):
    """One edge: its place, its evidence, whether nothing lies beyond it, and whether ink lies on both sides."""

    at: int
    strength: float
    alone: bool
    covered: bool


COVERED_EDGE = 0.4
"""Evidence of an edge that was derived from the opposite one."""


class Ink:
    """A mask (H, W) with its integral image and its components, each computed once."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    @cached_property
    def sums(self) -> Counts:
        """(H + 1, W + 1): number of ink pixels above and left of each corner (the integral image)."""
        sums = np.zeros((self.mask.shape[0] + 1, self.mask.shape[1] + 1), dtype=np.int32)
        inner = sums[1:, 1:]
        inner[:] = self.mask
        np.cumsum(inner, axis=1, out=inner)
        for row in range(1, len(inner)):  # adding whole rows is five times faster than a sum down the columns
            inner[row] += inner[row - 1]
        return sums

    @cached_property
    def blobs(self) -> tuple[Blob, ...]:
        """The connected components (diagonals connect)."""
        from scipy.ndimage import find_objects

        areas = np.bincount(self._numbers.ravel())[1:]
        return tuple(
            Blob(Box(x.start, y.start, x.stop, y.stop), int(area))
            for (y, x), area in zip(find_objects(self._numbers), areas, strict=True)
        )

    @cached_property
    def _numbers(self) -> Counts:
        from scipy.ndimage import label

        numbers: Counts = label(self.mask, structure=np.ones((3, 3)))[0]
        return numbers

    def count(self, box: Box) -> int:
        """Ink in `box`, px."""
        x0, y0, x1, y1 = self._whole(box)
        return int(self.sums[y1, x1] - self.sums[y0, x1] - self.sums[y1, x0] + self.sums[y0, x0])

    def share(self, box: Box) -> float:
        """Share of ink in the part of `box` that is in the picture."""
        x0, y0, x1, y1 = self._whole(box)
        return self.count(box) / max((x1 - x0) * (y1 - y0), 1)

    def bounds(self, box: Box) -> Box | None:
        """The box of the ink in `box`."""
        x0, y0, x1, y1 = self._whole(box)
        part = self.mask[y0:y1, x0:x1]
        ys, xs = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        if not len(ys):
            return None
        return Box(x0 + int(xs[0]), y0 + int(ys[0]), x0 + int(xs[-1]) + 1, y0 + int(ys[-1]) + 1)

    def without(self, boxes: Sequence[Box], slack: float = 2.0) -> Ink:
        """This ink without the components that lie in one of `boxes`, with a tolerance of `slack` px."""
        if not boxes:
            return self
        wide = [grown(box, slack) for box in boxes]
        return self.only(lambda blob: not any(lies_in(blob.box, box) for box in wide))

    def outside(self, boxes: Sequence[Box]) -> Ink:
        """This ink without everything that lies in one of `boxes`."""
        rest = self.mask.copy()
        for box in boxes:
            x0, y0, x1, y1 = self._whole(box)
            rest[y0:y1, x0:x1] = False
        return Ink(rest)

    def only(self, kept: Callable[[Blob], bool]) -> Ink:
        """This ink without the components that are not `kept`."""
        return Ink(np.array([False, *map(kept, self.blobs)])[self._numbers])

    def edges(self, box: Box, reach: int) -> Edges:
        """The edges near those of `box`; each may be up to `reach` px away.

        They are searched for twice, the second time from the first result, because a shifted box has other lines. An
        edge that something else covers is derived from the opposite one and the size of `box`.
        """
        wanted = (round(box.x0), round(box.y0), round(box.x1), round(box.y1))
        found = wanted
        sides: list[_Side] = []
        for _ in range(2):
            x0, y0, x1, y1 = found
            spans = ((y0, max(y1, y0 + 1), 1), (x0, max(x1, x0 + 1), 0)) * 2
            sides = [
                self._side(want, *span, reach, ends=index >= 2)
                for index, (want, span) in enumerate(zip(wanted, spans, strict=True))
            ]
            x0, y0, x1, y1 = (side.at for side in sides)
            found = (x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
        for index, side in enumerate(sides):
            other = (index + 2) % 4
            shift = found[other] - wanted[other]
            if side.covered and sides[other].alone and abs(shift) <= 1:
                found = _replaced(found, index, wanted[index] + shift)
                sides[index] = side._replace(strength=max(side.strength, COVERED_EDGE))
        x0, y0, x1, y1 = found
        left, top, right, bottom = sides
        return Edges(
            Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)),
            (left.strength, top.strength, right.strength, bottom.strength),
            (left.covered, top.covered, right.covered, bottom.covered),
        )

    def _side(self, want: int, low: int, high: int, axis: int, reach: int, *, ends: bool) -> _Side:
        """The edge near `want` where ink begins (or `ends`), on lines that span from `low` to `high`."""
        lines = self._lines(
            want - reach - 1, want + reach + 1, low, high, axis
        )  # line i is number want - reach - 1 + i
        inside, outside = (lines[:-1], lines[1:]) if ends else (lines[1:], lines[:-1])
        # a single px of ink is weak evidence, but better if nothing lies beyond it: pointed shapes are that thin
        strength = (inside - outside) / (inside + outside + np.where(outside > 0, 1.0, 0.5))
        # if nothing lies beyond, even a single descender is the edge; otherwise the edge is where most ink ends
        alone = (inside > 0) & (outside == 0)
        best = int(np.argmax(strength * ~alone + 2.0 * alone - 0.005 * np.abs(np.arange(-reach, reach + 1))))
        least = max(1.0, 0.01 * (high - low))
        covered = not alone[best] and bool(inside[reach] > least) and bool(outside[reach] > least)
        return _Side(want - reach + best, max(float(strength[best]), 0.0), bool(alone[best]), covered)

    def _lines(self, first: int, stop: int, low: int, high: int, axis: int) -> NDArray[np.float64]:
        """Ink on the lines `first` to `stop - 1` between `low` and `high`; 0 outside the picture."""
        sums = self.sums if axis == 0 else self.sums.T
        low, high = (min(max(v, 0), sums.shape[1] - 1) for v in (low, high))
        at = np.clip(np.arange(first, stop + 1), 0, sums.shape[0] - 1)
        totals = (sums[at, high] - sums[at, low]).astype(np.float64)
        return np.diff(totals)

    def _whole(self, box: Box) -> Four:
        height, width = self.mask.shape
        x0, y0 = min(max(math.floor(box.x0), 0), width), min(max(math.floor(box.y0), 0), height)
        return x0, y0, min(max(math.ceil(box.x1), x0), width), min(max(math.ceil(box.y1), y0), height)


def grown(box: Box, by: float, across: float | None = None) -> Box:
    """`box` extended by `by` px on the left and right, and by `across` px (default: as much) above and below."""
    tall = by if across is None else across
    return Box(box.x0 - by, box.y0 - tall, box.x1 + by, box.y1 + tall)


def moved(box: Box, dx: float, dy: float) -> Box:
    """`box` elsewhere."""
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def lies_in(inner: Box, outer: Box) -> bool:
    """Whether all of `inner` is in `outer`."""
    return outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of `boxes`."""
    result = boxes[0]
    for box in boxes[1:]:
        result = result.union(box)
    return result


def _replaced(four: Four, index: int, value: int) -> Four:
    a, b, c, d = (value if place == index else old for place, old in enumerate(four))
    return a, b, c, d
