"""Turns boxes as a model states them into findings, in pixels of the judged picture (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evalkit.api.records import JSON, Box, Finding
from evalkit.judges.vlm.kinds import grade_of_kind
from evalkit.judges.vlm.look import Coordinates, ExpectedLevel, StatedFinding
from evalkit.judges.vlm.rubric import LEVELS, Rubric
from evalkit.judges.vlm.scale import unit_value

LEAST_SEVERITY = 0.05
SAME = 0.5
"""IoU from which two findings of one kind are the same finding."""
LEAST_SIDE = 1.0
"""Least side of a box, px: thinner ones are dropped as broken."""
GROUND_KINDS = ("grain", "banding", "grid", "mottle", "cast")
TEXT_KINDS = ("typo", "malformed", "missing-text", "extra-text", "duplicate-text")


class LocatedFindings(NamedTuple):
    """Findings, and how many were dropped: for a broken box, and for contradicting the level they came with."""

    findings: list[Finding]
    broken: int = 0
    contradicting: int = 0


def located(
    rubric: Rubric,
    stated: Sequence[StatedFinding],
    level: ExpectedLevel,
    size: tuple[int, int],
    seen: tuple[int, int],
    coordinates: Coordinates,
) -> LocatedFindings:
    """The findings of one reply.

    Args:
        rubric: the rubric that was asked.
        stated: as in the reply.
        level: of the same reply; the severity follows from it, and the grade of most kinds.
        size: width and height of the judged picture, px.
        seen: width and height in which the model saw the picture, px; boxes in `pixels` are in these.
        coordinates: the unit of the stated boxes.
    """
    if level.stated == LEVELS[-1]:
        return LocatedFindings([], contradicting=len(stated))
    severity = max(LEAST_SEVERITY, 1 - unit_value(level.score))
    found: list[Finding] = []
    for one in stated:
        box = to_pixels(one.box, size, seen, coordinates)
        if box is not None:
            kind = one.kind
            evidence: dict[str, JSON] = {"rubric": rubric.name, "stated_box": list(one.box)}
            message = f"the model reports: {kind.replace('-', ' ')} ({rubric.name} {level.score:.1f} of {LEVELS[-1]})"
            grade, side = grade_of_kind(kind, rubric, level.score), max(box.width, box.height)
            found.append(Finding(kind, box, side, "px", severity, message, evidence, grade=grade))
    return LocatedFindings(found, broken=len(stated) - len(found))


def to_pixels(
    stated: Sequence[float], size: tuple[int, int], seen: tuple[int, int], coordinates: Coordinates
) -> Box | None:
    """A stated box in px of the picture, cut off at its edges; `None` if too little of it is left."""
    width, height = size
    across, down = (1000, 1000) if coordinates == "relative-1000" else seen
    x0, y0, x1, y1 = stated
    box = (x0 / across * width, y0 / down * height, x1 / across * width, y1 / down * height)
    x0, x1 = (min(max(value, 0.0), float(width)) for value in (box[0], box[2]))
    y0, y1 = (min(max(value, 0.0), float(height)) for value in (box[1], box[3]))
    return Box(x0, y0, x1, y1) if x1 - x0 >= LEAST_SIDE and y1 - y0 >= LEAST_SIDE else None


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Findings of several rubrics, each defect once: the most severe one, with the other rubrics that reported it."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda one: -one.severity):
        for i, other in enumerate(kept):
            if other.kind == finding.kind and other.box.iou(finding.box) >= SAME:
                also = [*other.evidence.get("also", []), finding.evidence["rubric"]]
                kept[i] = dataclasses.replace(other, evidence={**other.evidence, "also": sorted(set(also))})
                break
        else:
            kept.append(finding)
    return kept


def with_target(finding: Finding, texts: Mapping[int, Box]) -> Finding:
    """The finding with its target, the part of the case that it is about, so that it can be matched with the twin's."""
    if finding.kind in GROUND_KINDS:
        return dataclasses.replace(finding, target="background")
    if finding.kind in TEXT_KINDS and texts:
        nearest = max(texts, key=lambda index: texts[index].intersection(finding.box))
        if texts[nearest].intersection(finding.box) > 0:
            return dataclasses.replace(finding, target=f"text:{nearest}")
    return finding
