"""Marks the tiles of a picture whose content is not as wanted, including the places of missing things."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.benchmarks.tiles.defects.depiction import Depiction
from evalkit.benchmarks.tiles.defects.differ import Differences
from evalkit.benchmarks.tiles.defects.findings import NOTED, boxes
from evalkit.benchmarks.tiles.defects.lesson import ROWS, tiles_of
from evalkit.benchmarks.tiles.scene import TileScene


def astray(wanted: TileScene, found: Differences, depiction: Depiction) -> NDArray[np.int64]:
    """(8, 8): 1 on the tiles where a differing thing stands and where it should stand; 0 elsewhere."""
    made = np.zeros((ROWS, ROWS), np.int64)
    stands, should = boxes(depiction), boxes(Depiction(wanted))
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
