"""The grain judge."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.keys import digest
from evalkit.pictures import Picture
from evalkit.protocols import Control
from evalkit.records import Box, Case, Dimension, Score, Status, Verdict
from evalkit.settings import Settings as BaseSettings
from judges.grain import measure
from judges.grain.colour import Lab, to_lab
from judges.grain.controls import controls
from judges.grain.findings import VISIBLE, coarse_map, figures, findings, log_ratio
from judges.grain.mask import FlatArea, flat_area, too_small

NOISE, AREA, RATIO = "grain.visible_noise", "grain.area", "grain.ratio"
_DIMENSIONS = (
    Dimension(NOISE, "visible noise of the flat ground, 95th percentile", higher_is_better=False, unit="L*", high=None),
    Dimension(AREA, f"share of the flat ground with visible noise above {VISIBLE} L*", higher_is_better=False),
    Dimension(
        RATIO,
        "ln(visible noise / that of the teacher's twin) on the same ground",
        higher_is_better=False,
        unit="ln",
        low=None,
        high=None,
    ),
)
_LEAST_SIDE = 32
"""Below this a picture is hardly larger than the windows of the measurement, px."""


class GrainJudge:
    """Measures the noise that can be seen where the picture should be flat (CSF-weighted CIELAB, as ISO 15739)."""

    class Settings(BaseSettings):
        """The grain judge has no settings: what it reports must mean the same in every run."""

    name = "grain"
    version = "1"
    dimensions = _DIMENSIONS
    concurrency = 4

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or self.Settings()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, measure.PIXELS_PER_DEGREE, VISIBLE)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        reason = unfit(picture, case)
        if reason:
            return self._unscored(reason)
        lab = to_lab(picture.pixels)
        compared, no_ratio = _comparable(lab, twin)
        declared = case.background.kind != "other" or bool(case.background.flat_regions or case.background.colors)
        if not declared and compared is None:
            return self._unscored(f"the case declares no flat ground, and {no_ratio}")
        area = _flat_area(lab, case, compared)
        reason = too_small(area)
        if reason:
            return self._unscored(reason)
        grains = measure.visible_noise([lab] if compared is None else [lab, compared], area.regions)
        grain, own = grains[0], figures(grains[0].local)
        pattern = measure.grid(grain.weighted, area.mask)
        absolute = (
            "" if declared else "the case declares no flat ground: only the comparison with the twin means something"
        )
        scores = (
            _score(NOISE, own.visible_noise, absolute),
            _score(AREA, own.area, absolute),
            _score(RATIO, None if no_ratio else log_ratio(own, figures(grains[1].local)), no_ratio),
        )
        evidence = {
            "mask": area.source,
            "coverage": round(area.coverage, 4),
            "threshold": VISIBLE,
            "median": round(own.median, 4),
            "grid": {"period": pattern.period, "rms": round(pattern.rms, 4), "share": round(pattern.share, 4)},
            "map": coarse_map(grain.local),
        }
        found = findings(grain, pattern, None if declared else grains[1].local)
        return Verdict(self.name, scores, tuple(found), evidence)

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        return None

    def _unscored(self, reason: str) -> Verdict:
        return Verdict(self.name, tuple(Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions))


def _score(dimension: str, value: float | None, reason: str) -> Score:
    if reason:
        return Score(dimension, Status.UNSCORED, reason=reason)
    return Score(dimension, Status.SCORED, value)


def unfit(picture: Picture, case: Case) -> str:
    """Why grain can't be judged here at all; empty where it can. Raises `PictureError` if the file is broken."""
    if case.background.texture_wanted:
        return "the prompt asks for texture"
    height, width = picture.pixels.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        return f"a picture of {width}x{height} px is too small"
    if _lossy(picture):
        return f"{picture.format} compression leaves block noise of its own: generate PNG"
    return ""


def _lossy(picture: Picture) -> bool:
    if picture.format == "JPEG":
        return True
    return picture.format == "WEBP" and b"VP8L" not in picture.data[:256]  # VP8L: the lossless bit stream


def _comparable(lab: Lab, twin: Picture | None) -> tuple[Lab | None, str]:
    """The twin's planes, or why there is no ratio."""
    if twin is None:
        return None, "there is no twin to compare with"
    if twin.pixels.shape[:2] != lab.lightness.shape:
        return None, "the twin has another size"
    if _lossy(twin):
        return None, f"the twin is {twin.format}: its block noise is no measure"
    return to_lab(twin.pixels), ""


def _flat_area(lab: Lab, case: Case, twin: Lab | None) -> FlatArea:
    height, width = lab.lightness.shape
    fx, fy = width / case.width, height / case.height
    regions = [Box(b.x0 * fx, b.y0 * fy, b.x1 * fx, b.y1 * fy) for b in case.background.flat_regions]
    return flat_area(lab, regions=regions, twin=twin, colours=case.background.colors)
