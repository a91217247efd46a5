"""Reduces large pictures before they are judged, and converts findings back to px of the original picture."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON, Box, Finding

LARGEST = 1_500_000
"""Pictures of more pixels are reduced by a whole factor: 2048x2048 px by 2. Lengths are then true to that factor."""
_LENGTHS = ("declared", "found", "dx", "dy", "slack", "box")


def reduced(pixels: Pixels) -> tuple[Pixels, int]:
    """The picture as means of k x k px, and k, which is 1 up to `LARGEST` pixels. Surplus rows are dropped."""
    height, width = pixels.shape[:2]
    factor = math.ceil(math.sqrt(height * width / LARGEST)) if height * width > LARGEST else 1
    factor = min(factor, height, width)
    if factor == 1:
        return pixels, 1
    rows, columns = height // factor, width // factor
    total = np.zeros((rows, columns, 3), dtype=np.uint32)
    for y in range(factor):
        for x in range(factor):
            total += pixels[y : rows * factor : factor, x : columns * factor : factor]
    means: Pixels = (total // factor**2).astype(np.uint8)
    return means, factor


def restored(finding: Finding, factor: int) -> Finding:
    """A finding on the reduced picture, converted to px of the original one."""
    if factor == 1:
        return finding
    b = finding.box
    box = Box(b.x0 * factor, b.y0 * factor, b.x1 * factor, b.y1 * factor)
    size = finding.size * factor if finding.unit == "px" else finding.size
    evidence = {key: times(value, factor) if key in _LENGTHS else value for key, value in finding.evidence.items()}
    return dataclasses.replace(finding, box=box, size=size, evidence=evidence)


def times(value: JSON, factor: int) -> JSON:
    """Numbers and lists of numbers times `factor`; anything else unchanged."""
    if isinstance(value, list):
        return [times(one, factor) for one in value]
    return value * factor if isinstance(value, int | float) and not isinstance(value, bool) else value
