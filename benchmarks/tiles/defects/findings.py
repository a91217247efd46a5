"""Lists the defects of a picture as findings: kind and box."""

from __future__ import annotations

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.tiles.defects.depiction import Depiction, clipped, parts
from evalkit.benchmarks.tiles.defects.differ import Differences

NOTED = 1.0
"""Size from which a defect is a finding."""


def findings(found: Differences, depiction: Depiction) -> list[tuple[str, Box]]:
    """Kind and box of every defect that has a place. Something missing has none."""
    where = boxes(depiction)
    made = [
        ("grain" if kind == "noise" else kind, box) for kind, box in depiction.boxes if depiction.sizes[kind] >= NOTED
    ]
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
        elif extra and part in depiction.doubled:
            made += [(kind, box) for kind in ("duplicate", "extra-part", "extra-element")]
        elif extra:
            made += [(kind, box) for kind in (("extra-text",) if part == "word" else ()) + ("extra-element",)]
        elif part == "word":
            made.append(("typo", box))
    return made


def boxes(depiction: Depiction) -> dict[str, Box]:
    """By part, the box of the pixels that it covers by more than half, px."""
    made: dict[str, Box] = {}
    for part in parts(depiction):
        coverage, (x0, y0, _, _) = clipped(part.layer)
        rows, columns = (np.flatnonzero((coverage > 0.5).any(axis)) for axis in (1, 0))
        if not rows.size or not columns.size:
            continue
        box = Box(float(x0 + columns[0]), float(y0 + rows[0]), float(x0 + columns[-1] + 1), float(y0 + rows[-1] + 1))
        made[part.name] = made[part.name].union(box) if part.name in made else box
    return made
