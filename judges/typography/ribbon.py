"""The place of a line of text: a ribbon between two edges, straight or bent, that can be cut out and flattened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box

Points = NDArray[np.float32]
LEAST_TALL = 1.5
"""A straight line at least this many times as high as it is wide is vertical text (PaddleOCR's rule)."""


@dataclass(frozen=True, slots=True)
class Ribbon:
    """`top` and `bottom` (n, 2) are the edges of the letters in reading direction, px; n is 2 for a straight line."""

    top: Points
    bottom: Points

    @property
    def curved(self) -> bool:
        return len(self.top) > 2

    @property
    def length(self) -> float:
        """Length of the longer edge, px."""
        return max(_length(self.top), _length(self.bottom), 1.0)

    @property
    def height(self) -> float:
        """Greatest distance between the edges, px."""
        return max(float(np.linalg.norm(self.top - self.bottom, axis=1).max()), 1.0)

    @property
    def outline(self) -> tuple[tuple[float, float], ...]:
        """The outline, clockwise from the start of the top edge."""
        return tuple((float(x), float(y)) for x, y in np.concatenate([self.top, self.bottom[::-1]]))

    @property
    def box(self) -> Box:
        return hull(np.concatenate([self.top, self.bottom]))

    def scaled(self, fx: float, fy: float) -> Ribbon:
        factor = np.array([fx, fy], dtype=np.float32)
        return Ribbon(self.top * factor, self.bottom * factor)

    def grown(self, by: float) -> Ribbon:
        """The same ribbon, higher by this share of its height; half of that is added on either side."""
        out = (self.top - self.bottom) * (by / 2)
        return Ribbon(self.top + out, self.bottom - out)

    def turned(self) -> Ribbon:
        """The same place read from the other end, that is upside down."""
        return Ribbon(self.bottom[::-1], self.top[::-1])

    def part(self, start: float, stop: float) -> Points:
        """Points on both edges from `start` to `stop`, as shares of the length. Their hull is the box of that part."""
        inner = [t for t in np.linspace(0, 1, len(self.top)) if start < t < stop]
        places = np.array([start, *inner, stop])
        return np.concatenate([_along(self.top, places), _along(self.bottom, places)])

    def along(self, places: NDArray[np.float64], *, top: bool) -> Points:
        """Points (n, 2) of one edge at shares of its length."""
        return _along(self.top if top else self.bottom, places)

    def crop(self, image: Pixels) -> Pixels:
        """The ribbon cut out of (H, W, 3) `image` and flattened: letters upright, at the scale of the image."""
        import cv2

        width, height = max(1, int(self.length)), max(1, int(self.height))
        if not self.curved:
            corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
            outline = np.asarray(self.outline, dtype=np.float32)
            warp = cv2.getPerspectiveTransform(outline, corners)
            flat = cv2.warpPerspective(
                image, warp, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC
            )
            return np.asarray(flat, dtype=np.uint8)
        places = (np.arange(width) + 0.5) / width
        top, bottom = _along(self.top, places), _along(self.bottom, places)
        down = ((np.arange(height) + 0.5) / height)[:, None, None]
        at = (top[None] * (1 - down) + bottom[None] * down - 0.5).astype(np.float32)
        flat = cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(flat, dtype=np.uint8)


def from_outline(outline: Points) -> Ribbon:
    """The ribbon of a quadrilateral (4, 2), clockwise from its top left. A tall one is read from the bottom upwards."""
    a, b, c, d = outline
    width = max(float(np.linalg.norm(a - b)), float(np.linalg.norm(c - d)), 1.0)
    height = max(float(np.linalg.norm(a - d)), float(np.linalg.norm(b - c)), 1.0)
    if height / width >= LEAST_TALL:  # the text is turned to the left: its top edge is on the right
        return Ribbon(np.array([b, c], dtype=np.float32), np.array([a, d], dtype=np.float32))
    return Ribbon(np.array([a, b], dtype=np.float32), np.array([d, c], dtype=np.float32))


def hull(points: Points) -> Box:
    """The axis-aligned box around (n, 2) points."""
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return Box(float(x0), float(y0), float(x1), float(y1))


def _length(edge: Points) -> float:
    return float(np.linalg.norm(np.diff(edge, axis=0), axis=1).sum())


def _along(edge: Points, places: NDArray[np.float64]) -> Points:
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(edge, axis=0), axis=1))])
    at = places * steps[-1]
    return np.stack([np.interp(at, steps, edge[:, 0]), np.interp(at, steps, edge[:, 1])], axis=1).astype(np.float32)
