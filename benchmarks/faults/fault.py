"""The records of faults: in a scene, in the ink of a text, in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON, RGB, Box
from evalkit.benchmarks.scenes.scene import Scene

Mask = NDArray[np.bool_]
Alpha = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fault:
    """One defect in one picture.

    Args:
        kind: its name in the registry.
        box: where it can be seen, in px. For something that is missing: where it should be.
        size: how large it is, in `unit`.
        target: the part of the case that it concerns: `text:0` (an index of `Case.texts`) or `background`.
        detail: particulars, such as which letter replaced which.
    """

    kind: str
    box: Box
    size: float
    unit: str
    target: str
    detail: Mapping[str, JSON] = field(default_factory=dict)


class ContentFault(NamedTuple):
    """A scene with a defect, before it is drawn.

    `text` is the index of the text that has the defect. The defect can be seen in `box` if that is known beforehand,
    else in the ink of `characters`: a range of that text's inked characters (spaces not counted). An empty range means
    the whole text.
    """

    scene: Scene
    text: int
    characters: tuple[int, int]
    size: float
    unit: str
    detail: Mapping[str, JSON]
    box: Box | None = None


class InkLayer(NamedTuple):
    """One text of any picture, split into its ink and what lies under it, so that the ink alone can be changed.

    Args:
        under: (H, W, 3) uint8, the picture without the text.
        alpha: (H, W) coverage of the ink in [0, 1].
        color: the colour of the ink.
        box: the box of all its ink.
        words: the box of each character that leaves ink, word by word. A single group of shapes if it is not known
            which shape is which character.
        text: the string.
        others: the boxes of the picture's other texts.
    """

    under: Pixels
    alpha: Alpha
    color: RGB
    box: Box
    words: tuple[tuple[Box, ...], ...]
    text: str
    others: tuple[Box, ...] = ()

    @property
    def named(self) -> bool:
        """Whether it is known which box is which character."""
        return [len(word) for word in self.words] == [len(word) for word in self.text.split()]


class LayerFault(NamedTuple):
    """The ink of a text with a defect.

    `box` is where the defect can be seen; `None` means wherever the ink has changed. `text` is the new text, if the
    defect changes the text and the new one is known.
    """

    alpha: Alpha
    size: float
    unit: str
    box: Box | None = None
    text: str | None = None


class PictureFault(NamedTuple):
    """A picture with a defect: the new pixels, the mask of those that may have changed, and the measured size."""

    pixels: Pixels
    mask: Mask
    size: float
    unit: str
