"""sRGB to CIELAB."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.pictures import Pixels

Plane = NDArray[np.float32]

_CODES = np.arange(256, dtype=np.float64) / 255.0
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""IEC 61966-2-1: code value to linear light."""
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], dtype=np.float32)
_WHITE = _TO_XYZ.sum(axis=1)  # D65, as the same standard rounds it: so that r = g = b gives a* = b* = 0 exactly
_KNEE = (6 / 29) ** 3


class Lab(NamedTuple):
    """CIELAB planes (H, W) float32: lightness L* in 0..100, a* (green to red), b* (blue to yellow)."""

    lightness: Plane
    a: Plane
    b: Plane


def to_lab(pixels: Pixels) -> Lab:
    """CIELAB (CIE 15, D65) of (H, W, 3) uint8 sRGB pixels."""
    linear = _LINEAR[pixels]
    x, y, z = (_compressed(linear @ (row / white)) for row, white in zip(_TO_XYZ, _WHITE, strict=True))
    return Lab(116 * y - 16, 500 * (x - y), 200 * (y - z))


def _compressed(ratio: Plane) -> Plane:
    result: Plane = np.where(ratio > _KNEE, np.cbrt(ratio), ratio * np.float32(841 / 108) + np.float32(4 / 29))
    return result
