"""A colour cast on the ground: its hue changes and its lightness does not."""

from __future__ import annotations

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.benchmarks.faults.fault import Mask, PictureFault
from evalkit.benchmarks.faults.lab import to_lab, to_rgb

DELTA_E = 4.0
HUES = 12


def colour_cast(pixels: Pixels, mask: Mask, seed: int, *, delta_e: float = DELTA_E) -> PictureFault:
    """Move the ground by `delta_e` (CIELAB, ΔE*ab) in a* and b*.

    The seed sets which of the `HUES` directions is tried first. The first one that reaches `delta_e` within a tenth
    after rounding and clipping is taken, else the one that comes nearest. The size is the mean ΔE*ab reached.
    """
    if not mask.any() or delta_e <= 0:
        return PictureFault(pixels.copy(), mask, 0.0, "ΔE*ab")
    colors, places = np.unique(pixels[mask], axis=0, return_inverse=True)
    counts = np.bincount(places.ravel())
    before = to_lab(colors)
    first = np.random.default_rng(seed).integers(HUES)
    best: tuple[float, Pixels] | None = None
    for number in range(HUES):
        hue = 2 * np.pi * ((first + number) % HUES) / HUES
        wanted = before + delta_e * np.array([0.0, np.cos(hue), np.sin(hue)])
        after = np.clip(np.rint(to_rgb(wanted)), 0, 255).astype(np.uint8)
        reached = float(np.average(np.sqrt(((to_lab(after) - before) ** 2).sum(axis=1)), weights=counts))
        if best is None or abs(reached - delta_e) < abs(best[0] - delta_e):
            best = reached, after
        if abs(reached - delta_e) <= 0.1 * delta_e:
            break
    assert best is not None
    result = pixels.copy()
    result[mask] = best[1][places.ravel()]
    return PictureFault(result, mask, best[0], "ΔE*ab")
