"""Groups components of ink that belong together: the letters of a text, the rays of a sun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from evalkit.api.records import Box
from evalkit.judges.layout.ink import Blob, grown, hull

MOST_BLOBS = 400
"""More components than this are grain or a photo, not letters; only the largest are used."""
UNLIKE = 0.8
"""Largest |ln(width ratio)| + |ln(height ratio)| of a group and the declared box: a factor of 1.5 in both."""


def group_at(blobs: Sequence[Blob], box: Box, least: float) -> Box | None:
    """The hull of the components of at least `least` px² in and just around `box` and of what continues their lines.

    `None` if they are too small for it: a third of its width or height, or a tenth of its area.
    """
    near = grown(box, 0.5 * min(box.width, box.height), 0.35 * box.height)
    usable = _largest(blobs, least)
    chosen = [blob.box for blob in usable if _holds_middle(near, blob.box)]
    rest = [blob.box for blob in usable if not _holds_middle(near, blob.box)]
    grows = True
    while chosen and grows:
        together = hull(chosen)
        gap = 0.8 * min(together.height, max((b.height for b in chosen), default=0))
        joins = [b for b in rest if grown(together, gap, 0).intersection(b) > 0.5 * b.area]
        chosen += joins
        rest = [b for b in rest if b not in joins]
        grows = bool(joins)
    if not chosen:
        return None
    result = hull(chosen)
    enough = result.width >= box.width / 3 and result.height >= box.height / 3
    return result if enough and result.width <= 3 * box.width and result.height <= 3 * box.height else None


def group_like(blobs: Sequence[Blob], box: Box, least: float, side: int) -> Box | None:
    """The group of components of at least `least` px² that is most like `box` in size; of equal ones the nearest."""
    usable = [blob.box for blob in _largest(blobs, least)]
    lines = _lines(usable)
    candidates = [*usable, *lines, *(one.union(other) for one, other in pairwise(lines))]
    ranked = [
        (unlike(one, box) + 0.3 * _apart(one, box) / side, one) for one in candidates if unlike(one, box) < UNLIKE
    ]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def unlike(one: Box, other: Box) -> float:
    """|ln(width ratio)| + |ln(height ratio)| of two boxes."""
    if min(one.width, one.height, other.width, other.height) <= 0:
        return math.inf
    return abs(math.log(one.width / other.width)) + abs(math.log(one.height / other.height))


def _lines(boxes: Sequence[Box]) -> list[Box]:
    """Boxes joined along lines: close neighbours that share half of the smaller height. From top to bottom."""
    lines: list[Box] = []
    for box in sorted(boxes, key=lambda b: b.x0):
        for index, line in enumerate(lines):
            shared = min(line.y1, box.y1) - max(line.y0, box.y0)
            if shared >= 0.5 * min(line.height, box.height) and box.x0 - line.x1 <= 0.7 * max(line.height, box.height):
                lines[index] = line.union(box)
                break
        else:
            lines.append(box)
    return sorted(lines, key=lambda b: b.y0)


def _largest(blobs: Sequence[Blob], least: float) -> list[Blob]:
    kept = [blob for blob in blobs if blob.area >= least]
    return sorted(kept, key=lambda blob: -blob.area)[:MOST_BLOBS]


def _holds_middle(outer: Box, inner: Box) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 <= x <= outer.x1 and outer.y0 <= y <= outer.y1


def _apart(one: Box, other: Box) -> float:
    dx = (one.x0 + one.x1 - other.x0 - other.x1) / 2
    return math.hypot(dx, (one.y0 + one.y1 - other.y0 - other.y1) / 2)
