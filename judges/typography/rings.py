"""Finds text on circles, unrolls its ring to a straight strip for the reader, and maps boxes back. Pure functions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.judges.typography.ribbon import Ribbon

THRESHOLD = 0.2
LEAST_LENGTH = 40
"""Least length of a blob's rectangle, in map cells, for the blob to be an arc."""
MOST_FILLED = 0.62
"""A straight line fills more than this of its own rectangle."""
LEAST_TURN = 0.6
"""Least angle that an arc must cover, radians."""
LEAST_ON_CIRCLE = 0.6
"""Least share of an arc's outer edge that must lie on its circle."""
LEAST_RADIUS = 40
"""px"""
TRIES = 200
MOST_RINGS = 2


class Ring(NamedTuple):
    """Centre, inner and outer radius (px), and the angle (radians, clockwise from the right) where it is cut open."""

    x: float
    y: float
    inner: float
    outer: float
    seam: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the unrolled ring, px."""
        return max(1, round(2 * np.pi * 0.92 * self.outer)), max(1, round(self.outer - self.inner))


def rings(text_map: NDArray[np.float32], size: tuple[int, int]) -> list[Ring]:
    """The rings that bent blobs of the detector's map lie on, in a picture of `size` (width, height) px."""
    import cv2

    rows, columns = text_map.shape
    factor = np.array([size[0] / columns, size[1] / rows])
    contours, _ = cv2.findContours((text_map > THRESHOLD).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found: list[tuple[Ring, list[NDArray[np.float64]]]] = []
    for contour in sorted(filter(is_bent, contours), key=len, reverse=True):
        points = contour.reshape(-1, 2) * factor
        circle = _circle(_outer_edge(contour) * factor)
        if circle is None:
            continue
        x, y, radius = circle
        if not LEAST_RADIUS <= radius <= 0.75 * max(size):
            continue
        same = next((i for i, (r, _) in enumerate(found) if np.hypot(r.x - x, r.y - y) < 0.15 * r.outer), None)
        if same is None:
            found.append((Ring(x, y, radius, radius, 0.0), [points]))
        else:
            found[same][1].append(points)
    return [_spanned(ring, np.concatenate(blobs), size) for ring, blobs in found[:MOST_RINGS]]


def bent(text_map: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask (height, width) of the bent blobs of the detector's map, closed to their outer edge."""
    import cv2

    contours, _ = cv2.findContours((text_map > THRESHOLD).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    mask = np.zeros(text_map.shape, np.uint8)
    for contour in filter(is_bent, contours):
        cv2.fillPoly(mask, [contour], 1)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.resize(closed, size, interpolation=cv2.INTER_NEAREST) > 0)


def is_bent(contour: Any) -> bool:
    """Whether a blob is long and fills little of its own rectangle."""
    import cv2

    (_, _), (w, h), _ = cv2.minAreaRect(contour)
    return bool(max(w, h) >= LEAST_LENGTH and min(w, h) > 4 and cv2.contourArea(contour) < MOST_FILLED * w * h)


def _outer_edge(contour: Any) -> NDArray[np.float64]:
    """The points of a contour on its convex hull. For an arc this is the outer edge; the inner one may be ragged."""
    import cv2

    hull = cv2.convexHull(contour)
    points = contour.reshape(-1, 2)
    depth = [cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in points]
    return np.asarray(points[np.array(depth) < 1.0], dtype=np.float64)


def _circle(points: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """The circle on which most of an edge lies (RANSAC with fixed draws), if the edge covers enough of it."""
    rng = np.random.default_rng(0)
    if len(points) < 12:
        return None
    best, kept = 0, None
    for _ in range(TRIES):
        a, b, c = points[rng.choice(len(points), 3, replace=False)]
        circle = _through(a, b, c)
        if circle is None:
            continue
        near = _near(points, circle)
        if near.sum() > best:
            best, kept = int(near.sum()), near
    if kept is None or best < LEAST_ON_CIRCLE * len(points):
        return None
    on = points[kept]
    mean = on.mean(axis=0)
    shifted = on - mean
    solved, *_ = np.linalg.lstsq(np.column_stack([shifted, np.ones(len(on))]), (shifted**2).sum(axis=1), rcond=None)
    x, y = solved[:2] / 2
    radius = float(np.sqrt(max(solved[2] + x * x + y * y, 0.0)))
    away = shifted - solved[:2] / 2
    turn = 2 * np.pi - _widest_gap(np.arctan2(away[:, 1], away[:, 0]))[0]
    return (float(mean[0] + x), float(mean[1] + y), radius) if turn >= LEAST_TURN else None


def _near(points: NDArray[np.float64], circle: tuple[float, float, float]) -> NDArray[np.bool_]:
    x, y, radius = circle
    near: NDArray[np.bool_] = np.abs(np.hypot(points[:, 0] - x, points[:, 1] - y) - radius) < max(2.0, 0.01 * radius)
    return near


def _through(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> tuple[float, float, float] | None:
    matrix = 2 * np.array([b - a, c - a])
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    centre = np.linalg.solve(matrix, [b @ b - a @ a, c @ c - a @ a])
    return float(centre[0]), float(centre[1]), float(np.linalg.norm(a - centre))


def _widest_gap(angles: NDArray[np.float64]) -> tuple[float, float]:
    """Size and middle of the widest gap between directions."""
    ordered = np.sort(angles)
    gaps = np.diff(np.append(ordered, ordered[0] + 2 * np.pi))
    widest = int(gaps.argmax())
    return float(gaps[widest]), float(ordered[widest] + gaps[widest] / 2)


def _spanned(ring: Ring, points: NDArray[np.float64], size: tuple[int, int]) -> Ring:
    """The ring widened to all of its blobs and half as much again, cut open where it has no blob."""
    away = points - (ring.x, ring.y)
    distance = np.hypot(away[:, 0], away[:, 1])
    low, high = (float(v) for v in np.percentile(distance, (2, 98)))
    margin = max(0.35 * (high - low), 0.06 * high)
    _, seam = _widest_gap(np.arctan2(away[:, 1], away[:, 0]))
    return Ring(ring.x, ring.y, max(low - margin, 0.25 * high, 4.0), high + margin, seam)


def unroll(image: Pixels, ring: Ring) -> Pixels:
    """The ring of (H, W, 3) `image` as a strip, outer edge on top, clockwise from the seam."""
    import cv2

    width, height = ring.size
    angle = ring.seam + 2 * np.pi * (np.arange(width) + 0.5) / width
    radius = (ring.outer - (np.arange(height) + 0.5) / height * (ring.outer - ring.inner))[:, None]
    x = (ring.x + radius * np.cos(angle)[None] - 0.5).astype(np.float32)
    y = (ring.y + radius * np.sin(angle)[None] - 0.5).astype(np.float32)
    flat = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=_ground(image))
    return np.asarray(flat, dtype=np.uint8)


def _ground(image: Pixels) -> tuple[int, ...]:
    return tuple(int(v) for v in np.median(image[::16, ::16].reshape(-1, 3), axis=0))


def roll(flat: Ribbon, ring: Ring) -> Ribbon:
    """A ribbon of the unrolled strip, mapped back into the picture."""
    return Ribbon(_rolled(flat.top, ring), _rolled(flat.bottom, ring))


def _rolled(edge: NDArray[np.float32], ring: Ring) -> NDArray[np.float32]:
    width, height = ring.size
    steps = max(2, int(abs(float(edge[-1, 0] - edge[0, 0])) / width * 120))
    share = np.linspace(0, 1, steps + 1)
    xs, ys = (np.interp(share, np.linspace(0, 1, len(edge)), edge[:, axis]) for axis in (0, 1))
    angle = ring.seam + 2 * np.pi * xs / width
    radius = ring.outer - ys / height * (ring.outer - ring.inner)
    return np.stack([ring.x + radius * np.cos(angle), ring.y + radius * np.sin(angle)], axis=1).astype(np.float32)
