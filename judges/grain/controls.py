"""The controls of the judge: grounds with known right verdicts, drawn by this module."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import Background, Box, Case, Status, Verdict

_SIDE = 256
_COLOUR = (200, 205, 212)
_PATCH = Box(64, 80, 192, 176)
_RMS = 2.0
"""RMS of the grain in the patch, in code values: about 0.6 L* of visible noise."""


def controls() -> list[Control]:
    """A flat ground that must pass, and one with a patch of grain of known strength and place that must fail."""
    ground = Background(kind="solid", colors=(_COLOUR,), flat_regions=(Box(0, 0, _SIDE, _SIDE),))
    case = Case("control/grain", "a plain ground", width=_SIDE, height=_SIDE, background=ground)
    return [
        Control("flat ground", "no visible noise, no finding", case, Picture.from_pixels(flat()), _silent),
        Control("patch of grain", "found, with an IoU of at least 0.5", case, Picture.from_pixels(patched()), _found),
    ]


def flat() -> Pixels:
    """A square of one colour."""
    return np.full((_SIDE, _SIDE, 3), _COLOUR, dtype=np.uint8)


def patched() -> Pixels:
    """The flat ground with correlated noise (Gaussian, sigma 1 px) in `_PATCH`."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).standard_normal((_SIDE, _SIDE)), 1.0)
    noise *= _RMS / noise.std()
    inside = np.zeros((_SIDE, _SIDE))
    inside[int(_PATCH.y0) : int(_PATCH.y1), int(_PATCH.x0) : int(_PATCH.x1)] = 1.0
    pixels: Pixels = np.clip(np.round(flat() + (noise * inside)[..., None]), 0, 255).astype(np.uint8)
    return pixels


def _silent(verdict: Verdict) -> bool:
    noise = verdict.score("grain.visible_noise")
    return noise is not None and noise.status is Status.SCORED and noise.value == 0.0 and not verdict.findings


def _found(verdict: Verdict) -> bool:
    return len(verdict.findings) == 1 and verdict.findings[0].box.iou(_PATCH) >= 0.5
