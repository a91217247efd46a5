"""A periodic grid on the ground, such as latent decoders produce."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.benchmarks.faults.fault import Mask, PictureFault
from evalkit.benchmarks.faults.grain import add_pattern

RMS = 3.0
PERIOD_PX = 8.0
"""Side of the picture patch that one latent pixel of the usual 8x autoencoders stands for, px."""


def grid(pixels: Pixels, mask: Mask, seed: int, *, rms: float = RMS, period_px: float = PERIOD_PX) -> PictureFault:
    """Add a sinusoidal grid of `period_px` in x and y, equal in R, G and B, wherever `mask` is true.

    `rms` is reached as in `grain`; `seed` sets the phase.
    """
    phase_x, phase_y = np.random.default_rng(seed).uniform(0, 2 * np.pi, 2)
    y, x = (2 * np.pi * np.arange(length) / period_px for length in mask.shape)
    return add_pattern(pixels, mask, np.cos(x + phase_x)[None, :] + np.cos(y + phase_y)[:, None], rms)
