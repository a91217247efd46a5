"""Where an edit of a tile scene may change the picture, and what it must leave as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import JSON, Box
from evalkit.benchmarks.tiles.draw import layers
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.scene import COLUMNS, FIRST_COLUMN, ROWS, TILE, Mark, TileScene, Word
from evalkit.formats.keys import to_json

EDIT = "edit"
"""The key of `Case.extra` that says what an edit changes (docs/minis-suite.md)."""
MOST_BOXES = 8
"""Most kept boxes for each shape or letter."""
SMALLEST_BOX = 2
"""Least area of a kept box, px²."""


def edit_extra(edit: Edit) -> dict[str, JSON]:
    """`{"kind": …, "changed": [box…]}`, or `{"kind": …, "kept": [box…]}` if the ground itself changes."""
    if edit.before.ground != edit.after.ground:
        return {"kind": edit.kind, "kept": [to_json(box) for box in kept(edit.after)]}
    return {"kind": edit.kind, "changed": [to_json(box) for box in changed(edit.before, edit.after)]}


def changed(before: TileScene, after: TileScene) -> list[Box]:
    """The tiles of everything that is in only one of two scenes on the same ground. Disjoint, from top to bottom."""
    words = [word for word in (before.word, after.word) if word and before.word != after.word]
    bands = dict.fromkeys(word.row for word in words)  # within a band the longer word covers the shorter
    tiles = [max((word_tiles(w) for w in words if w.row == row), key=lambda box: box.area) for row in bands]
    marks = [mark for mark in (*before.marks, *after.marks) if _looks(before, mark) != _looks(after, mark)]
    tiles += [mark_tiles(mark) for mark in marks]
    return sorted(dict.fromkeys(tiles), key=lambda box: (box.y0, box.x0))


def kept(scene: TileScene) -> list[Box]:
    """Boxes inside letters and shapes, 1 px from every edge, so that no ground shows through."""
    boxes: list[Box] = []
    for layer in layers(scene):
        for x0, y0, x1, y1 in _largest_boxes(_inner(layer.coverage >= 1)):
            boxes.append(Box(layer.x + x0, layer.y + y0, layer.x + x1, layer.y + y1))
    return boxes


def word_tiles(word: Word) -> Box:
    """The tiles a word stands in."""
    x, y = FIRST_COLUMN * TILE, ROWS[word.row] * TILE
    return Box(x, y, x + len(word.text) * TILE, y + 2 * TILE)


def mark_tiles(mark: Mark) -> Box:
    """The tiles a shape stands in."""
    x, y = COLUMNS[mark.column] * TILE, ROWS[mark.row] * TILE
    return Box(x, y, x + 2 * TILE, y + 2 * TILE)


def _looks(scene: TileScene, mark: Mark) -> tuple[str, str, str] | None:
    """Colour and place of the shape of this kind in `scene`, whether or not the prompt states the place."""
    own = next((each for each in scene.marks if each.kind == mark.kind), None)
    return (own.color, own.row, own.column) if own else None


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask` without its outermost px."""
    wide = np.pad(mask, 1)
    inner: NDArray[np.bool_] = mask & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return inner


def _largest_boxes(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Up to `MOST_BOXES` disjoint rectangles (x0, y0, x1, y1) in which `mask` is true, the largest first."""
    free = mask.copy()
    found: list[tuple[int, int, int, int]] = []
    while len(found) < MOST_BOXES:
        best, area = None, SMALLEST_BOX - 1
        for y0 in range(free.shape[0]):
            row = np.ones(free.shape[1], np.bool_)
            for y1 in range(y0, free.shape[0]):
                row &= free[y1]
                x0, x1 = _longest_run(row)
                if (x1 - x0) * (y1 + 1 - y0) > area:
                    best, area = (x0, y0, x1, y1 + 1), (x1 - x0) * (y1 + 1 - y0)
                if x1 == x0:
                    break
        if best is None:
            break
        x0, y0, x1, y1 = best
        free[y0:y1, x0:x1] = False
        found.append(best)
    return found


def _longest_run(row: NDArray[np.bool_]) -> tuple[int, int]:
    """Start and end of the longest run of true values; (0, 0) if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(np.int8), [0]))))
    if not edges.size:
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])
