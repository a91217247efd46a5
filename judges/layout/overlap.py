"""Finds things that lie over each other although they are declared apart. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from evalkit.api.records import Box, Finding
from evalkit.judges.layout.buried import settled
from evalkit.judges.layout.colour import difference
from evalkit.judges.layout.kinds import severity
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.place import about, name
from evalkit.judges.layout.spec import LayoutItem, Spec, holds

ONE_COLOUR = 25.0
"""ΔE*ab up to which the antialiased inks of two texts can't be told apart."""


class Overlap(NamedTuple):
    """Two things and the box they share. `depth` is how far one must move to be clear of the other, px."""

    one: Detection
    other: Detection
    shared: Box
    depth: float


def least_depth(spec: Spec) -> float:
    """Depth from which an overlap counts, px: one more than the error of two edges."""
    return max(2.0, 0.003 * spec.side)


def overlaps(found: Mapping[str, Detection]) -> list[Overlap] | None:
    """All overlaps of pairs that are declared apart and of which one is a text. `None` if there is no such pair.

    Panels, rings and faces are not considered: a text that lies on one of them is out of place, but can be read.
    """
    pairs = apart([one.item for one in found.values()])
    if not pairs:
        return None
    result: list[Overlap] = []
    for first, second_item in pairs:
        one, other = found[first.id], found[second_item.id]
        if one.box is None or other.box is None or not (one.sure and other.sure):
            continue
        box, second = one.box, other.box
        if _of_one_colour(one, other):
            box, second = settled(box, one.item.box, second), settled(second, other.item.box, box)
        depth = _depth(box, second)
        if depth > 0:
            result.append(Overlap(one, other, _shared(box, second), depth))
    return sorted(result, key=lambda overlap: -overlap.depth)


def apart(items: Sequence[LayoutItem]) -> list[tuple[LayoutItem, LayoutItem]]:
    """The pairs of items that are declared apart and of which one is a text."""
    leaves = [one for one in items if not any(holds(one.box, two.box) for two in items)]
    return [
        (one, other)
        for one, other in combinations(leaves, 2)
        if (one.is_text or other.is_text)
        and "portrait" not in (one.kind, other.kind)
        and _depth(one.box, other.box) <= 0
    ]


def overlap_findings(spec: Spec, found: list[Overlap]) -> list[Finding]:
    """Overlaps deep enough to count, the deepest first."""
    return [_finding(spec, one) for one in found if one.depth >= least_depth(spec)]


def _finding(spec: Spec, overlap: Overlap) -> Finding:
    one, other = overlap.one.item, overlap.other.item
    moved = one if not other.is_text else other
    rest = other if moved is one else one
    lower = min(one.box.height, other.box.height)
    weight = severity("overlap", overlap.depth / max(lower, 1.0))
    message = f"{name(moved)} lies {overlap.depth:.0f} px over {name(rest)}"
    evidence = {**about(moved), "other": rest.id, "other_target": rest.target}
    return Finding("overlap", overlap.shared, overlap.depth, "px", weight, message, evidence, moved.target)


def _of_one_colour(one: Detection, other: Detection) -> bool:
    """Whether both are texts whose inks can't be told apart."""
    if not (one.item.is_text and other.item.is_text) or one.colour is None or other.colour is None:
        return False
    return difference(one.colour, other.colour) <= ONE_COLOUR


def _depth(one: Box, other: Box) -> float:
    """Depth of the overlap of two boxes, px; a gap counts as negative."""
    return min(min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0))


def _shared(one: Box, other: Box) -> Box:
    return Box(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1))
