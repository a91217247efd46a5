"""Pictures as they are sent, and cut-outs of them at native resolution: never resampled here."""

from __future__ import annotations

import hashlib
from math import ceil, floor

from evalkit.api.pictures import Pixels, encode_png
from evalkit.api.records import Box, Case
from evalkit.judges.vlm.ask import Shot

MARGIN = 0.25
"""Kept round a box, as a share of its shorter side: glyphs need some ground to be told apart."""
LEAST_SIDE = 32
"""A cut-out is at least so wide and high where the picture is, px: one vision token."""


def shot_of(pixels: Pixels) -> Shot:
    """The PNG that is sent for (H, W, 3) pixels: the same for the same pixels, without any metadata."""
    png = encode_png(pixels)
    return Shot(png, hashlib.sha256(png).hexdigest(), pixels.shape[1], pixels.shape[0])


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The pixels of `box` with a margin, cut at the picture's edges."""
    height, width = pixels.shape[:2]
    margin = MARGIN * min(box.width, box.height)
    x0, x1 = _reach(box.x0 - margin, box.x1 + margin, width)
    y0, y1 = _reach(box.y0 - margin, box.y1 + margin, height)
    return pixels[y0:y1, x0:x1]


def text_boxes(case: Case, pixels: Pixels) -> dict[int, Box]:
    """Where the declared texts must stand, in pixels of the picture, by index; those that say no place are left out."""
    height, width = pixels.shape[:2]
    fx, fy = width / case.width, height / case.height
    boxes = {i: text.box for i, text in enumerate(case.texts) if text.box is not None and text.text.split()}
    return {i: Box(box.x0 * fx, box.y0 * fy, box.x1 * fx, box.y1 * fy) for i, box in boxes.items()}


def _reach(low: float, high: float, length: int) -> tuple[int, int]:
    """Whole pixels from `low` to `high`, at least `LEAST_SIDE` of them, within `length`."""
    short = max(0.0, LEAST_SIDE - (high - low)) / 2
    start, end = max(0, floor(low - short)), min(length, ceil(high + short))
    return (start, end) if end > start else (max(0, min(start, length - 1)), min(length, max(end, 1)))
