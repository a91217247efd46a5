"""Typesetting faults of a line: clipped, tilted, or with one gap between its letters too wide."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import Alpha, InkLayer, LayerFault
from evalkit.benchmarks.faults.layer import FAINT, bounds, hull, window

CLIP_PX = 8.0
DEGREES = 3.0
GAP_PX = 8.0


def clip_text(layer: InkLayer, rng: np.random.Generator, *, px: float = CLIP_PX) -> LayerFault | None:
    """Cut off the outermost `px` of a text at the top, bottom or right, as a frame that is too small would.

    `None` if nothing would be left.
    """
    box, depth = layer.box, max(round(px), 1)
    side = ("top", "bottom", "right")[rng.integers(3)]
    if depth >= (box.width if side == "right" else box.height):
        return None
    strip = {
        "top": Box(box.x0, box.y0, box.x1, box.y0 + depth),
        "bottom": Box(box.x0, box.y1 - depth, box.x1, box.y1),
        "right": Box(box.x1 - depth, box.y0, box.x1, box.y1),
    }[side]
    alpha = layer.alpha.copy()
    alpha[window(strip)] = 0.0
    return LayerFault(alpha, float(depth), "px", strip)


def tilt_text(layer: InkLayer, rng: np.random.Generator, *, degrees: float = DEGREES) -> LayerFault | None:
    """Rotate a text about the middle of its ink. `None` if it would leave the picture."""
    from scipy.ndimage import map_coordinates

    turn = np.deg2rad(degrees) * (1 if rng.random() < 0.5 else -1)
    box = layer.box
    middle_y, middle_x = (box.y0 + box.y1 - 1) / 2, (box.x0 + box.x1 - 1) / 2
    half_w = (box.width * abs(np.cos(turn)) + box.height * abs(np.sin(turn))) / 2
    half_h = (box.width * abs(np.sin(turn)) + box.height * abs(np.cos(turn))) / 2
    height, width = layer.alpha.shape
    target = Box(
        np.floor(middle_x - half_w), np.floor(middle_y - half_h), np.ceil(middle_x + half_w) + 1,
        np.ceil(middle_y + half_h) + 1,
    )  # fmt: skip
    if target.x0 < 0 or target.y0 < 0 or target.x1 > width or target.y1 > height:
        return None
    rows, columns = window(target)
    ys, xs = np.mgrid[rows, columns].astype(np.float64)
    dy, dx = ys - middle_y, xs - middle_x
    source = [middle_y + dy * np.cos(turn) - dx * np.sin(turn), middle_x + dy * np.sin(turn) + dx * np.cos(turn)]
    alpha = np.zeros_like(layer.alpha)
    alpha[rows, columns] = np.clip(map_coordinates(layer.alpha, source, order=3, mode="constant"), 0, 1)
    alpha[alpha < FAINT] = 0.0
    return LayerFault(alpha, degrees, "degrees", box.union(bounds(alpha > FAINT)))


def widen_gap(layer: InkLayer, rng: np.random.Generator, *, px: float = GAP_PX) -> LayerFault | None:
    """Widen one gap inside a word by `px`; what follows on the line moves right. `None` if there is no room."""
    spots = [(a, b) for word in layer.words for a, b in pairwise(word) if b.x0 > a.x0 and b.y0 < a.y1]
    shift = max(round(px), 1)
    rng.shuffle(spots)
    for left, right in spots:
        line = _line_of(layer, right)
        cut = int(min(right.x0, max(right.x0 - 1, left.x1)))
        moved = Box(cut, line.y0, line.x1, line.y1)
        if line.x1 + shift > layer.alpha.shape[1]:
            continue
        alpha: Alpha = layer.alpha.copy()
        part = alpha[window(moved)].copy()
        alpha[window(moved)] = 0.0
        alpha[window(Box(moved.x0 + shift, moved.y0, moved.x1 + shift, moved.y1))] = part
        where = Box(left.x0, min(left.y0, right.y0), right.x1 + shift, max(left.y1, right.y1))
        return LayerFault(alpha, float(shift), "px", where)
    return None


def _line_of(layer: InkLayer, letter: Box) -> Box:
    """The box of the letters on the same line as `letter`: those whose vertical span holds its middle."""
    middle = (letter.y0 + letter.y1) / 2
    return hull([box for word in layer.words for box in word if box.y0 <= middle <= box.y1] or [letter])
