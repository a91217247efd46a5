"""Checks whether the declared relations hold between the things that were found. Pure functions.

A relation is checked only between boxes whose edges were all seen, and only if the declared boxes fulfil it: a case
that contradicts itself must not lead to findings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from evalkit.api.records import FAILURE_FROM, Box, Finding, Relation
from evalkit.judges.layout.ink import hull
from evalkit.judges.layout.kinds import severity
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.place import about, box_json, name, shift
from evalkit.judges.layout.spec import Spec

SLACK, SOFT_SLACK = 1.0, 3.0
"""Accuracy of the edges, px: of texts and flat shapes, and of icons, whose points fade out."""


class BrokenRelation(NamedTuple):
    """A relation that does not hold: the kind of finding, its size in px, the element to blame, and the message."""

    kind: str
    size: float
    culprit: int
    message: str


Check = Callable[[Sequence[Box], float, Spec], BrokenRelation | None]


def relation_findings(spec: Spec, found: Mapping[str, Detection]) -> list[Finding]:
    """One finding per broken relation, in the order of the case."""
    result: list[Finding] = []
    for relation in spec.relations:
        parts = [found[id] for id in relation.elements if id in found]
        check = _CHECKS.get(relation.kind)
        if relation.kind == "margin" and parts:
            result += _margin(spec, relation, parts)
        if check is None or len(parts) < len(relation.elements) or not parts:
            continue
        if relation.kind in ("reading-order", "above", "left-of"):  # each pair of neighbours may break the relation
            for pair in pairwise(parts):
                result += _checked(spec, relation, check, list(pair), found)
        else:
            result += _checked(spec, relation, check, parts, found)
    return result


def _checked(
    spec: Spec, relation: Relation, check: Check, parts: list[Detection], found: Mapping[str, Detection]
) -> list[Finding]:
    boxes = [one.box for one in parts if one.box is not None and one.sure]
    if len(boxes) < len(parts):
        return []
    soft = any(one.item.kind in ("icon", "portrait") for one in parts)
    slack = relation.tolerance_px * spec.scale + (SOFT_SLACK if soft else SLACK) * max(1.0, spec.side / 1024)
    if check([one.item.box for one in parts], slack, spec) is not None:
        return []
    broken = check(boxes, slack, spec)
    if broken is None:
        return []
    index = _culprit(parts) if broken.culprit < 0 else broken.culprit
    culprit = parts[index]
    box = boxes[index]
    if broken.kind == "uneven-spacing":
        box = hull([box.union(culprit.item.box), *_companions(culprit, found)])
    others = " and ".join(name(one.item) for one in parts if one is not culprit) or "the picture"
    evidence = {
        **about(culprit.item),
        "relation": relation.kind,
        "elements": list(relation.elements),
        "found": box_json(boxes[index]),
        "slack": round(slack, 1),
    }
    message = f"{name(culprit.item)} {broken.message} {others}: {broken.size:.0f} px"
    share = broken.size / spec.side
    weight = min(1.0, FAILURE_FROM + share) if broken.kind == "wrong-order" else severity(broken.kind, share)
    return [Finding(broken.kind, box, broken.size, "px", weight, message, evidence, culprit.item.target)]


def _margin(spec: Spec, relation: Relation, parts: list[Detection]) -> list[Finding]:
    """Things that are nearer to an edge of the picture than the declared margin of all of them."""
    least = min(_room(one.item.box, spec) for one in parts)
    slack = relation.tolerance_px * spec.scale + SLACK
    result: list[Finding] = []
    for one in parts:
        short = least - _room(one.box, spec) if one.box is not None and one.sure else 0.0
        if one.box is not None and short > slack:
            message = f"{name(one.item)} reaches {short:.0f} px into the margin of {least:.0f} px"
            evidence = {**about(one.item), "relation": relation.kind, "found": box_json(one.box)}
            weight = severity("margin", short / spec.side)
            result.append(Finding("margin", one.box, short, "px", weight, message, evidence, one.item.target))
    return result


def _room(box: Box, spec: Spec) -> float:
    return min(box.x0, box.y0, spec.width - box.x1, spec.height - box.y1)


def _companions(culprit: Detection, found: Mapping[str, Detection]) -> list[Box]:
    """Boxes of the things that have moved together with `culprit` (the caption of a bar, the icon in its disc)."""
    if culprit.box is None:
        return []
    own = shift(culprit.box, culprit.item.box)
    boxes: list[Box] = []
    for one in found.values():
        if one.box is None or not one.sure or own.distance <= 2:
            continue
        away = shift(one.box, one.item.box)
        if math.hypot(away.dx - own.dx, away.dy - own.dy) <= 2:
            boxes.append(one.box.union(one.item.box))
    return boxes


def _culprit(parts: Sequence[Detection]) -> int:
    """The element that is farthest from its place."""
    away = [shift(one.box, one.item.box).distance if one.box is not None else 0.0 for one in parts]
    return away.index(max(away))


def _above(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    one, other = boxes
    if one.y0 + one.y1 > other.y0 + other.y1 and one.y1 > other.y0 + slack:
        return BrokenRelation("wrong-order", one.y1 - other.y0, -1, "should be above or below")
    return None


def _left_of(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    one, other = boxes
    if one.x1 <= other.x0 + slack:
        return None
    if one.x0 + one.x1 > other.x0 + other.x1:
        return BrokenRelation("wrong-order", one.x1 - other.x0, -1, "should be on the other side of")
    return None


def _reading_order(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    one, other = boxes
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    beside = shared > 0.5 * min(one.height, other.height)
    if beside and other.x1 <= one.x0 + slack:
        return BrokenRelation("wrong-order", one.x1 - other.x0, -1, "comes on the wrong side of")
    if other.y1 <= one.y0 + slack:
        return BrokenRelation("wrong-order", one.y1 - other.y0, -1, "comes in the wrong order with")
    return None


def _inside(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    inner, outer = boxes
    out = max(outer.x0 - inner.x0, outer.y0 - inner.y0, inner.x1 - outer.x1, inner.y1 - outer.y1)
    return BrokenRelation("clipped", out, 0, "sticks out of") if out > slack else None


def _aligned(anchor: Callable[[Box], float]) -> Check:
    def check(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
        values = [anchor(box) for box in boxes]
        spread = max(values) - min(values)
        return BrokenRelation("misaligned", spread, -1, "is out of line with") if spread > slack else None

    return check


def _evenly_spaced(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    xs, ys = [(b.x0 + b.x1) / 2 for b in boxes], [(b.y0 + b.y1) / 2 for b in boxes]
    along = xs if max(xs) - min(xs) > max(ys) - min(ys) else ys
    gaps = [after - before for before, after in pairwise(along)]
    if len(gaps) < 2 or max(gaps) - min(gaps) <= slack:
        return None
    return BrokenRelation("uneven-spacing", max(gaps) - min(gaps), -1, "is spaced unevenly with")


def _centred(boxes: Sequence[Box], slack: float, spec: Spec) -> BrokenRelation | None:
    off = [abs((box.x0 + box.x1 - spec.width) / 2) for box in boxes]
    return (
        BrokenRelation("misaligned", max(off), off.index(max(off)), "is off the centre of")
        if max(off) > slack
        else None
    )


_CHECKS: dict[str, Check] = {
    "above": _above,
    "left-of": _left_of,
    "inside": _inside,
    "aligned-left": _aligned(lambda box: box.x0),
    "aligned-right": _aligned(lambda box: box.x1),
    "aligned-center": _aligned(lambda box: (box.x0 + box.x1) / 2),
    "aligned-top": _aligned(lambda box: box.y0),
    "evenly-spaced": _evenly_spaced,
    "reading-order": _reading_order,
    "centered": _centred,
}
"""`no-overlap` is checked for all pairs, declared or not, in `overlap.py`, and `count` in `extra.py`."""
