"""Converts sRGB to CIELAB, at full and at half resolution."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB

Plane = NDArray[np.float32]

_CODES = np.arange(256, dtype=np.float64) / 255.0
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""IEC 61966-2-1: code value to linear light."""
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], dtype=np.float32)
_TO_XYZ /= _TO_XYZ.sum(
    axis=1, keepdims=True
)  # D65, as the same standard rounds it: r = g = b gives a* = b* = 0 exactly
_KNEE = (6 / 29) ** 3


class Lab(NamedTuple):
    """CIELAB planes (H, W) float32: lightness L* in 0..100, a* (green to red), b* (blue to yellow)."""

    lightness: Plane
    a: Plane
    b: Plane


class Planes(NamedTuple):
    """The planes of a picture that are measured: L* of every pixel, and CIELAB of the means of 2x2 px in linear light.

    The eye sees so little fine detail in colour that half the resolution is enough. An odd last row or column is
    repeated.
    """

    lightness: Plane
    half: Lab

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        height, width = self.lightness.shape
        return height, width


def to_lab(pixels: Pixels) -> Lab:
    """CIELAB (CIE 15, D65) of (H, W, 3) uint8 sRGB pixels."""
    return _lab([_LINEAR[pixels[..., channel]] for channel in range(3)])


def view(pixels: Pixels) -> Planes:
    """The planes of (H, W, 3) uint8 sRGB pixels that the measurement needs."""
    linear = [_LINEAR[pixels[..., channel]] for channel in range(3)]
    return Planes(_lightness(_compressed(_mixed(linear, 1))), _lab([halved(plane) for plane in linear]))


def lab_of(colour: RGB) -> tuple[float, float, float]:
    """L*, a*, b* of one sRGB colour."""
    lightness, a, b = to_lab(np.array([[colour]], dtype=np.uint8))
    return float(lightness[0, 0]), float(a[0, 0]), float(b[0, 0])


def halved(plane: Plane) -> Plane:
    """Means of 2x2 px; an odd last row or column is repeated."""
    padded = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)), mode="edge")
    rows = padded[::2] + padded[1::2]
    quarter: Plane = (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)
    return quarter


def delta_e(one: Lab, other: Lab) -> Plane:
    """Colour difference CIEDE2000 (Sharma, Wu & Dalal 2005), about one just noticeable difference per unit."""
    c1, c2 = np.hypot(one.a, one.b), np.hypot(other.a, other.b)
    mean = ((c1 + c2) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean / (mean + 25.0**7)))
    a1, a2 = one.a * stretch, other.a * stretch
    c1, c2 = np.hypot(a1, one.b), np.hypot(a2, other.b)
    h1, h2 = np.arctan2(one.b, a1), np.arctan2(other.b, a2)
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi)
    middle = np.where(grey, h1 + h2, h1 + turn / 2)
    lightness, chroma = (one.lightness + other.lightness) / 2, (c1 + c2) / 2
    wave = 1 - 0.17 * np.cos(middle - np.pi / 6) + 0.24 * np.cos(2 * middle)
    wave += 0.32 * np.cos(3 * middle + np.deg2rad(6)) - 0.20 * np.cos(4 * middle - np.deg2rad(63))
    away = (lightness - 50) ** 2
    dl = (other.lightness - one.lightness) / (1 + 0.015 * away / np.sqrt(20 + away))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * chroma * wave)
    degrees = np.rad2deg(middle) % 360
    bend = np.deg2rad(60 * np.exp(-(((degrees - 275) / 25) ** 2)))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(bend)
    squared = dl**2 + dc**2 + dh**2 + rotation * dc * dh
    distance: Plane = np.sqrt(np.maximum(squared, 0)).astype(np.float32)
    return distance


def _lab(linear: list[Plane]) -> Lab:
    x, y, z = (_compressed(_mixed(linear, row)) for row in range(3))
    return Lab(_lightness(y), 500 * (x - y), 200 * (y - z))


def _mixed(linear: list[Plane], row: int) -> Plane:
    r, g, b = _TO_XYZ[row]
    mixed: Plane = linear[0] * r + linear[1] * g + linear[2] * b
    return mixed


def _lightness(y: Plane) -> Plane:
    lightness: Plane = np.float32(116) * y - np.float32(16)
    return lightness


def _compressed(ratio: Plane) -> Plane:
    result: Plane = np.where(ratio > _KNEE, np.cbrt(ratio), ratio * np.float32(841 / 108) + np.float32(4 / 29))
    return result
