"""The ground truth of a drawn scene: every string, letter, element and relation, and the regions of bare ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Background, Box, Element, Relation
from evalkit.benchmarks.scenes.draw import Drawing, DrawnText, InkedChar
from evalkit.benchmarks.scenes.scene import Scene

GRID = 24
"""Flat regions are found on a grid of this many cells a side."""
MOST_REGIONS = 6
SMALLEST_REGION = 2
"""Shortest side of a flat region, in cells: a twelfth of the picture's side."""
MARGIN = 1
"""Least distance of a flat region from anything that is not ground, px."""


@dataclass(frozen=True, slots=True)
class TextTruth:
    """One string as drawn: the box of its ink, and the box of each character that leaves ink, in reading order."""

    id: str
    text: str
    role: str
    box: Box
    characters: tuple[InkedChar, ...]


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """Everything that is true of a drawn scene. `elements` holds the texts too."""

    size: int
    texts: tuple[TextTruth, ...]
    elements: tuple[Element, ...]
    relations: tuple[Relation, ...]
    background: Background


def truth(scene: Scene, drawing: Drawing) -> SceneTruth:
    """The truth of `scene`, with the boxes of the ink in its `drawing`."""
    texts = tuple(TextTruth(t.id, t.text, t.role, t.box, t.characters) for t in drawing.texts)
    elements = tuple(
        Element(item.id, "text" if isinstance(item, DrawnText) else item.kind, item.box, item.color)
        for item in drawing.items
    )
    ground = Background(scene.ground.kind, scene.ground.colors, flat_regions(drawing.bare))
    return SceneTruth(scene.size, texts, elements, scene.relations, ground)


def flat_regions(bare: NDArray[np.bool_]) -> tuple[Box, ...]:
    """Disjoint boxes in which the (H, W) mask `bare` is true throughout, the largest first.

    They consist of whole cells of a `GRID` by `GRID` grid and are shrunk by `MARGIN` px.
    """
    height, width = bare.shape
    ys = np.linspace(0, height, GRID + 1).astype(int)
    xs = np.linspace(0, width, GRID + 1).astype(int)
    free = np.logical_and.reduceat(np.logical_and.reduceat(bare, ys[:-1], axis=0), xs[:-1], axis=1)
    regions = []
    for _ in range(MOST_REGIONS):
        found = _largest(free)
        if found is None:
            break
        x0, y0, x1, y1 = found
        free[y0:y1, x0:x1] = False
        regions.append(Box(int(xs[x0]) + MARGIN, int(ys[y0]) + MARGIN, int(xs[x1]) - MARGIN, int(ys[y1]) - MARGIN))
    return tuple(regions)


def _largest(free: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """The largest rectangle of true cells (x0, y0, x1, y1) without a side below `SMALLEST_REGION`; `None` if none."""
    best, best_area = None, 0
    heights = [0] * GRID
    for y, row in enumerate(free.tolist()):
        heights = [h + 1 if cell else 0 for h, cell in zip(heights, row, strict=True)]
        stack: list[
            tuple[int, int]
        ] = []  # (left edge, height) of the rectangles that are still open, in order of rising height
        for x, height in enumerate([*heights, 0]):
            left = x
            while stack and stack[-1][1] >= height:
                left, tall = stack.pop()
                wide = x - left
                if min(wide, tall) >= SMALLEST_REGION and wide * tall > best_area:
                    best, best_area = (left, y + 1 - tall, x, y + 1), wide * tall
            stack.append((left, height))
    return best
