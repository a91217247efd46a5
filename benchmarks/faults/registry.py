"""All kinds of faults by name. A new one is one function in the file of its family and one line here."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.faults.fault import ContentFault, PictureFault
from benchmarks.faults.grain import grain
from benchmarks.faults.grid import grid
from benchmarks.faults.letters import double_letter, drop_letter, substitute_letter
from benchmarks.faults.overlap import overlap_text
from benchmarks.faults.words import drop_word
from benchmarks.scenes.draw import Drawing
from benchmarks.scenes.scene import Scene

CONTENT: dict[str, Callable[[Scene, Drawing, random.Random], ContentFault | None]] = {
    "substitute-letter": substitute_letter,
    "drop-letter": drop_letter,
    "double-letter": double_letter,
    "drop-word": drop_word,
    "overlap-text": overlap_text,
}
"""Put into the scene before it is drawn; `None` where the scene can't have it."""

PICTURE: dict[str, Callable[..., PictureFault]] = {"grain": grain, "grid": grid}
"""Put onto the bare ground of the picture: `fault(pixels, mask, seed, **strength)`."""

FAULTS = (*CONTENT, *PICTURE)
