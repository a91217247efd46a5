"""Sizes at which each kind of fault is injected to measure judges: around the threshold of visibility."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Grades(NamedTuple):
    """A kind of fault with the strength that varies and the strengths that are fixed.

    `grows`: whether a larger size is a worse defect (noise), not only one that is easier to see (taller letters).
    A kind without a varying strength has the single size 0.
    """

    kind: str
    strength: str = ""
    sizes: tuple[float, ...] = (0.0,)
    unit: str = ""
    grows: bool = True
    fixed: Mapping[str, float] = {}


_HEIGHTS = (16.0, 24.0, 40.0, 64.0)
_PX = (2.0, 4.0, 8.0, 16.0)
_SHARES = (0.1, 0.25, 0.5)
_RMS = (0.5, 1.0, 2.0, 4.0)
_FINE = (0.25, *_RMS[:3])
"""Sizes for grain that is easier to see than white noise. A grid of a quarter of a level can't be held in 8 bits."""
_PATCH = {"patch": 0.4}


def _of_letters(kind: str) -> Grades:
    return Grades(kind, "height_px", _HEIGHTS, "px tall", grows=False)


GRADES: dict[str, Grades] = {
    **{
        kind: _of_letters(kind)
        for kind in (
            *("substitute-letter", "drop-letter", "double-letter", "swap-letters"),
            *("drop-word", "repeat-word", "extra-word"),
        )
    },
    **{
        kind: Grades(kind, "share", _SHARES, "of the strokes")
        for kind in ("cut-strokes", "blur-strokes", "mirror-strokes", "melt-strokes")
    },
    **{kind: Grades(kind, "px", _PX, "px") for kind in ("clip-text", "overlap-text", "widen-gap", "uneven-spacing")},
    "tilt-text": Grades("tilt-text", "degrees", (0.5, 1.0, 2.0, 4.0), "degrees"),
    "shift-text": Grades("shift-text", "px", (2.0, 4.0, 8.0, 16.0), "px"),
    "run-off-text": Grades("run-off-text", "px", (4.0, 8.0, 16.0), "px"),
    "move-text": Grades("move-text", "px", (32.0, 64.0, 128.0), "px"),
    "swap-texts": Grades("swap-texts"),
    "grain-white": Grades("grain", "rms", _RMS, "levels RMS", fixed={"correlation_px": 0.0, **_PATCH}),
    **{
        f"grain-{name}": Grades("grain", "rms", _FINE, "levels RMS", fixed={"correlation_px": length, **_PATCH})
        for name, length in (("1px", 1.0), ("2px", 2.0), ("4px", 4.0))
    },
    **{
        f"grid-{period}px": Grades("grid", "rms", _RMS, "levels RMS", fixed={"period_px": float(period), **_PATCH})
        for period in (8, 16, 32)
    },
    "banding": Grades("banding", "step", (1.0, 2.0, 3.0, 4.0), "levels", fixed={"patch": 0.5}),
    "mottle": Grades("mottle", "rms", _FINE, "levels RMS", fixed={"patch": 0.5}),
    "colour-cast": Grades("colour-cast", "delta_e", (1.0, 2.0, 4.0, 8.0), "ΔE*ab", fixed=_PATCH),
}
"""Grades by the name that `evalkit faults --kind` takes. Lengths are for pictures of 512 px."""
