"""Finds things that were not asked for, shapes with the wrong outline, and wrong counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evalkit.api.records import Box, Finding
from evalkit.judges.layout.colour import distances
from evalkit.judges.layout.ink import Ink, Mask, grown, hull, lies_in
from evalkit.judges.layout.kinds import severity
from evalkit.judges.layout.locate import Detection
from evalkit.judges.layout.place import about, name
from evalkit.judges.layout.shapes import outline
from evalkit.judges.layout.spec import LayoutItem, Spec, holds, is_ground
from evalkit.judges.layout.view import OFF_GROUND, View

FOREIGN = 20.0
"""ΔE*ab from everything declared at a place from which a pixel belongs to something else."""
LEAST_EXTRA = 0.03
"""Least side of an extra thing, as a share of the picture's shorter side: half a line of small text."""
MOST_EXTRA = 6
"""More extra things than this are a texture or another picture altogether, and are reported as one."""


def outline_findings(view: View, found: Mapping[str, Detection]) -> list[Finding]:
    """Shapes whose outline differs from the declared one."""
    result: list[Finding] = []
    for one in found.values():
        if not one.item.outline or one.box is None or one.colour is None:
            continue
        seen = outline(view.near((one.colour,), FOREIGN).mask, one.box)
        if seen is None or seen.name == one.item.outline:
            continue
        lead = seen.fits[seen.name] - seen.fits[one.item.outline]
        message = f"{name(one.item)} is a {seen.name}, not a {one.item.outline}"
        evidence = {**about(one.item), "fits": dict(seen.fits)}
        result.append(Finding("wrong-shape", one.box, lead, "IoU", 0.7, message, evidence, one.item.target))
    return result


def extra_findings(view: View, found: Mapping[str, Detection]) -> list[Finding]:
    """Things that are drawn on the declared ground or on a panel and are not declared.

    There are no findings if the ground is not declared, hardly any of it shows, or something is asked for without a
    place.
    """
    spec = view.spec
    if not spec.ground or not spec.items or not spec.complete:
        return []
    known = [one.box for one in found.values() if one.box is not None]
    groups = _groups(Ink(_solid(_foreign(view, found))), LEAST_EXTRA * spec.side)
    # what surrounds a known thing belongs to it: the ring of a badge in a second colour
    groups = [group for group in groups if not any(lies_in(box, group) for box in known)]
    if len(groups) > MOST_EXTRA:
        groups = [hull(groups)]
    return [_extra(spec, box) for box in groups]


def count_findings(spec: Spec, found: Mapping[str, Detection], extras: list[Finding]) -> list[Finding]:
    """Declared counts that are wrong: elements are missing, or extra things have about their size."""
    result: list[Finding] = []
    for relation in spec.relations:
        parts = [found[id] for id in relation.elements if id in found]
        if relation.kind != "count" or not parts:
            continue
        there = [one.box for one in parts if one.box is not None]
        more = [extra.box for extra in extras if any(_alike(extra.box, one.item.box) for one in parts)]
        wrong = len(there) - len(parts) + len(more)
        if wrong == 0:
            continue
        box = hull([*there, *more]) if there or more else hull([one.item.box for one in parts])
        message = f"{len(there) + len(more)} where there should be {len(parts)}: {', '.join(relation.elements)}"
        evidence = {"elements": list(relation.elements), "found": len(there) + len(more), "declared": len(parts)}
        size = float(abs(wrong))
        result.append(Finding("wrong-count", box, size, "elements", 0.7, message, evidence, parts[0].item.target))
    return result


def _foreign(view: View, found: Mapping[str, Detection]) -> Mask:
    """(H, W): pixels that are neither ground, nor in the box of anything found, nor part of the panel they lie on."""
    spec = view.spec
    away = distances(view.codes, spec.ground)
    foreign: Mask = away > max(FOREIGN, OFF_GROUND)
    room = max(3.0, 0.02 * spec.side)
    for one in found.values():
        if one.box is None or is_ground(one.item, spec.ground):
            continue
        rows, columns = _slices(grown(one.box, room if not _is_panel(one.item, spec) else 2.0), foreign.shape)
        if _is_panel(one.item, spec):
            allowed = [colour for colour in (one.item.color, one.colour) if colour is not None]
            foreign[rows, columns] &= distances(view.codes[rows, columns], allowed) > FOREIGN
        else:
            foreign[rows, columns] = False
            # the declared place is excluded too: what is there instead is already reported as the loss of the thing
            rows, columns = _slices(grown(one.item.box, room), foreign.shape)
            foreign[rows, columns] = False
    return foreign


def _solid(mask: Mask) -> Mask:
    """The parts of a mask that hold a full square of 2x2 px, which excludes antialiased edges of one px."""
    corner = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    solid = np.zeros_like(mask)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            solid[rows, columns] |= corner
    return solid


def _is_panel(item: LayoutItem, spec: Spec) -> bool:
    """Whether other things are drawn on this item, so that its box does not explain everything in it."""
    if item.is_text or item.kind == "portrait":
        return False
    return any(one is not item and holds(item.box, one.box) for one in spec.items)


def _groups(ink: Ink, least: float) -> list[Box]:
    """Boxes of components with sides of at least `least` px, joined if they are nearer than that; the largest first."""
    boxes = (
        [blob.box for blob in ink.blobs if blob.area >= max(6.0, 0.1 * least * least)][:200] if ink.mask.any() else []
    )
    groups: list[Box] = []
    for box in sorted(boxes, key=lambda b: b.x0):
        near = [group for group in groups if grown(group, least).intersection(box) > 0]
        groups = [group for group in groups if group not in near] + [hull([box, *near])]
    large = [
        group for group in groups if max(group.width, group.height) >= least and min(group.width, group.height) >= 4
    ]
    return sorted(large, key=lambda group: -group.area)


def _extra(spec: Spec, box: Box) -> Finding:
    size = max(box.width, box.height)
    message = f"something of {box.width:.0f}x{box.height:.0f} px that was not asked for"
    return Finding(
        "extra-element", box, size, "px", severity("extra-element", size / spec.side), message, {}, "background"
    )


def _alike(one: Box, other: Box) -> bool:
    return 0.5 <= one.width / max(other.width, 1.0) <= 2 and 0.5 <= one.height / max(other.height, 1.0) <= 2


def _slices(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x0, x1 = (min(max(round(v), 0), shape[1]) for v in (box.x0, box.x1))
    y0, y1 = (min(max(round(v), 0), shape[0]) for v in (box.y0, box.y1))
    return slice(y0, y1), slice(x0, x1)
