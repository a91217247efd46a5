"""Inspects a picture: locates everything in the spec and collects all findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evalkit.api.records import Finding
from evalkit.judges.layout.axis import axis_findings, swap_findings
from evalkit.judges.layout.extra import count_findings, extra_findings, outline_findings
from evalkit.judges.layout.locate import Detection, locate
from evalkit.judges.layout.overlap import Overlap, overlap_findings, overlaps
from evalkit.judges.layout.place import item_findings
from evalkit.judges.layout.relations import relation_findings
from evalkit.judges.layout.view import View

MISPLACED = ("missing-element", "out-of-place", "wrong-color", "wrong-shape", "wrong-size")
"""Findings after which an element does not count as placed."""


class Inspection(NamedTuple):
    """What was found of each item, the overlaps (`None`: none is possible), and all findings, the worst first."""

    found: Mapping[str, Detection]
    overlaps: list[Overlap] | None
    findings: tuple[Finding, ...]

    @property
    def misplaced(self) -> set[str]:
        """Ids of the elements that are missing, out of place, or not what was asked for."""
        moved = {str(f.evidence["element"]) for f in self.findings if f.kind in MISPLACED}
        for finding in self.findings:
            if finding.kind == "wrong-order" and "other" in finding.evidence:
                moved |= {str(finding.evidence["element"]), str(finding.evidence["other"])}
        return moved


def look(view: View) -> Inspection:
    """Locate everything and check it."""
    spec = view.spec
    found = locate(view)
    shared = overlaps(found)
    swaps = swap_findings(spec, found)
    swapped = {str(id) for swap in swaps for id in (swap.evidence["element"], swap.evidence["other"])}
    single = [f for f in item_findings(spec, found) if f.kind not in _PLACE or f.evidence["element"] not in swapped]
    away = {str(f.evidence["element"]) for f in single if f.kind in _PLACE}
    related = [
        f
        for f in relation_findings(spec, found)
        if not (f.kind == "misaligned" and f.evidence["element"] in away | swapped)
        and not (f.kind == "wrong-order" and f.evidence["element"] in swapped)
    ]
    off = {str(f.evidence["element"]) for f in related if f.kind == "misaligned"} | swapped
    lines = [f for f in axis_findings(spec, found) if f.evidence["element"] not in off]
    extras = extra_findings(view, found)
    findings = _once(
        [
            *swaps,
            *single,
            *overlap_findings(spec, shared or []),
            *related,
            *lines,
            *outline_findings(view, found),
            *extras,
            *count_findings(spec, found, extras),
        ]
    )
    return Inspection(found, shared, tuple(sorted(findings, key=lambda f: -f.severity)))


_PLACE = ("out-of-place", "clipped")


def _once(findings: list[Finding]) -> list[Finding]:
    """The largest finding of each kind on each target with each partner."""
    best: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        partner = str(finding.evidence.get("other", "")) if finding.kind == "overlap" else ""
        if finding.kind == "extra-element":
            partner = str(finding.box)
        key = (finding.kind, finding.target, partner)
        if key not in best or finding.size > best[key].size:
            best[key] = finding
    return list(best.values())
