"""The kinds of findings of the layout judge, the grade of each, and the one rule for those that have a size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from evalkit.api.records import FAILURE_FROM, FindingKind, Grade

FAILS_FROM: Mapping[str, float] = {
    **dict.fromkeys(("out-of-place", "misaligned", "margin", "uneven-spacing", "extra-element"), 0.1),
    "clipped": 0.1,
    "overlap": 0.25,
    "low-contrast": 0.5,
}
"""The share from which a defect of each kind is a failure.

Displacements and extra things are a share of the picture's shorter side. `clipped`: the part of the thing that is cut
off, one letter of ten. `overlap`: the part of the lower thing's height that is covered; boxes overlap long before the
letters do. `low-contrast`: the part of the least contrast (WCAG 2.2) that is lacking: with half of it, 2.2:1, a text is
hard to read.
"""


def severity(kind: str, share: float) -> float:
    """The rule for the grade of everything that has a size: half the root of `share` over the share of a failure.

    So a defect begins at a sixth of the share of a failure: something is seen to be displaced by 1.6 % of the picture's
    side, 8 px of 512. Below that it is a blemish.

    Args:
        kind: of the finding.
        share: see `FAILS_FROM`.
    """
    return min(1.0, FAILURE_FROM * math.sqrt(max(share, 0.0) / FAILS_FROM[kind]))


_BY_SIZE = "how bad it is depends on how far it is off: see `evalkit.judges.layout.kinds.severity`"
_NOT_ASKED = "the picture does not show what was asked for"

_SEARCHED = (
    FindingKind(
        "missing-element", "", "a declared thing is neither in its place nor elsewhere", Grade.FAILURE, _NOT_ASKED
    ),
    FindingKind("wrong-count", "", "there are more or fewer things than declared", Grade.FAILURE, _NOT_ASKED),
    FindingKind("wrong-color", "", "a thing has another colour than the declared one", Grade.FAILURE, _NOT_ASKED),
    FindingKind(
        "wrong-shape",
        "",
        "a shape has another outline than the declared one",
        Grade.FAILURE,
        _NOT_ASKED,
        ratio=25.0,  # its size is the lead of the other outline, .04 to 1: a square is no worse for being more square
    ),
    FindingKind(
        "wrong-order", "", "two things have changed places, or stand in the wrong order", Grade.FAILURE, _NOT_ASKED
    ),
    FindingKind(
        "wrong-size",
        "",
        "a thing is at least 1.6 times as high or 2.5 times as wide as declared, or as much smaller",
        Grade.DEFECT,
        "it is seen at once, but the thing is there, in its place and its colour",
    ),
    FindingKind("out-of-place", "", "a thing is not where it was declared", reason=_BY_SIZE),
    FindingKind("misaligned", "", "a thing is off the line or the centre that it is set on", reason=_BY_SIZE),
    FindingKind("margin", "", "a thing reaches into the margin", reason=_BY_SIZE),
    FindingKind("uneven-spacing", "", "things that are declared evenly spaced are not", reason=_BY_SIZE),
    FindingKind("overlap", "", "two things that are declared apart lie over each other", reason=_BY_SIZE),
    FindingKind(
        "clipped", "", "a thing is cut off by the picture's edge or sticks out of what should hold it", reason=_BY_SIZE
    ),
    FindingKind("low-contrast", "", "a text has too little contrast with its ground", reason=_BY_SIZE),
    FindingKind("extra-element", "", "something that was not asked for", reason=_BY_SIZE),
)
_LOOKED_FOR_UNDER = {"overlap": "layout.overlap_px", "low-contrast": "layout.contrast_min"}
"""Where that is not under the number of all defects."""
KINDS = tuple(replace(kind, dimensions=(_LOOKED_FOR_UNDER.get(kind.name, "layout.violations"),)) for kind in _SEARCHED)
"""Each is a family of its own: a defect of the same thing in the twin's picture is the same one if its kind is."""
