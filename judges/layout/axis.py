"""Finds texts that are off an implied axis, and texts that have changed places. Pure functions.

A text is set on an axis if its declared edge or centre is on the same line as that of something else, on the centre of
the picture, or on the centre of what it stands on; also if it is close beside something and on one line with it. There
a displacement of a few px is visible, while a free-standing text could move unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from evalkit.api.records import FAILURE_FROM, Box, Finding
from evalkit.judges.layout.kinds import severity
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.place import about, name, place_tolerance, shift
from evalkit.judges.layout.spec import LayoutItem, Spec

ON_AXIS = 1.6
"""Largest difference of two declared anchors on one axis, px of the canvas."""
BESIDE, ON_LINE = 1.0, 0.2
"""Largest gap between a text and what it stands beside, and largest offset of their middles, in heights of the text."""
SWAPPED = 2.5
"""Largest total misfit of two texts to each other's declared sizes for them to have changed places, px."""


def off_axis_tolerance(spec: Spec) -> float:
    """Distance from which a text counts as off its axis, px."""
    return max(3.0, 0.006 * spec.side)


def axis_findings(spec: Spec, found: Mapping[str, Detection]) -> list[Finding]:
    """Texts that are off their axis, but not so far that they are out of place."""
    return [
        _off_axis(one, one.box, shift(one.box, one.item.box).dx, spec)
        for one in found.values()
        if one.item.is_text
        and one.sure
        and one.box is not None
        and abs(shift(one.box, one.item.box).dx) > off_axis_tolerance(spec)
        and shift(one.box, one.item.box).distance <= place_tolerance(spec)
        and _has_axis(spec, one.item, found)
    ]


def swap_findings(spec: Spec, found: Mapping[str, Detection]) -> list[Finding]:
    """Pairs of texts that have changed places, recognised by their sizes.

    Texts of equal size can't be told apart and are assumed to be in their places.
    """
    texts = [one for one in found.values() if one.item.is_text and one.sure and one.box is not None]
    return [
        finding for one, other in combinations(texts, 2) if (finding := _swap(spec, one, other, one.box, other.box))
    ]


def _swap(spec: Spec, one: Detection, other: Detection, box: Box | None, second: Box | None) -> Finding | None:
    assert box is not None
    assert second is not None
    apart = shift(one.item.box, other.item.box).distance
    a, b = one.item.box, other.item.box
    if _middles(box, b) + _middles(second, a) < _middles(box, a) + _middles(second, b):
        straight, crossed = apart, 0.0  # each was found where the other should be
    else:
        straight, crossed = _misfit(box, a) + _misfit(second, b), _misfit(box, b) + _misfit(second, a)
    fit = SWAPPED * max(1.0, spec.side / 512)
    if crossed > fit or straight < crossed + 2 * fit:
        return None
    message = f"{name(one.item)} and {name(other.item)} have changed places"
    evidence = {**about(one.item), "other": other.item.id, "other_target": other.item.target}
    weight = min(1.0, FAILURE_FROM + apart / spec.side)
    return Finding("wrong-order", box.union(second), apart, "px", weight, message, evidence, one.item.target)


def _misfit(found: Box, declared: Box) -> float:
    return abs(found.width - declared.width) + abs(found.height - declared.height)


def _middles(one: Box, other: Box) -> float:
    return abs(one.x0 + one.x1 - other.x0 - other.x1) / 2 + abs(one.y0 + one.y1 - other.y0 - other.y1) / 2


def _has_axis(spec: Spec, item: LayoutItem, found: Mapping[str, Detection]) -> bool:
    slack = ON_AXIS * max(spec.scale, 0.5)
    middle = (item.box.x0 + item.box.x1) / 2
    if abs(middle - spec.width / 2) <= slack:
        return True
    for other in found.values():
        if other.item is item or other.box is None:
            continue
        pairs = ((item.box.x0, other.item.box.x0), (item.box.x1, other.item.box.x1))
        centres = abs(middle - (other.item.box.x0 + other.item.box.x1) / 2)
        if min(centres, *(abs(a - b) for a, b in pairs)) <= slack or _beside(item.box, other.item.box):
            return True
    return False


def _beside(text: Box, other: Box) -> bool:
    gap = max(other.x0 - text.x1, text.x0 - other.x1)
    apart = abs(text.y0 + text.y1 - other.y0 - other.y1) / 2
    return 0 <= gap <= BESIDE * text.height and apart <= ON_LINE * text.height


def _off_axis(one: Detection, box: Box, dx: float, spec: Spec) -> Finding:
    side = "right" if dx > 0 else "left"
    message = f"{name(one.item)} is {abs(dx):.0f} px too far {side} of the line it is set on"
    weight = severity("misaligned", abs(dx) / spec.side)
    return Finding(
        "misaligned", box, abs(dx), "px", weight, message, {**about(one.item), "dx": round(dx, 1)}, one.item.target
    )
