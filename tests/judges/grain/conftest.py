from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.pictures import Pixels
from evalkit.judges.grain.colour import view
from evalkit.judges.grain.findings import Figures, figures
from evalkit.judges.grain.mask import connected
from evalkit.judges.grain.measure import Noise, visible_noise

GREY = (200, 205, 212)


def blobs(shape: tuple[int, int], rms: float, correlation: float, seed: int = 0) -> NDArray[np.float64]:
    """Noise of known RMS in code values; `correlation` is the sigma of its blobs in px, 0 for white noise."""
    from scipy.ndimage import gaussian_filter

    values = np.random.default_rng(seed).standard_normal(shape)
    if correlation:
        values = gaussian_filter(values, correlation, mode="wrap")
    return values * (rms / values.std())


def tiles(shape: tuple[int, int], rms: float, period: int) -> NDArray[np.float64]:
    """A pattern of known RMS that repeats every `period` px."""
    tile = np.random.default_rng(1).standard_normal((period, period))
    tile = (tile - tile.mean()) * (rms / tile.std())
    return np.tile(tile, (-(-shape[0] // period), -(-shape[1] // period)))[: shape[0], : shape[1]]


def ramp(shape: tuple[int, int], levels: float) -> NDArray[np.float64]:
    return np.broadcast_to(np.linspace(0.0, levels, shape[1]), shape)


def ground(added: NDArray[np.float64], colour: tuple[int, int, int] = GREY) -> Pixels:
    """A plain ground with `added` code values, rounded to 8 bits."""
    return np.clip(np.round(np.array(colour, dtype=float) + added[..., None]), 0, 255).astype(np.uint8)


def measured(pixels: Pixels) -> Figures:
    """Figures of a picture that is flat all over."""
    return figures(noise(pixels).local)


def noise(pixels: Pixels) -> Noise:
    """Visible noise of a picture that is flat all over."""
    return visible_noise(view(pixels), connected(np.ones(pixels.shape[:2], dtype=bool)))
