"""Faults of layout: a text moved onto another one."""

from __future__ import annotations

import dataclasses
import random

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import ContentFault
from evalkit.benchmarks.scenes.draw import Drawing
from evalkit.benchmarks.scenes.scene import Scene

DEPTH = 0.6
"""How deep the moved text goes into the other one, as a share of the smaller of the two heights."""


def overlap_text(scene: Scene, clean: Drawing, rng: random.Random, *, px: float = 0.0) -> ContentFault | None:
    """Move a text onto its nearest neighbour so that the boxes of their ink overlap. `None` with fewer than two texts.

    The text that is drawn later is moved, so that nothing is painted over it. It takes the other's colour, which can be
    read there. It goes `px` deep, or `DEPTH` of the smaller height if `px` is 0. The size is that depth in px.
    """
    boxes = {text.id: text.box for text in clean.texts}
    texts = [(i, block) for i, block in enumerate(scene.texts) if block.id in boxes]
    if len(texts) < 2:
        return None
    one = rng.choice(texts)
    near = min((t for t in texts if t is not one), key=lambda t: _distance(boxes[one[1].id], boxes[t[1].id]))
    (still_index, still), (index, moved) = sorted((one, near), key=lambda t: t[0])
    box, target = boxes[moved.id], boxes[still.id]
    lower = min(box.height, target.height)
    depth = min(max(round(px or DEPTH * lower), 1), int(lower))
    dy = target.y1 - depth - box.y0 if box.y0 >= target.y0 else target.y0 + depth - box.y1
    beside = min(box.x1, target.x1) - max(box.x0, target.x0) < 0.5 * min(box.width, target.width)
    dx = round((target.x0 + target.x1 - box.x0 - box.x1) / 2) if beside else 0
    there = Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy)
    shared = Box(max(there.x0, target.x0), max(there.y0, target.y0), min(there.x1, target.x1), min(there.y1, target.y1))
    share = there.intersection(target) / min(there.area, target.area)
    block = dataclasses.replace(moved, x=moved.x + dx, baseline=moved.baseline + dy, color=still.color)
    items = tuple(block if item is moved else item for item in scene.items)
    detail = {"text": moved.text, "onto": still.text, "other": f"text:{still_index}", "share": round(share, 3)}
    changed = dataclasses.replace(scene, items=items)
    return ContentFault(changed, index, (0, 0), shared.height, "px", detail, shared)


def _distance(one: Box, other: Box) -> float:
    dx = (one.x0 + one.x1 - other.x0 - other.x1) / 2
    dy = (one.y0 + one.y1 - other.y0 - other.y1) / 2
    return dx * dx + dy * dy
