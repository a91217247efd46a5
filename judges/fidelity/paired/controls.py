"""The controls of the judges: pairs of twins with known right verdicts, drawn by this module."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import Case, Status, Verdict

_SIDE = 128
_CHANGED = (slice(32, 64), slice(64, 112))
"""Rows and columns of the part that one twin lacks."""


def controls() -> list[Control]:
    """A picture against itself, and against a twin that lacks one of its shapes."""
    case = Case("control/fidelity", "squares on a plain ground", width=_SIDE, height=_SIDE)
    drawn = Picture.from_pixels(squares())
    changed = Picture.from_pixels(without_one())
    return [
        Control("the same picture", "every distance is 0, SSIM is 1", case, drawn, _same, twin=drawn),
        Control(
            "one shape missing", "every distance says so, the map shows where", case, changed, _differs, twin=drawn
        ),
    ]


def squares() -> Pixels:
    """Two dark squares on a light ground."""
    pixels = without_one()
    pixels[_CHANGED] = (40, 60, 120)
    return pixels


def without_one() -> Pixels:
    """The same without the upper one."""
    pixels = np.full((_SIDE, _SIDE, 3), (225, 220, 210), dtype=np.uint8)
    pixels[80:112, 16:48] = (90, 30, 30)
    return pixels


def _values(verdict: Verdict) -> dict[str, float]:
    """Values by dimension, without those whose network is not installed."""
    return {score.dimension: score.value for score in verdict.scores if score.value is not None}


def _same(verdict: Verdict) -> bool:
    values = _values(verdict)
    return bool(values) and all(abs(value - (name == "fidelity.ssim")) < 1e-6 for name, value in values.items())


def _differs(verdict: Verdict) -> bool:
    values = _values(verdict)
    missing = {score.dimension for score in verdict.scores if score.status is Status.UNSCORED}
    flip, ssim = values.get("fidelity.flip", 0.0), values.get("fidelity.ssim", 1.0)
    features = values.get("fidelity.efficientnet_lite0", 1.0 if "fidelity.efficientnet_lite0" in missing else 0.0)
    return flip > 0.05 and ssim < 0.97 and features > 0.05 and _lies_there(verdict)


def _lies_there(verdict: Verdict) -> bool:
    """Whether the largest cell of the map lies in the part that is missing."""
    drawn = verdict.evidence["flip_map"]
    values, cell = np.array(drawn["values"]), drawn["cell"]
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    rows, columns = _CHANGED
    return bool(rows.start <= row * cell < rows.stop and columns.start <= column * cell < columns.stop)
