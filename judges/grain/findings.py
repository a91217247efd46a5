"""Turns measurements into figures and located findings. Pure functions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from evalkit.api.records import JSON, Box, Finding
from evalkit.judges.grain.analysis import Analysis
from evalkit.judges.grain.cast import VISIBLE_CAST
from evalkit.judges.grain.colour import Plane
from evalkit.judges.grain.locate import Area, areas, to_box
from evalkit.judges.grain.mask import shrink
from evalkit.judges.grain.measure import VISIBLE, WINDOW, Noise, window_cells
from evalkit.judges.grain.mottle import BANDS, is_mottled
from evalkit.judges.grain.mottle import WINDOW as MOTTLE_WINDOW

WORSE = 1.5
"""Least ratio of visible noise to the twin's that counts, if only the twin says what is flat."""
AMONG_BLOTCHES = 0.5
"""Least share of the visible energy that grain must have in blotches, whose finer part is not grain."""
MOST_FINDINGS = 8
_MAP_CELLS = 32


class Figures(NamedTuple):
    """95th percentile and median in L* of the local map on the flat area, and the share of it above `VISIBLE`."""

    visible_noise: float
    median: float
    area: float


class Sizes(NamedTuple):
    """The strength of each kind: grid, banding and mottle in just noticeable differences, cast in CIEDE2000.

    `cast` is `None` if nothing says which colour is right.
    """

    grid: float
    banding: float
    mottle: float
    cast: float | None


def figures(local: Plane) -> Figures:
    """Figures of a map with at least one value. A high percentile keeps grain in one corner from being averaged out."""
    values = local[np.isfinite(local)]
    high, middle = (float(v) for v in np.percentile(values, (95, 50)))
    return Figures(high, middle, float((values > VISIBLE).mean()))


def sizes(seen: Analysis) -> Sizes:
    """The strength of each kind of unevenness that is not grain."""
    coarse = seen.mottle.local[seen.blotchy] if is_mottled(seen.mottle, seen.blotchy) else np.empty(0)
    shift = seen.cast.distance[np.isfinite(seen.cast.distance)] if seen.cast is not None else None
    return Sizes(
        seen.grid.rms / VISIBLE,
        max((band.jnd for band in seen.bands), default=0.0),
        float(np.percentile(coarse, 95)) / VISIBLE if len(coarse) else 0.0,
        float(np.percentile(shift, 95)) if shift is not None and len(shift) else None,
    )


def findings(seen: Analysis, twin: Analysis | None = None) -> list[Finding]:
    """Everything visible, kind by kind, the largest areas of each kind first.

    `twin` is the analysis of the twin on the same ground, given if the case does not say what must be flat. What the
    twin shows too is not a defect then.
    """
    bands, mottles = _bands(seen), _mottles(seen, twin)
    uneven = [*bands, *mottles]
    mottles = [mottle for mottle in mottles if not any(_part(mottle, band) for band in bands)]
    grains = [grain for grain in _grains(seen, twin) if not any(_part(grain, other) for other in uneven)]
    # blotches and bands are farther from the right colour than their ground, but are not a cast of the ground
    casts = [cast for cast in _casts(seen) if not any(_within(cast, other) for other in uneven)]
    found = [*casts, *bands, *_grids(seen), *mottles, *grains]
    if twin is not None:
        known = [*_casts(twin), *_bands(twin), *_grids(twin)]
        found = [finding for finding in found if not any(_inherited(finding, other) for other in known)]
    return found


def severity(times: float) -> float:
    """The rule for the grade, the same for all kinds: 0 at the threshold, a sixth more with each doubling.

    A blemish (below 0.2) is up to 2.3 times just visible, a defect up to 8 times, a failure (from 0.5 on) more: the
    ground is not the plain one that was asked for (a cast of ΔE00 12 is another colour, bands of 15 % luminance are
    stripes). It is 1 from 64 times on; pure noise is 80 times just visible.

    Args:
        times: the size over the just visible one.
    """
    return min(1.0, max(0.0, math.log2(max(times, 1e-9)) / 6))


def coarse_map(noise: Noise) -> dict[str, JSON]:
    """The map for the report: at most 32x32 cells of `cell` px with their largest value in L*; `None`: not flat."""
    local = noise.local
    step = max(1, math.ceil(max(local.shape) / _MAP_CELLS))
    padded = np.pad(np.nan_to_num(local, nan=-1.0), [(0, -n % step) for n in local.shape], constant_values=-1.0)
    most = padded.reshape(padded.shape[0] // step, step, -1, step).max(axis=(1, 3))
    values = [[None if v < 0 else round(float(v), 3) for v in row] for row in most]
    return {"cell": step * noise.cell, "values": values}


def _part(finding: Finding, larger: Finding) -> bool:
    """Whether a finding is a remainder of bands or blotches: within them and not stronger, or in a small corner."""
    box = larger.box
    if finding.box.area < 0.1 * box.area:
        rim = 0.15 * max(box.width, box.height)  # windows smear, and there may be an edge where blotches end
        near = Box(max(box.x0 - rim, 0), max(box.y0 - rim, 0), box.x1 + rim, box.y1 + rim)
        return finding.box.intersection(near) > 0.5 * finding.box.area and finding.size < 4 * larger.size
    return finding.box.intersection(box) > 0.8 * finding.box.area and finding.size < 1.2 * larger.size


def _within(finding: Finding, larger: Finding) -> bool:
    shared = finding.box.intersection(larger.box)
    return shared > 0.8 * finding.box.area and finding.box.area < 0.5 * larger.box.area


def _inherited(finding: Finding, other: Finding) -> bool:
    return finding.kind == other.kind and finding.box.iou(other.box) > 0.1 and finding.size < WORSE * other.size


def _grains(seen: Analysis, twin: Analysis | None) -> list[Finding]:
    rest = seen.rest
    known = 0.0 if twin is None else WORSE * np.nan_to_num(twin.noise.local)
    blotchy = AMONG_BLOTCHES * np.nan_to_num(seen.noise.local) ** 2
    allowed = np.maximum(VISIBLE, known) ** 2 + np.where(seen.coarse, blotchy, np.float32(0))
    window = window_cells(WINDOW, shrink(rest.weighted.shape), rest.cell)
    found = areas(rest.energy, rest.held, rest.local**2, allowed.astype(np.float32), window)
    return [_noise("grain", area, rest.cell, seen) for area in found]


def _noise(kind: str, area: Area, cell: int, seen: Analysis) -> Finding:
    level = math.sqrt(max(area.energy, 0.0))
    jnd = level / VISIBLE
    message = f"{kind} of {level:.2f} L*, {jnd:.1f} times just visible, on {area.share:.0%} of the flat area"
    evidence: dict[str, JSON] = {
        "visible_noise": round(level, 4),
        "threshold": VISIBLE,
        "share_of_flat_area": round(area.share, 4),
    }
    box = to_box(area.box, cell, seen.regions.shape)
    return Finding(kind, box, jnd, "JND", severity(jnd), message, evidence, "background")


def _mottles(seen: Analysis, twin: Analysis | None) -> list[Finding]:
    mottle = seen.mottle
    local = np.where(seen.blotchy, mottle.local, np.float32(np.nan))
    allowed: float | Plane = VISIBLE**2
    if twin is not None:
        allowed = np.maximum(VISIBLE, WORSE * np.nan_to_num(twin.mottle.local)) ** 2
    window = window_cells(MOTTLE_WINDOW, shrink(seen.regions.shape), mottle.cell)
    found = areas(mottle.energy, mottle.held * seen.blotchy, local**2, allowed, window)
    many = [_noise("mottle", area, mottle.cell, seen) for area in found if is_mottled(mottle, area.cells)]
    octaves = {f"{6.5 * sigma:.0f} px": round(rms, 3) for sigma, rms in zip(BANDS, mottle.bands, strict=True)}
    return [_with(finding, {"rms_by_period": octaves}) for finding in many]


def _with(finding: Finding, more: dict[str, JSON]) -> Finding:
    evidence = {**finding.evidence, **more}
    return Finding(
        finding.kind, finding.box, finding.size, finding.unit, finding.severity, finding.message, evidence, "background"
    )


def _grids(seen: Analysis) -> list[Finding]:
    grid, found = seen.grid, []
    strongest = max((area.energy for area in grid.areas), default=1.0)  # amplitudes
    for area in grid.areas:
        rms = grid.rms * area.energy / strongest
        if rms <= VISIBLE:
            continue
        jnd = rms / VISIBLE
        message = f"a grid of period {grid.period} px, {rms:.2f} L*, {jnd:.1f} times just visible"
        evidence: dict[str, JSON] = {
            "period": grid.period,
            "rms": round(rms, 4),
            "share_of_visible_variance": round(grid.share, 3),
            "share_of_flat_area": round(area.share, 4),
        }
        box = to_box(area.box, seen.noise.cell, seen.regions.shape)
        found.append(Finding("grid", box, jnd, "JND", severity(jnd), message, evidence, "background"))
    return found


def _bands(seen: Analysis) -> list[Finding]:
    found = []
    for band in seen.bands[:MOST_FINDINGS]:
        if band.jnd <= 1:
            continue
        message = f"bands: {band.levels:.0f} steps of {band.step:.2f} L*, {band.jnd:.1f} times just visible"
        evidence: dict[str, JSON] = {"step": round(band.step, 3), "levels": round(band.levels, 1)}
        box = to_box(band.area.box, 2, seen.regions.shape)
        found.append(Finding("banding", box, band.jnd, "JND", severity(band.jnd), message, evidence, "background"))
    return found


def _casts(seen: Analysis) -> list[Finding]:
    cast = seen.cast
    if cast is None:
        return []
    found = []
    for area in cast.areas:
        whose = "the declared colour" if cast.reference == "declared colour" else "the twin's colour"
        message = f"a cast: the ground is {area.energy:.1f} ΔE00 from {whose}, on {area.share:.0%} of the flat area"
        evidence: dict[str, JSON] = {
            "reference": cast.reference,
            "threshold": VISIBLE_CAST,
            "share_of_flat_area": round(area.share, 4),
        }
        box = to_box(area.box, cast.cell, seen.regions.shape)
        strength = severity(area.energy / VISIBLE_CAST)
        found.append(Finding("cast", box, area.energy, "ΔE00", strength, message, evidence, "background"))
    return found
