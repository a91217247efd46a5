"""Faults of layout: a text in the wrong place, off its axis, over the edge, in the wrong order, unevenly spaced."""

from __future__ import annotations

import dataclasses
import random
from itertools import pairwise

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import ContentFault
from evalkit.benchmarks.scenes.draw import Drawing
from evalkit.benchmarks.scenes.scene import Bounds, Polygon, Primitive, Scene, SceneItem, Shape, Stroke, TextBlock

SHIFT_PX = 16.0
MOVE_PX = 96.0


def shift_text(scene: Scene, clean: Drawing, rng: random.Random, *, px: float = SHIFT_PX) -> ContentFault | None:
    """Move a text sideways by `px`, off the axis it is set on. `None` if no text has room for it."""
    boxes = {text.id: text.box for text in clean.texts}
    places = [(i, sign * round(px)) for i, block in enumerate(scene.texts) if block.id in boxes for sign in (-1, 1)]
    rng.shuffle(places)
    for index, dx in places:
        block = scene.texts[index]
        there = _moved_box(boxes[block.id], dx, 0)
        if dx and _inside(there, scene.size) and not _hits(there, boxes, block.id):
            return _moved_text(scene, index, dx, 0, abs(dx), there)
    return None


def run_off_text(scene: Scene, clean: Drawing, rng: random.Random, *, px: float = SHIFT_PX) -> ContentFault | None:
    """Move a text over the nearest edge of the picture until `px` of it are cut off. `None` if there is no text."""
    texts = [(i, block) for i, block in enumerate(scene.texts) if any(t.id == block.id for t in clean.texts)]
    depth = max(round(px), 1)
    rng.shuffle(texts)
    for index, block in texts:
        box = next(text.box for text in clean.texts if text.id == block.id)
        if depth >= box.width:
            continue
        left = box.x0 < scene.size - box.x1
        dx = -(box.x0 + depth) if left else scene.size - box.x1 + depth
        there = Box(0 if left else box.x0 + dx, box.y0, box.x1 + dx if left else scene.size, box.y1)
        return _moved_text(scene, index, dx, 0, depth, there)
    return None


def move_text(scene: Scene, clean: Drawing, rng: random.Random, *, px: float = MOVE_PX) -> ContentFault | None:
    """Move a text up or down by `px`, to a place where no other text stands. `None` if there is no such place."""
    boxes = {text.id: text.box for text in clean.texts}
    distance = max(round(px), 1)
    places = [(i, sign * distance) for i, block in enumerate(scene.texts) if block.id in boxes for sign in (-1, 1)]
    rng.shuffle(places)
    for index, dy in places:
        block = scene.texts[index]
        there = _moved_box(boxes[block.id], 0, dy)
        if _inside(there, scene.size) and not _hits(there, boxes, block.id):
            return _moved_text(scene, index, 0, dy, distance, there)
    return None


def swap_texts(scene: Scene, clean: Drawing, rng: random.Random) -> ContentFault | None:
    """Exchange the places of two texts that follow each other. `None` if there are fewer than two texts.

    The size is the distance between their places in px. The box holds both.
    """
    drawn = {text.id: text.box for text in clean.texts}
    texts = [(i, block) for i, block in enumerate(scene.texts) if block.id in drawn]
    pairs = list(pairwise(texts))
    rng.shuffle(pairs)
    for (first, one), (_, other) in sorted(pairs, key=lambda p: _unlike(drawn[p[0][1].id], drawn[p[1][1].id])):
        a, b = drawn[one.id], drawn[other.id]
        dx, dy = _middle(b)[0] - _middle(a)[0], _middle(b)[1] - _middle(a)[1]
        there, back = _moved_box(a, dx, dy), _moved_box(b, -dx, -dy)
        if one.text == other.text or not (_inside(there, scene.size) and _inside(back, scene.size)):
            continue
        items = tuple(
            moved(item, dx, dy) if item is one else moved(item, -dx, -dy) if item is other else item
            for item in scene.items
        )
        detail = {"text": one.text, "with": other.text}
        changed = dataclasses.replace(scene, items=items)
        return ContentFault(changed, first, (0, 0), (dx**2 + dy**2) ** 0.5, "px", detail, there.union(back))
    return None


def uneven_spacing(scene: Scene, clean: Drawing, rng: random.Random, *, px: float = SHIFT_PX) -> ContentFault | None:
    """Move one of a row of evenly spaced elements along the row by `px`, together with the text beside it.

    `None` if the scene declares no such row. The box is that of everything that was moved.
    """
    rows = [relation.elements for relation in scene.relations if relation.kind == "evenly-spaced"]
    boxes = {item.id: item.box for item in clean.items}
    rows = [row for row in rows if len(row) >= 3 and all(id in boxes for id in row)]
    if not rows:
        return None
    row = rng.choice(rows)
    id = rng.choice(row[1:-1])
    across = abs(_middle(boxes[row[-1]])[0] - _middle(boxes[row[0]])[0])
    down = abs(_middle(boxes[row[-1]])[1] - _middle(boxes[row[0]])[1])
    step = max(round(px), 1) * rng.choice((-1, 1))
    dx, dy = (step, 0) if across > down else (0, step)
    suffix = id.rsplit("-", 1)[-1]
    together = [i.id for i in scene.items if i.id == id or i.id.rsplit("-", 1)[-1] == suffix != i.id]
    items = tuple(moved(item, dx, dy) if item.id in together else item for item in scene.items)
    texts = [i for i, block in enumerate(scene.texts) if block.id in together]
    where = [_moved_box(boxes[name], dx, dy).union(boxes[name]) for name in together if name in boxes]
    box = where[0]
    for other in where[1:]:
        box = box.union(other)
    box = Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, scene.size), min(box.y1, scene.size))
    changed = dataclasses.replace(scene, items=items)
    return ContentFault(changed, texts[0] if texts else 0, (0, 0), abs(step), "px", {"elements": together}, box)


def moved(item: SceneItem, dx: float, dy: float) -> SceneItem:
    """An item of a scene, moved by whole or fractional pixels."""
    if isinstance(item, TextBlock):
        return dataclasses.replace(item, x=item.x + dx, baseline=item.baseline + dy)
    return Shape(item.id, item.kind, tuple(_moved_primitive(part, dx, dy) for part in item.parts), item.color)


def _moved_primitive(part: Primitive, dx: float, dy: float) -> Primitive:
    if isinstance(part, Polygon | Stroke):
        return dataclasses.replace(part, points=tuple((x + dx, y + dy) for x, y in part.points))
    x0, y0, x1, y1 = part.bounds
    there: Bounds = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
    return dataclasses.replace(part, bounds=there)


def _moved_text(scene: Scene, index: int, dx: float, dy: float, size: float, box: Box) -> ContentFault:
    block = scene.texts[index]
    items = tuple(moved(item, dx, dy) if item is block else item for item in scene.items)
    detail = {"text": block.text, "dx": dx, "dy": dy}
    return ContentFault(dataclasses.replace(scene, items=items), index, (0, 0), size, "px", detail, box)


def _moved_box(box: Box, dx: float, dy: float) -> Box:
    return Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)


def _middle(box: Box) -> tuple[int, int]:
    return round((box.x0 + box.x1) / 2), round((box.y0 + box.y1) / 2)


def _inside(box: Box, size: int) -> bool:
    return box.x0 >= 0 and box.y0 >= 0 and box.x1 <= size and box.y1 <= size


def _hits(box: Box, boxes: dict[str, Box], id: str) -> bool:
    return any(name != id and box.intersection(other) > 0 for name, other in boxes.items())


def _unlike(one: Box, other: Box) -> float:
    """Ratio of the areas of two boxes, at least 1."""
    return max(one.area, other.area) / max(min(one.area, other.area), 1)
