"""Mottle: soft blotches on the ground."""

from __future__ import annotations

from evalkit.api.pictures import Pixels
from evalkit.benchmarks.faults.fault import Mask, PictureFault
from evalkit.benchmarks.faults.grain import grain

RMS = 3.0
BLOTCH_PX = 24.0


def mottle(pixels: Pixels, mask: Mask, seed: int, *, rms: float = RMS, blotch_px: float = BLOTCH_PX) -> PictureFault:
    """Add Gaussian blotches whose autocorrelation falls to 1/e at `blotch_px`. `rms` is reached as in `grain`."""
    return grain(pixels, mask, seed, rms=rms, correlation_px=blotch_px)
