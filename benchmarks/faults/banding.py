"""Banding: the ground breaks up into steps."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.benchmarks.faults.fault import Mask, PictureFault

STEP = 3.0
WIDTH_PX = 32.0
BANDS = 4
"""The lightness rises over this many bands, then falls over as many, so that the picture keeps its mean lightness."""


def banding(pixels: Pixels, mask: Mask, seed: int, *, step: float = STEP, width_px: float = WIDTH_PX) -> PictureFault:
    """Add a slow ramp to the ground and round the sum to multiples of `step` code values: bands about `width_px` wide.

    The seed sets the direction and the phase of the ramp. The size is the step between bands in sRGB code values.
    """
    if not mask.any() or round(step) < 1:
        return PictureFault(pixels.copy(), mask, 0.0, "sRGB step")
    step = float(round(step))
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]]
    along, phase = (ys if rng.random() < 0.5 else xs), rng.uniform(0, 2 * BANDS)
    position = (along / width_px + phase) % (2 * BANDS)
    ramp = step * (np.minimum(position, 2 * BANDS - position) - BANDS / 2)
    before = pixels[mask].astype(np.float64)
    base = np.median(before, axis=0)
    after = base + step * np.rint((before - base + ramp[mask][:, None]) / step)
    result = pixels.copy()
    result[mask] = np.clip(np.rint(after), 0, 255).astype(np.uint8)
    return PictureFault(result, mask, step, "sRGB step")
