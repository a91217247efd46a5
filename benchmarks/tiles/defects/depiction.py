"""A picture as data: a scene, which of its parts are shifted, tinted, doubled or missing, and the overlays on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.tiles.draw import Layer, layers
from evalkit.benchmarks.tiles.scene import COLORS, SIDE, TileScene

Canvas = NDArray[np.float32]
Overlay = Callable[[Canvas, NDArray[np.float32]], None]
"""Changes a canvas (H, W, 3) in place. The second argument is the coverage by ink (H, W), in [0, 1]."""


class PaintedPart(NamedTuple):
    """A layer and the name of its part: `word`, a kind of shape, `sun`, `land`, `hair`, `shirt`, `head`."""

    name: str
    layer: Layer
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Depiction:
    """The content of a picture, defects included.

    Args:
        scene: the scene whose parts are drawn.
        shift: by part, its displacement to the right and down in px.
        tint: by part (or `ground`), the colour that replaces its own.
        gone: parts that are not drawn.
        doubled: parts that are drawn a second time, displaced by so many px to the right and down.
        overlays: applied in order to the drawn parts.
        sizes: by kind, the size of the defects that the scene does not describe (see `faults.py`), in visibility
            thresholds.
        boxes: kind and box of these defects.
    """

    scene: TileScene
    shift: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tint: Mapping[str, RGB] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    doubled: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    overlays: tuple[Overlay, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[tuple[str, Box], ...] = ()


def parts(depiction: Depiction) -> list[PaintedPart]:
    """The parts that are painted over the ground, in order, at their actual places and in their actual colours."""
    made: list[PaintedPart] = []
    for name, letter, layer in zip(*_names(depiction.scene), layers(depiction.scene), strict=True):
        if name in depiction.gone:
            continue
        dx, dy = depiction.shift.get(name, (0, 0))
        at = layer._replace(x=layer.x + dx, y=layer.y + dy, color=depiction.tint.get(name, layer.color))
        made.append(PaintedPart(name, at, letter))
        if name in depiction.doubled:
            dx, dy = depiction.doubled[name]
            made.append(PaintedPart(name, at._replace(x=at.x + dx, y=at.y + dy), letter))
    return made


def draw(depiction: Depiction) -> Pixels:
    """The picture, uint8 (128, 128, 3)."""
    return paint(depiction.tint.get("ground", COLORS[depiction.scene.ground]), parts(depiction), depiction.overlays)


def paint(ground: RGB, painted: Iterable[PaintedPart], overlays: Iterable[Overlay]) -> Pixels:
    """The picture of parts on a ground with overlays, uint8 (128, 128, 3)."""
    canvas = np.empty((SIDE, SIDE, 3), np.float32)
    canvas[:] = ground
    ink = np.zeros((SIDE, SIDE), np.float32)
    for part in painted:
        coverage, (x0, y0, x1, y1) = clipped(part.layer)
        target = canvas[y0:y1, x0:x1]
        target += coverage[..., None] * (np.array(part.layer.color, np.float32) - target)
        np.maximum(ink[y0:y1, x0:x1], coverage, out=ink[y0:y1, x0:x1])
    for overlay in overlays:
        overlay(canvas, ink)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def clipped(layer: Layer) -> tuple[NDArray[np.float32], tuple[int, int, int, int]]:
    """The coverage inside the canvas and its box (x0, y0, x1, y1). Both are empty if the layer is outside."""
    height, width = layer.coverage.shape
    x0, y0 = min(max(layer.x, 0), SIDE), min(max(layer.y, 0), SIDE)
    x1, y1 = max(x0, min(layer.x + width, SIDE)), max(y0, min(layer.y + height, SIDE))
    return layer.coverage[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x], (x0, y0, x1, y1)


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """The colour at `share` of the way from one colour to the other."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def _names(scene: TileScene) -> tuple[list[str], list[str]]:
    """Names and letters of `layers(scene)`."""
    names = ["sun", "land"] if scene.land else []
    names += ["hair", "shirt", "head"] if scene.figure else []
    names += [mark.kind for mark in scene.marks]
    letters = [""] * len(names)
    if scene.word:
        names += ["word"] * len(scene.word.text)
        letters += list(scene.word.text)
    return names, letters
