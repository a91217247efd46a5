"""The kinds of findings of the grain judge. Their grade follows from their size by one rule, `findings.severity`."""

from __future__ import annotations

from evalkit.api.records import FindingKind

_REASON = (
    "how bad it is depends on how many times it is stronger than just visible: a defect from 2.3 times, "
    "a failure from 8 times"
)

KINDS = (
    FindingKind(
        "grain",
        description="noise where the ground should be flat",
        reason=_REASON,
        dimensions=("grain.area", "grain.ratio"),
    ),
    FindingKind(
        "grid",
        description="a pattern of period 8, 16 or 32 px on the ground",
        reason=_REASON,
        dimensions=("grain.grid", "grain.ratio"),
    ),
    FindingKind(
        "banding",
        description="steps between plateaus where the ground should be smooth",
        reason=_REASON,
        dimensions=("grain.banding", "grain.ratio"),
    ),
    FindingKind(
        "mottle", description="blotches coarser than grain", reason=_REASON, dimensions=("grain.mottle", "grain.ratio")
    ),
    FindingKind("cast", description="the ground has not its right colour", reason=_REASON, dimensions=("grain.cast",)),
)
"""Each is a family of its own: bands in the twin's picture are no excuse for grain in the student's."""
