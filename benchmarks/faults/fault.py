"""Faults as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes.scene import Scene
from evalkit.pictures import Pixels
from evalkit.records import JSON, Box

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fault:
    """One defect in one picture.

    Args:
        kind: its name in the registry.
        box: where it can be seen, in px; for something that is missing, where it should be.
        size: how large, in `unit`.
        target: what in the case it is about: `text:0` (an index of `Case.texts`) or `background`.
        detail: what was put in place of what.
    """

    kind: str
    box: Box
    size: float
    unit: str
    target: str
    detail: Mapping[str, JSON] = field(default_factory=dict)


class ContentFault(NamedTuple):
    """A scene with a defect, before it is drawn.

    `text` is the index of the text it is in. Where it can be seen is `box` if that is known beforehand, else the ink
    of `characters`, a range of that text's inked characters (spaces not counted); an empty range is the whole text.
    """

    scene: Scene
    text: int
    characters: tuple[int, int]
    size: float
    unit: str
    detail: Mapping[str, JSON]
    box: Box | None = None


class PictureFault(NamedTuple):
    """A picture with a defect: new pixels, the mask of those that may have changed, and the measured size."""

    pixels: Pixels
    mask: Mask
    size: float
    unit: str
