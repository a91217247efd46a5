"""LDR-FLIP: the differences that a person sees when flipping between two pictures (Andersson et al. 2020, HPG, "FLIP: A
Difference Evaluator for Alternating Images").

Written from the paper. The tests compare it with the authors' own `flip-evaluator` (BSD-3), which takes 3 to 4 times as
long on one core (measured at 128 to 1024 px).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]
"""Three planes, shape (3, H, W)."""
Kernel = NDArray[np.float32]

PIXELS_PER_DEGREE = 0.7 * 3840 / 0.7 * math.pi / 180
"""The paper's default: a display of 3840 px and 0.7 m seen from 0.7 m."""

_QC, _PC, _PT, _QF, _FEATURE_WIDTH = 0.7, 0.4, 0.95, 0.5, 0.082
_CSF = {"A": ((1.0, 0.0047),), "RG": ((1.0, 0.0053),), "BY": ((34.1, 0.04), (13.5, 0.025))}
"""Contrast sensitivity of the opponent channels, as sums: (a, b) of a·sqrt(π/b)·exp(-π²x²/b), x in degrees."""

_CODES = np.arange(256, dtype=np.float64) / 255.0
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
_TO_XYZ = np.array(
    [
        [10135552 / 24577794, 8788810 / 24577794, 4435075 / 24577794],
        [2613072 / 12288897, 8788810 / 12288897, 887015 / 12288897],
        [1425312 / 73733382, 8788810 / 73733382, 70074185 / 73733382],
    ]
)
"""Linear sRGB to XYZ (D65), from the chromaticities of IEC 61966-2-1 without rounding."""
_TO_RELATIVE = _TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)
"""Linear sRGB to X, Y, Z relative to white."""
_TO_OPPONENT = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
"""Relative XYZ to Y'CxCz; the achromatic channel has 16 less."""
_KNEE = (6 / 29) ** 3


def flip(reference: Pixels, test: Pixels, pixels_per_degree: float = PIXELS_PER_DEGREE) -> Plane:
    """The error map, shape (H, W), 0 (the same) to 1.

    Args:
        reference: (H, W, 3) uint8 sRGB.
        test: the same shape.
        pixels_per_degree: of visual angle.

    Raises:
        ValueError: the shapes differ.
    """
    if reference.shape != test.shape:
        raise ValueError(f"pictures of {reference.shape} and {test.shape} can't be flipped between")
    one, other = _PerceivedPicture.of(reference, pixels_per_degree), _PerceivedPicture.of(test, pixels_per_degree)
    colour = _redistributed(_hyab(one.lab, other.lab))
    edges, points = (np.abs(a - b) for a, b in ((one.edges, other.edges), (one.points, other.points)))
    features = (np.maximum(edges, points) / math.sqrt(2)) ** np.float32(_QF)
    result: Plane = colour ** (1 - features)
    return result


class _PerceivedPicture(NamedTuple):
    """A picture as perceived at the viewing distance: blurred, Hunt-adjusted CIELAB, and edge and point strength."""

    lab: Planes
    edges: Plane
    points: Plane

    @classmethod
    def of(cls, pixels: Pixels, ppd: float) -> _PerceivedPicture:
        linear = _LINEAR[np.moveaxis(pixels, 2, 0)]
        opponent = _mixed(_TO_OPPONENT @ _TO_RELATIVE, linear)
        blurred = np.stack([_blurred(plane, _csf(channel, ppd)) for plane, channel in zip(opponent, _CSF, strict=True)])
        seen = np.clip(_mixed(np.linalg.inv(_TO_OPPONENT @ _TO_RELATIVE), blurred), 0, 1)
        lightness = opponent[0] / 116
        return cls(_hunt(seen), *(_strength(lightness, kernel, ppd) for kernel in (_edge, _point)))


def _mixed(matrix: NDArray[np.float64], planes: Planes) -> Planes:
    result: Planes = np.tensordot(matrix.astype(np.float32), planes, axes=1)
    return result


@cache
def _csf(channel: str, ppd: float) -> tuple[tuple[float, Kernel], ...]:
    """The channel's filter as (weight, 1-D kernel): the sum of outer products of each kernel with itself, of sum 1."""
    widest = max(b for parts in _CSF.values() for _, b in parts)
    radius = math.ceil(3 * math.sqrt(widest / (2 * math.pi**2)) * ppd)
    degrees = np.arange(-radius, radius + 1) / ppd
    parts = [(a * math.sqrt(math.pi / b), np.exp(-((math.pi * degrees) ** 2) / b)) for a, b in _CSF[channel]]
    total = sum(weight * line.sum() ** 2 for weight, line in parts)
    return tuple((weight / total, line.astype(np.float32)) for weight, line in parts)


def _blurred(plane: Plane, parts: tuple[tuple[float, Kernel], ...]) -> Plane:
    return sum((np.float32(weight) * _filtered(plane, line, line) for weight, line in parts), np.zeros_like(plane))


def _filtered(plane: Plane, down: Kernel, across: Kernel) -> Plane:
    from scipy.ndimage import correlate1d

    result: Plane = correlate1d(correlate1d(plane, down, axis=0, mode="nearest"), across, axis=1, mode="nearest")
    return result


def _gaussian(ppd: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Offsets in pixels, the Gaussian over them, and its standard deviation: half the width of a feature."""
    sd = 0.5 * _FEATURE_WIDTH * ppd
    radius = math.ceil(3 * sd)
    at = np.arange(-radius, radius + 1, dtype=np.float64)
    return at, np.exp(-(at**2) / (2 * sd**2)), sd


@cache
def _edge(ppd: float) -> Kernel:
    at, gaussian, _ = _gaussian(ppd)
    return _balanced(-at * gaussian)


@cache
def _point(ppd: float) -> Kernel:
    at, gaussian, sd = _gaussian(ppd)
    return _balanced(((at / sd) ** 2 - 1) * gaussian)


def _balanced(line: NDArray[np.float64]) -> Kernel:
    """Positive weights of sum 1, negative ones of sum -1."""
    positive, negative = line[line > 0].sum(), -line[line < 0].sum()
    return np.where(line > 0, line / positive, line / negative).astype(np.float32)


def _strength(lightness: Plane, kernel: Callable[[float], Kernel], ppd: float) -> Plane:
    """Magnitude of the kernel's responses down and across, each smoothed in the other direction."""
    _, gaussian, _ = _gaussian(ppd)
    smooth = (gaussian / gaussian.sum()).astype(np.float32)
    result: Plane = np.hypot(_filtered(lightness, smooth, kernel(ppd)), _filtered(lightness, kernel(ppd), smooth))
    return result


def _hunt(linear: Planes) -> Planes:
    """CIELAB of linear sRGB planes with chroma scaled by lightness (Hunt 1952: colours fade in the dark)."""
    ratio = _mixed(_TO_RELATIVE, linear)
    x, y, z = np.where(ratio > _KNEE, np.cbrt(ratio), ratio * np.float32(841 / 108) + np.float32(4 / 29))
    lightness = 116 * y - 16
    return np.stack([lightness, 5 * lightness * (x - y), 2 * lightness * (y - z)])


def _hyab(one: Planes, other: Planes) -> Plane:
    """HyAB distance (Abasi et al. 2020): lightness city-block, chroma Euclidean."""
    difference = one - other
    result: Plane = np.abs(difference[0]) + np.hypot(difference[1], difference[2])
    return result


@cache
def _largest() -> float:
    """The largest colour distance: pure green to pure blue, in the compressed unit."""
    green, blue = (_hunt(np.array(rgb, dtype=np.float32)[:, None, None]) for rgb in ((0, 1, 0), (0, 0, 1)))
    return math.pow(float(_hyab(green, blue)[0, 0]), _QC)


def _redistributed(distance: Plane) -> Plane:
    """Compress to [0, 1]. The first 40 % of the range fill 95 % of the result, because large differences look alike."""
    most = _largest()
    knee = _PC * most
    compressed = distance ** np.float32(_QC)
    high = _PT + (compressed - knee) / (most - knee) * (1 - _PT)
    result: Plane = np.where(compressed < knee, compressed * np.float32(_PT / knee), high).astype(np.float32)
    return result
