"""Measures how far things are from their places in the teacher's twin.

Declared things are compared one by one. If the case declares none, flat-coloured components of both pictures are
matched by optimal assignment (Hungarian method) of place, size and colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.judges.layout.colour import codes, difference, distances, middle
from evalkit.judges.layout.ink import Ink
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.place import shift
from evalkit.judges.layout.spec import REGION

MOST_PARTS = 60
"""A picture with more components than this is a photo or a texture, for which matching would be meaningless."""
LEAST_PART = 0.0006
"""Least area of a component, as a share of the picture: 12x12 px of 512x512."""
FLAT = 0.35
"""Share of the picture that must be of its most frequent colour for it to be a flat design."""
WORST_MATCH = 1.0
"""Cost above which two components can't be the same thing."""
_OFF = 14.0


class Drift(NamedTuple):
    """The mean distance in px, the distance of each thing, and the number of things without a partner."""

    mean: float
    each: dict[str, float]
    unmatched: int


class FlatComponent(NamedTuple):
    """A flat-coloured component."""

    box: Box
    colour: RGB


def declared_drift(found: Mapping[str, Detection], twin: Mapping[str, Detection]) -> Drift | None:
    """Drift of the declared things that have edges of their own and are in both pictures; `None` if there is none."""
    things = {id: one for id, one in found.items() if one.item.kind != REGION}
    each = {
        id: shift(one.box, twin[id].box or one.box).distance
        for id, one in things.items()
        if one.box is not None and id in twin and twin[id].box is not None
    }
    if not each:
        return None
    return Drift(sum(each.values()) / len(each), each, len(things) - len(each))


def free_drift(pixels: Pixels, twin: Pixels) -> Drift | str:
    """Drift of matched components, or the reason why there is none."""
    ours, theirs = parts(pixels), parts(twin)
    if isinstance(ours, str) or isinstance(theirs, str):
        return ours if isinstance(ours, str) else f"the twin: {theirs}"
    pairs = matched(ours, theirs, min(pixels.shape[:2]))
    if not pairs:
        return "no component of the picture is in its twin"
    each = {f"component {i}": _apart(ours[i].box, theirs[j].box) for i, j in pairs}
    return Drift(sum(each.values()) / len(each), each, len(ours) + len(theirs) - 2 * len(pairs))


def parts(pixels: Pixels) -> list[FlatComponent] | str:
    """The components that are not of the most frequent colour, the largest first; or why they can't be used."""
    coded = codes(pixels)
    ground = middle(int(np.bincount(coded.ravel()).argmax()))
    away = distances(coded, (ground,))
    if float((away <= _OFF).mean()) < FLAT:
        return "the case declares no elements, and the picture has no plain ground"
    least = LEAST_PART * coded.size
    blobs = [blob for blob in Ink(away > _OFF).blobs if blob.area >= least]
    if len(blobs) > MOST_PARTS:
        return f"the case declares no elements, and the picture has {len(blobs)} components"
    if not blobs:
        return "the case declares no elements, and the picture shows none"
    blobs.sort(key=lambda blob: -blob.area)
    return [FlatComponent(blob.box, _colour(pixels, away, blob.box)) for blob in blobs]


def matched(ours: Sequence[FlatComponent], theirs: Sequence[FlatComponent], side: int) -> list[tuple[int, int]]:
    """Pairs (ours, theirs) of least total cost: distance / a quarter of `side`, |ln| of both size ratios, ΔE / 50."""
    from scipy.optimize import linear_sum_assignment

    cost = np.array([[_cost(one, other, side) for other in theirs] for one in ours])
    rows, columns = linear_sum_assignment(np.minimum(cost, 2 * WORST_MATCH))
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if cost[i, j] <= WORST_MATCH]


def _cost(one: FlatComponent, other: FlatComponent, side: int) -> float:
    size = abs(math.log(one.box.width / other.box.width)) + abs(math.log(one.box.height / other.box.height))
    return _apart(one.box, other.box) / (side / 4) + size + difference(one.colour, other.colour) / 50


def _apart(one: Box, other: Box) -> float:
    return math.hypot(one.x0 + one.x1 - other.x0 - other.x1, one.y0 + one.y1 - other.y0 - other.y1) / 2


def _colour(pixels: Pixels, away: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], box: Box) -> RGB:
    rows, columns = slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))
    r, g, b = (int(v) for v in np.median(pixels[rows, columns][away[rows, columns] > _OFF], axis=0))
    return (r, g, b)
