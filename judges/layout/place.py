"""Findings about single items: is each there, in place, whole, and of its colour? Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from evalkit.api.records import FAILURE_FROM, JSON, Box, Finding
from evalkit.judges.layout.colour import contrast, difference
from evalkit.judges.layout.kinds import severity
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.spec import LayoutItem, Spec

WRONG_COLOUR = 20.0
"""ΔE*ab (CIE 1976) from the declared colour from which a colour is wrong. On clean scenes of 256 and 512 px all colours
are measured to within 1; the two nearest colours that the mini models are asked for are 21 apart."""
LARGE_TEXT = 24.0 * 0.72
"""Height of capitals, in px at 96 dpi, from which WCAG calls text large: 18 pt = 24 px per em."""
LEAST_CONTRAST, LEAST_LARGE = 4.5, 3.0
"""WCAG 2.2, success criterion 1.4.3 (AA): contrast of text, and of large text."""
WORSE_CONTRAST = 0.75
"""A text declared as pale may be pale, but its contrast must be at least this share of the declared one."""
RESIZED_HEIGHT, RESIZED_WIDTH = 1.6, 2.5
"""Factors by which height and width must differ from the declared ones for a wrong size. The second is larger because a
word more or less in a text changes only its width."""
CUT = 0.15
"""Share of a text's height that must be missing, on one side only, for the text to be cut."""


class Shift(NamedTuple):
    """Displacement from the declared place, px. A longer text that keeps an edge or its centre is in place."""

    dx: float
    dy: float

    @property
    def distance(self) -> float:
        return math.hypot(self.dx, self.dy)


def shift(found: Box, declared: Box) -> Shift:
    """The displacement of `found`: per axis the least of those of both edges and the centre."""
    across = (found.x0 - declared.x0, found.x1 - declared.x1)
    down = (found.y0 - declared.y0, found.y1 - declared.y1)
    return Shift(*(min((*pair, sum(pair) / 2), key=abs) for pair in (across, down)))


def place_tolerance(spec: Spec) -> float:
    """Displacement from which something is out of place, px."""
    return max(4.0, 0.025 * spec.side)


def item_findings(spec: Spec, found: Mapping[str, Detection]) -> list[Finding]:
    """What is wrong with each item by itself."""
    result: list[Finding] = []
    for one in found.values():
        if one.box is None:
            result.append(_missing(spec, one.item))
            continue
        made = (
            _clipped(spec, one, one.box),
            _out_of_place(spec, one, one.box),
            _recoloured(one, one.box),
            _resized(one, one.box),
            _pale(spec, one, one.box),
        )
        result += [finding for finding in made if finding is not None]
    return result


def text_contrast(one: Detection) -> float | None:
    """The contrast ratio of a text on its ground; `None` if it was not measured."""
    if not one.item.is_text or one.colour is None or one.ground is None:
        return None
    return contrast(one.colour, one.ground)


def inside_picture(box: Box, spec: Spec) -> Box:
    """The part of `box` inside the picture; at least 1 px at its edge."""
    x0, y0 = min(max(box.x0, 0.0), spec.width - 1.0), min(max(box.y0, 0.0), spec.height - 1.0)
    return Box(x0, y0, min(max(box.x1, x0 + 1), spec.width), min(max(box.y1, y0 + 1), spec.height))


def box_json(box: Box) -> JSON:
    """A box for evidence."""
    return [round(v, 1) for v in (box.x0, box.y0, box.x1, box.y1)]


def about(item: LayoutItem) -> dict[str, JSON]:
    """Evidence that names an item and its place. Texts use the key `text`; `expected` is for judges that read."""
    evidence: dict[str, JSON] = {"element": item.id, "declared": box_json(item.box)}
    return {**evidence, "text": item.text} if item.text else evidence


def name(item: LayoutItem) -> str:
    """The name of an item in messages."""
    return f'"{item.text}"' if item.text else item.id


def _missing(spec: Spec, item: LayoutItem) -> Finding:
    size = max(item.box.width, item.box.height)
    message = f"{name(item)} is neither in its place nor elsewhere"
    return Finding(
        "missing-element", inside_picture(item.box, spec), size, "px", 0.8, message, about(item), item.target
    )


def _out_of_place(spec: Spec, one: Detection, box: Box) -> Finding | None:
    away = shift(box, one.item.box)
    if away.distance <= place_tolerance(spec):
        return None
    weight = severity("out-of-place", away.distance / spec.side)
    message = f"{name(one.item)} is {away.distance:.0f} px from its place"
    evidence = {**about(one.item), "dx": round(away.dx, 1), "dy": round(away.dy, 1)}
    return Finding(
        "out-of-place", inside_picture(box, spec), away.distance, "px", weight, message, evidence, one.item.target
    )


def _recoloured(one: Detection, box: Box) -> Finding | None:
    if one.item.color is None or one.colour is None:
        return None
    delta = difference(one.colour, one.item.color)
    if delta <= WRONG_COLOUR:
        return None
    message = f"{name(one.item)} is {_hex(one.colour)}, not {_hex(one.item.color)}"
    evidence = {**about(one.item), "found": _hex(one.colour), "declared_color": _hex(one.item.color)}
    return Finding(
        "wrong-color", box, delta, "ΔE", min(1.0, FAILURE_FROM + delta / 200), message, evidence, one.item.target
    )


def _resized(one: Detection, box: Box) -> Finding | None:
    declared = one.item.box
    tall, wide = box.height / max(declared.height, 1.0), box.width / max(declared.width, 1.0)
    right = 1 / RESIZED_HEIGHT <= tall <= RESIZED_HEIGHT and 1 / RESIZED_WIDTH <= wide <= RESIZED_WIDTH
    if right or min(declared.width, declared.height) < 6:  # the thickness of rules is not checked
        return None
    size = max(abs(box.height - declared.height), abs(box.width - declared.width))
    message = (
        f"{name(one.item)} is {box.width:.0f}x{box.height:.0f} px, not {declared.width:.0f}x{declared.height:.0f} px"
    )
    return Finding("wrong-size", box, size, "px", 0.4, message, about(one.item), one.item.target)


def _clipped(spec: Spec, one: Detection, box: Box) -> Finding | None:
    """Findings of items cut by the picture's edge, and of texts of which part of the height is missing on one side."""
    declared = one.item.box
    sides = (
        ("left", box.x0 <= 0, declared.x0, declared.width - box.width),
        ("top", box.y0 <= 0, declared.y0, declared.height - box.height),
        ("right", box.x1 >= spec.width, spec.width - declared.x1, declared.width - box.width),
        ("bottom", box.y1 >= spec.height, spec.height - declared.y1, declared.height - box.height),
    )
    for side, touches, room, lost in sides:
        if touches and room >= 2:
            return _cut(one, box, max(lost, 1.0), f"the {side} edge of the picture", side)
    if not (one.item.is_text and one.sure):
        return None
    gap = 0.4 * declared.height  # the edge of the picture may fall between two letters
    for side, apart, room in (
        ("left", box.x0, declared.x0),
        ("right", spec.width - box.x1, spec.width - declared.x1),
    ):
        lost = declared.width - box.width - apart
        if apart <= gap < room and lost >= 3:
            return _cut(one, box, lost, f"the {side} edge of the picture", side)
    least = max(3.0, CUT * declared.height)
    off = {
        "left": box.x0 - declared.x0,
        "top": box.y0 - declared.y0,
        "right": declared.x1 - box.x1,
        "bottom": declared.y1 - box.y1,
    }
    for side in ("top", "bottom"):
        rest = [abs(value) for other, value in off.items() if other != side]
        if off[side] >= least and max(rest) <= 2:
            return _cut(one, box.union(declared), off[side], f"a {side} that is missing", side)
    return None


def _cut(one: Detection, box: Box, lost: float, by: str, side: str) -> Finding:
    extent = one.item.box.width if side in ("left", "right") else one.item.box.height
    weight = severity("clipped", lost / max(extent, 1.0))
    message = f"{name(one.item)} is cut by {by}: {lost:.0f} px"
    return Finding("clipped", box, lost, "px", weight, message, {**about(one.item), "side": side}, one.item.target)


def _pale(spec: Spec, one: Detection, box: Box) -> Finding | None:
    ratio = text_contrast(one)
    if ratio is None or one.colour is None or one.ground is None:
        return None
    least = LEAST_LARGE if one.item.box.height / spec.scale >= LARGE_TEXT else LEAST_CONTRAST
    declared = _declared_contrast(spec, one.item)
    if ratio >= least or (declared is not None and ratio >= WORSE_CONTRAST * declared):
        return None
    message = f"{name(one.item)} has a contrast of {ratio:.1f}:1 with its ground (at least {least}:1)"
    evidence = {**about(one.item), "ink": _hex(one.colour), "ground": _hex(one.ground)}
    evidence |= {"contrast": round(ratio, 2), "least": least}
    return Finding(
        "low-contrast",
        box,
        round(least / ratio, 2),  # the larger, the worse, as all sizes
        "times too low",
        severity("low-contrast", 1 - ratio / least),
        message,
        evidence,
        one.item.target,
    )


def _declared_contrast(spec: Spec, item: LayoutItem) -> float | None:
    if item.color is None:
        return None
    holder = spec.item(item.on) if item.on else None
    if holder is not None:
        return contrast(item.color, holder.color) if holder.color is not None else None
    return min((contrast(item.color, ground) for ground in spec.ground), default=None)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
