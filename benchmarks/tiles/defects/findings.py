"""Where the defects of a shown picture are, in the words of the findings."""

from __future__ import annotations

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.tiles.defects.differ import Differences
from evalkit.benchmarks.tiles.defects.shown import Shown, clipped, parts

NOTED = 1.0
"""Size from which a defect is a finding."""


def findings(found: Differences, shown: Shown) -> list[tuple[str, Box]]:
    """Kind and box of every defect that stands somewhere; what is missing stands nowhere."""
    where = boxes(shown)
    made = [("grain" if kind == "noise" else kind, box) for kind, box in shown.boxes if shown.sizes[kind] >= NOTED]
    for key, size in found.items():
        extra = key.startswith("extra.")
        part, _, what = key.removeprefix("extra.").partition(".")
        box = where.get("head" if part == "skin" else part)
        if size < NOTED or box is None:
            continue
        if what == "color":
            made.append(("wrong-color", box))
        elif what in ("place", "row", "shift"):
            made.append(("out-of-place", box))
        elif extra and part in shown.doubled:
            made += [(kind, box) for kind in ("duplicate", "extra-part", "extra-element")]
        elif extra:
            made += [(kind, box) for kind in (("extra-text",) if part == "word" else ()) + ("extra-element",)]
        elif part == "word":
            made.append(("typo", box))
    return made


def boxes(shown: Shown) -> dict[str, Box]:
    """What each part covers by more than half, px."""
    made: dict[str, Box] = {}
    for part in parts(shown):
        coverage, (x0, y0, _, _) = clipped(part.layer)
        rows, columns = (np.flatnonzero((coverage > 0.5).any(axis)) for axis in (1, 0))
        if not rows.size or not columns.size:
            continue
        box = Box(float(x0 + columns[0]), float(y0 + rows[0]), float(x0 + columns[-1] + 1), float(y0 + rows[-1] + 1))
        made[part.name] = made[part.name].union(box) if part.name in made else box
    return made
