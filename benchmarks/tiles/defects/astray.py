"""Which tiles of a shown picture are not as was wanted: where a defect of content is, also of what is missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.benchmarks.tiles.defects.differ import Differences
from evalkit.benchmarks.tiles.defects.findings import NOTED, boxes
from evalkit.benchmarks.tiles.defects.lesson import ROWS, tiles_of
from evalkit.benchmarks.tiles.defects.shown import Shown
from evalkit.benchmarks.tiles.scene import TileScene


def astray(wanted: TileScene, found: Differences, shown: Shown) -> NDArray[np.int64]:
    """(8, 8): 1 on the tiles of each thing that differs, where it stands and where it should stand; 0 elsewhere."""
    made = np.zeros((ROWS, ROWS), np.int64)
    stands, should = boxes(shown), boxes(Shown(wanted))
    for key, size in found.items():
        part, _, _ = key.removeprefix("extra.").partition(".")
        if size < NOTED:
            continue
        if part in ("ground", "subject"):
            made[:] = 1
        name = "head" if part == "skin" else part
        for box in (where[name] for where in (stands, should) if name in where):
            made[tiles_of(box)] = 1
    return made
