"""Flat icons from simple shapes. Each fits the unit circle around (0, 0); `icon` scales it into place."""

from __future__ import annotations

import math
from collections.abc import Callable

from evalkit.api.records import RGB
from evalkit.benchmarks.scenes.scene import Ellipse, Point, Polygon, Primitive, Rect, Sector, Stroke


def icon(name: str, x: float, y: float, radius: float, color: RGB, cut: RGB) -> tuple[Primitive, ...]:
    """Icon `name` around (x, y), about `radius` px in size. Holes have the colour `cut`, that of the icon's ground."""
    return tuple(_moved(part, x, y, radius) for part in ICONS[name](color, cut))


def ring_points(count: int, radius: float, start: float = -90.0) -> list[Point]:
    """`count` points evenly on a circle, from `start` degrees clockwise."""
    angles = [math.radians(start + 360 * i / count) for i in range(count)]
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


def arc_points(x: float, y: float, rx: float, ry: float, start: float, end: float, count: int = 24) -> list[Point]:
    """Points of an elliptic arc, in degrees clockwise from three o'clock."""
    angles = [math.radians(start + (end - start) * i / (count - 1)) for i in range(count)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def _moved(part: Primitive, x: float, y: float, k: float) -> Primitive:
    match part:
        case Rect(bounds, color, radius):
            return Rect(_bounds(bounds, x, y, k), color, radius * k)
        case Ellipse(bounds, color):
            return Ellipse(_bounds(bounds, x, y, k), color)
        case Sector(bounds, start, end, hole, color):
            return Sector(_bounds(bounds, x, y, k), start, end, hole, color)
        case Polygon(points, color):
            return Polygon(tuple((x + k * px, y + k * py) for px, py in points), color)
        case Stroke(points, width, color):
            return Stroke(tuple((x + k * px, y + k * py) for px, py in points), width * k, color)


def _bounds(b: tuple[float, float, float, float], x: float, y: float, k: float) -> tuple[float, float, float, float]:
    return (x + k * b[0], y + k * b[1], x + k * b[2], y + k * b[3])


def _disc(x: float, y: float, r: float, color: RGB) -> Ellipse:
    return Ellipse((x - r, y - r, x + r, y + r), color)


def _sun(color: RGB, cut: RGB) -> list[Primitive]:
    inner, outer = ring_points(8, 0.72), ring_points(8, 0.95)
    rays: list[Primitive] = [Stroke((a, b), 0.15, color) for a, b in zip(inner, outer, strict=True)]
    return [_disc(0, 0, 0.5, color), *rays]


def _moon(color: RGB, cut: RGB) -> list[Primitive]:
    outside = arc_points(-0.05, 0, 0.9, 0.9, -60, -300, 48)
    inside = arc_points(0.42, -0.02, 0.78, 0.78, -270, -90, 40)
    return [Polygon((*outside, *inside), color)]


def _star(color: RGB, cut: RGB) -> list[Primitive]:
    outer, inner = ring_points(5, 1.0), ring_points(5, 0.44, -54)
    return [Polygon(tuple(p for pair in zip(outer, inner, strict=True) for p in pair), color)]


def _heart(color: RGB, cut: RGB) -> list[Primitive]:
    points = []
    for i in range(60):
        t = 2 * math.pi * i / 60
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((16 * math.sin(t) ** 3 / 17, -(y + 2.5) / 17))
    return [Polygon(tuple(points), color)]


def _drop(color: RGB, cut: RGB) -> list[Primitive]:
    points = []
    for i in range(60):
        t = 2 * math.pi * i / 60
        points.append((1.05 * math.sin(t) * math.sin(t / 2) ** 1.6 * 0.95, -0.98 * math.cos(t)))
    return [Polygon(tuple(points), color)]


def _leaf(color: RGB, cut: RGB) -> list[Primitive]:
    steps = [i / 24 for i in range(25)]
    spine = [(-0.6 + 1.5 * s, 0.6 - 1.5 * s) for s in steps]
    half = [0.44 * math.sin(math.pi * s**0.85) for s in steps]
    one = [(x + h, y + h) for (x, y), h in zip(spine, half, strict=True)]
    other = [(x - h, y - h) for (x, y), h in zip(spine, half, strict=True)]
    stem = Stroke(((-0.88, 0.88), (-0.5, 0.5)), 0.13, color)
    return [Polygon((*one, *reversed(other)), color), stem, Stroke(((-0.45, 0.45), (0.4, -0.4)), 0.09, cut)]


def _bolt(color: RGB, cut: RGB) -> list[Primitive]:
    points = ((0.22, -1.0), (-0.6, 0.16), (-0.06, 0.16), (-0.24, 1.0), (0.6, -0.24), (0.06, -0.24))
    return [Polygon(points, color)]


def _mountain(color: RGB, cut: RGB) -> list[Primitive]:
    return [
        Polygon(((-1.0, 0.7), (-0.25, -0.7), (0.5, 0.7)), color),
        Polygon(((0.05, 0.7), (0.5, -0.12), (1.0, 0.7)), color),
        Polygon(((-0.25, -0.7), (-0.49, -0.25), (-0.33, -0.33), (-0.22, -0.2), (-0.1, -0.33), (-0.01, -0.25)), cut),
    ]


def _cup(color: RGB, cut: RGB) -> list[Primitive]:
    handle = Sector((0.3, -0.32, 1.0, 0.38), -100, 100, 0.62, color)
    body = Rect((-0.72, -0.4, 0.58, 0.6), color, 0.26)
    top = Rect((-0.72, -0.4, 0.58, 0.0), color, 0.05)
    saucer = Rect((-0.85, 0.7, 0.72, 0.84), color, 0.07)
    steam: list[Primitive] = [
        Stroke(((x, -0.62), (x + 0.07, -0.78), (x, -0.95)), 0.1, color) for x in (-0.38, -0.08, 0.22)
    ]
    return [handle, body, top, saucer, *steam]


def _bell(color: RGB, cut: RGB) -> list[Primitive]:
    dome = Sector((-0.58, -0.8, 0.58, 0.36), 180, 360, 0.0, color)
    skirt = Polygon(((-0.58, -0.24), (0.58, -0.24), (0.62, 0.2), (0.84, 0.52), (-0.84, 0.52), (-0.62, 0.2)), color)
    return [_disc(0, -0.84, 0.14, color), dome, skirt, Sector((-0.28, 0.36, 0.28, 0.92), 0, 180, 0.0, color)]


def _check(color: RGB, cut: RGB) -> list[Primitive]:
    return [Stroke(((-0.68, 0.06), (-0.2, 0.54), (0.7, -0.5)), 0.27, color)]


def _note(color: RGB, cut: RGB) -> list[Primitive]:
    beam = Polygon(((-0.42, -0.78), (0.74, -0.98), (0.74, -0.66), (-0.42, -0.46)), color)
    stems: list[Primitive] = [Rect((-0.42, -0.7, -0.26, 0.6), color), Rect((0.58, -0.9, 0.74, 0.4), color)]
    heads: list[Primitive] = [Ellipse((-0.86, 0.36, -0.26, 0.86), color), Ellipse((0.14, 0.16, 0.74, 0.66), color)]
    return [beam, *stems, *heads]


def _house(color: RGB, cut: RGB) -> list[Primitive]:
    roof = Polygon(((0, -0.92), (0.98, -0.02), (-0.98, -0.02)), color)
    return [roof, Rect((-0.68, -0.08, 0.68, 0.82), color, 0.06), Rect((-0.2, 0.24, 0.2, 0.84), cut, 0.05)]


def _flower(color: RGB, cut: RGB) -> list[Primitive]:
    petals: list[Primitive] = [_disc(x, y, 0.37, color) for x, y in ring_points(6, 0.58)]
    return [*petals, _disc(0, 0, 0.3, cut)]


def _cloud(color: RGB, cut: RGB) -> list[Primitive]:
    puffs: list[Primitive] = [
        _disc(-0.5, 0.12, 0.4, color),
        _disc(0.02, -0.16, 0.52, color),
        _disc(0.56, 0.14, 0.38, color),
    ]
    return [*puffs, Rect((-0.72, 0.05, 0.76, 0.52), color, 0.22)]


ICONS: dict[str, Callable[[RGB, RGB], list[Primitive]]] = {
    "bell": _bell,
    "bolt": _bolt,
    "check": _check,
    "cloud": _cloud,
    "cup": _cup,
    "drop": _drop,
    "flower": _flower,
    "heart": _heart,
    "house": _house,
    "leaf": _leaf,
    "moon": _moon,
    "mountain": _mountain,
    "note": _note,
    "star": _star,
    "sun": _sun,
}
SPOKEN = {
    "bolt": "lightning bolt",
    "check": "check mark",
    "cup": "coffee cup",
    "drop": "water drop",
    "note": "music note",
}


def spoken(name: str) -> str:
    """The name of the icon in plain words."""
    return SPOKEN.get(name, name)
