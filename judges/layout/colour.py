"""Computes colour differences of all pixels by table lookup, and the contrast of two colours."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB
from evalkit.judges.grain.colour import Plane, to_lab

BITS = 6
"""Bits per channel of a colour's code: cells of 4 code values, at most about 2 ΔE*ab from their middle."""
Codes = NDArray[np.int32]
Distances = NDArray[np.uint8]
"""ΔE*ab in whole units, at most 255."""


def codes(pixels: Pixels) -> Codes:
    """(H, W) number of the cell of the RGB cube that each of (H, W, 3) uint8 pixels lies in."""
    r, g, b = (pixels[..., channel].astype(np.int32) >> (8 - BITS) for channel in range(3))
    result: Codes = (r << (2 * BITS)) | (g << BITS) | b
    return result


def distances(coded: Codes, colours: Iterable[RGB]) -> Distances:
    """ΔE*ab (CIE 1976) of each pixel to the nearest of `colours`, in whole units; 255 everywhere if there is none."""
    table = np.full(1 << (3 * BITS), 255, dtype=np.uint8)
    for colour in colours:
        table = np.minimum(table, _table(tuple(colour)))
    result: Distances = table[coded]
    return result


def difference(one: RGB, other: RGB) -> float:
    """ΔE*ab (CIE 1976) of two sRGB colours."""
    lab = np.array([plane[0] for plane in to_lab(np.array([[one, other]], dtype=np.uint8))])
    return float(np.linalg.norm(lab[:, 0] - lab[:, 1]))


def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio of two sRGB colours after WCAG 2.2: 1 (equal) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def between(colours: tuple[RGB, ...], steps: int = 8) -> tuple[RGB, ...]:
    """The colours of a gradient through `colours`, `steps` from each to the next; a single colour as it is."""
    result: list[RGB] = []
    for start, end in pairwise(colours):
        for step in range(steps):
            t = step / steps
            r, g, b = (round(s + (e - s) * t) for s, e in zip(start, end, strict=True))
            result.append((r, g, b))
    return (*result, *colours[-1:])


@lru_cache(maxsize=64)
def _table(colour: RGB) -> Distances:
    target = to_lab(np.array([[colour]], dtype=np.uint8))
    squared = sum((plane - value[0, 0]) ** 2 for plane, value in zip(_cube(), target, strict=True))
    result: Distances = np.minimum(np.rint(np.sqrt(np.asarray(squared))), 255).astype(np.uint8)
    return result


@lru_cache(maxsize=1)
def _cube() -> tuple[Plane, Plane, Plane]:
    """CIELAB of the middle of every cell, in the order of the codes."""
    code = np.arange(1 << (3 * BITS))
    mask, half = (1 << BITS) - 1, 1 << (7 - BITS)
    channels = [((code >> (BITS * place)) & mask) * (1 << (8 - BITS)) + half for place in (2, 1, 0)]
    lab = to_lab(np.stack(channels, axis=-1).astype(np.uint8)[None])
    return lab.lightness[0], lab.a[0], lab.b[0]


def middle(code: int) -> RGB:
    """The colour in the middle of a cell."""
    mask, half = (1 << BITS) - 1, 1 << (7 - BITS)
    r, g, b = (((code >> (BITS * place)) & mask) * (1 << (8 - BITS)) + half for place in (2, 1, 0))
    return (r, g, b)


def _luminance(colour: RGB) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
