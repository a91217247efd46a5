"""From the map of visible noise to figures and located findings (pure)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from evalkit.records import JSON, Box, Finding
from judges.grain.colour import Plane
from judges.grain.mask import shrink
from judges.grain.measure import WINDOW, Grain, Grid

VISIBLE = 0.12
"""Visible noise above which grain counts, L*. Rounding to 8 bits leaves less on any ramp: 0.112 at most, over
ramps of 15 to 100 code values across 128, 512 and 1024 px (tests/judges/grain)."""
GRID_SHARE = 0.2
"""Least share of the visible variance that a pattern must carry to be called a grid."""
WORSE = 1.5
"""How much more visible noise than the twin has counts, where only the twin says what is flat."""
MOST_FINDINGS = 8
_MAP_CELLS = 32


class Figures(NamedTuple):
    """Of the local map on the flat area: its 95th percentile and median in L*, and the share of it above `VISIBLE`."""

    visible_noise: float
    median: float
    area: float


def figures(local: Plane) -> Figures:
    """Figures of a map with at least one value. A high percentile, for grain in one corner must not average away."""
    values = local[np.isfinite(local)]
    high, middle = (float(v) for v in np.percentile(values, (95, 50)))
    return Figures(high, middle, float((values > VISIBLE).mean()))


def log_ratio(student: Figures, twin: Figures) -> float:
    """ln(student / twin) of visible noise; 0.69 is twice as much. Both count as at least a fifth of `VISIBLE`."""
    least = VISIBLE / 5
    return math.log(max(student.visible_noise, least) / max(twin.visible_noise, least))


def findings(grain: Grain, pattern: Grid, allowed: Plane | None = None) -> list[Finding]:
    """Connected areas of visible grain, the largest first, and the grid if there is one.

    `allowed` is visible noise that is no defect, per pixel: the twin's, where the case does not say what must be flat.
    """
    found = [_grain(box, peak, share) for box, peak, share in _areas(grain.local, allowed)]
    if pattern.rms > VISIBLE and pattern.share > GRID_SHARE:
        found.append(_grid(grain, pattern))
    return found


def _areas(local: Plane, allowed: Plane | None) -> list[tuple[Box, float, float]]:
    """Box, 95th percentile in L*, and share of the flat area, of each connected area of visible grain."""
    from scipy.ndimage import find_objects, label

    side = WINDOW * shrink(local.shape)
    flat = np.isfinite(local)
    threshold = VISIBLE if allowed is None else np.maximum(VISIBLE, WORSE * np.nan_to_num(allowed))
    regions, _ = label(np.where(flat, local, 0.0) > threshold)
    areas: list[tuple[Box, float, float]] = []
    for number, window in enumerate(find_objects(regions), start=1):
        inside = regions[window] == number
        size = int(inside.sum())
        if size < side * side / 2:  # smaller than the map can resolve
            continue
        values = local[window][inside]
        peak = float(np.percentile(values, 95))
        # the window smears an area by half its side; half of the peak is where a quarter of the window lies in it
        core = inside & (local[window] > max(VISIBLE, peak / 2))
        ys, xs = np.nonzero(core)
        y, x = window[0].start, window[1].start
        box = Box(float(x + xs.min()), float(y + ys.min()), float(x + xs.max() + 1), float(y + ys.max() + 1))
        areas.append((box, peak, size / int(flat.sum())))
    return sorted(areas, key=lambda area: -area[2])[:MOST_FINDINGS]


def _grain(box: Box, peak: float, share: float) -> Finding:
    message = f"grain of {peak:.2f} L* on {share:.0%} of the flat area (visible from {VISIBLE} L*)"
    evidence: dict[str, JSON] = {"threshold": VISIBLE, "share_of_flat_area": round(share, 4)}
    return Finding("grain", box, peak, "L*", severity(peak), message, evidence, "background")


def _grid(grain: Grain, pattern: Grid) -> Finding:
    ys, xs = np.nonzero(np.isfinite(grain.local))
    box = Box(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
    message = f"a grid of period {pattern.period} px and {pattern.rms:.2f} L* lies over the flat area"
    evidence: dict[str, JSON] = {"period": pattern.period, "share_of_visible_variance": round(pattern.share, 3)}
    return Finding("grid", box, pattern.rms, "L*", severity(pattern.rms), message, evidence, "background")


def severity(noise: float) -> float:
    """0.2 at the threshold, and 0.2 more with each doubling: 1 from 16 times the threshold on."""
    return min(1.0, max(0.0, 0.2 + 0.2 * math.log2(max(noise, 1e-9) / VISIBLE)))


def coarse_map(local: Plane) -> dict[str, JSON]:
    """The map for the report: at most 32x32 cells of `cell` px, each its largest value in L* or `None` off the mask."""
    cell = max(1, math.ceil(max(local.shape) / _MAP_CELLS))
    padded = np.pad(np.nan_to_num(local, nan=-1.0), [(0, -n % cell) for n in local.shape], constant_values=-1.0)
    most = padded.reshape(padded.shape[0] // cell, cell, -1, cell).max(axis=(1, 3))
    return {"cell": cell, "values": [[None if v < 0 else round(float(v), 3) for v in row] for row in most]}
