"""Grain on the ground: random noise of a stated strength and correlation length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.benchmarks.faults.fault import Mask, PictureFault

RMS = 4.0
CORRELATION_PX = 1.5
TOLERANCE = 0.005
ROUNDS = 12


def grain(
    pixels: Pixels, mask: Mask, seed: int, *, rms: float = RMS, correlation_px: float = CORRELATION_PX
) -> PictureFault:
    """Add Gaussian grain, equal in R, G and B, wherever `mask` (H, W) is true.

    Args:
        rms: root mean square of the change, in sRGB code values; reached within 0.5 % after rounding to 8 bits,
            unless clipping at 0 or 255 stands in the way. The returned size is the RMS that was measured.
        correlation_px: distance at which the autocorrelation falls to 1/e; 0 is white noise. White noise smoothed by
            a Gaussian of standard deviation s has the autocorrelation exp(-d² / 4s²), hence s is half of it.
    """
    noise = np.random.default_rng(seed).standard_normal(mask.shape)
    if correlation_px > 0:
        from scipy.ndimage import gaussian_filter

        noise = gaussian_filter(noise, correlation_px / 2, mode="wrap")
    return add_pattern(pixels, mask, noise, rms)


def add_pattern(pixels: Pixels, mask: Mask, pattern: NDArray[np.float64], rms: float) -> PictureFault:
    """Add `pattern` (H, W) to all channels where `mask` is true, scaled until the change has the stated RMS."""
    if not mask.any():
        return PictureFault(pixels.copy(), mask, 0.0, "sRGB RMS")
    before = pixels[mask].astype(np.float64)
    values = pattern[mask]
    values = (values - values.mean())[:, None]
    spread = float(np.sqrt(np.mean(values**2)))
    if spread == 0 or rms <= 0:
        return PictureFault(pixels.copy(), mask, 0.0, "sRGB RMS")
    scale, after, reached = rms / spread, before, 0.0
    for _ in range(ROUNDS):
        after = np.clip(np.rint(before + scale * values), 0, 255)
        reached = float(np.sqrt(np.mean((after - before) ** 2)))
        if abs(reached - rms) <= TOLERANCE * rms:
            break
        scale *= min(max(rms / reached, 0.5), 2.0) if reached else 2.0
    result = pixels.copy()
    result[mask] = after.astype(np.uint8)
    return PictureFault(result, mask, reached, "sRGB RMS")
