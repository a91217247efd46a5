"""Turns the detector's map into straight ribbons, as PaddleOCR does. Pure functions.

The post-processing is that of differentiable binarisation (Liao et al. 2020, arXiv 1911.08947) with the thresholds of
PP-OCRv6 small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.typography.ribbon import Points, Ribbon, from_outline

THRESHOLD = 0.2
LEAST_SCORE = 0.45
UNCLIP = 1.4
MOST_REGIONS = 3000
SMALLEST = 3


def ribbons(text_map: NDArray[np.float32], size: tuple[int, int]) -> list[Ribbon]:
    """The lines of text in a picture of `size` (width, height) px."""
    import cv2

    rows, columns = text_map.shape
    fx, fy = size[0] / columns, size[1] / rows
    contours, _ = cv2.findContours((text_map > THRESHOLD).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found: list[Ribbon] = []
    for contour in contours[:MOST_REGIONS]:
        straight = _straight(text_map, contour)
        if straight is not None:
            found.append(_inside(straight.scaled(fx, fy), size))
    return found


def _straight(text_map: NDArray[np.float32], contour: Any) -> Ribbon | None:
    import cv2

    rectangle = cv2.minAreaRect(contour)
    if min(rectangle[1]) < SMALLEST:
        return None
    corners = cv2.boxPoints(rectangle)
    if _score(text_map, corners) < LEAST_SCORE:
        return None
    (cx, cy), (w, h), angle = rectangle
    grown = w * h * UNCLIP / (2 * (w + h))
    w, h = w + 2 * grown, h + 2 * grown
    if min(w, h) < SMALLEST + 2:
        return None
    return from_outline(_clockwise(cv2.boxPoints(((cx, cy), (w, h), angle))))


def _score(text_map: NDArray[np.float32], corners: Points) -> float:
    """Mean of the map inside a quadrilateral."""
    import cv2

    rows, columns = text_map.shape
    x0, x1 = (int(np.clip(v, 0, columns - 1)) for v in (np.floor(corners[:, 0].min()), np.ceil(corners[:, 0].max())))
    y0, y1 = (int(np.clip(v, 0, rows - 1)) for v in (np.floor(corners[:, 1].min()), np.ceil(corners[:, 1].max())))
    mask = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - (x0, y0)).astype(np.int32)], 1)
    return float(cv2.mean(text_map[y0 : y1 + 1, x0 : x1 + 1], mask)[0])


def _clockwise(corners: Points) -> Points:
    """Corners clockwise from the top left: left and right pairs are found by x, then ordered by y (as in PaddleOCR)."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    left, right = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.array([left[0], right[0], right[1], left[1]], dtype=np.float32)


def _inside(ribbon: Ribbon, size: tuple[int, int]) -> Ribbon:
    high = np.array(size, dtype=np.float32)
    return Ribbon(np.clip(np.rint(ribbon.top), 0, high), np.clip(np.rint(ribbon.bottom), 0, high))
