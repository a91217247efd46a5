"""The grain judge: finds noise and unevenness where the picture should be flat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from evalkit.api.pictures import Picture
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Box, Case, Dimension, Score, Status, Verdict
from evalkit.api.settings import Settings as BaseSettings
from evalkit.formats.keys import digest
from evalkit.judges.grain.analysis import Analysis, analyse
from evalkit.judges.grain.cast import VISIBLE_CAST
from evalkit.judges.grain.colour import Planes, view
from evalkit.judges.grain.controls import controls
from evalkit.judges.grain.findings import coarse_map, figures, findings, sizes
from evalkit.judges.grain.kinds import KINDS
from evalkit.judges.grain.mask import FlatArea, flat_area, too_small
from evalkit.judges.grain.measure import LEAST_SIDE, PIXELS_PER_DEGREE, VISIBLE
from evalkit.judges.grain.ratio import log_ratio

NOISE, AREA, RATIO = "grain.visible_noise", "grain.area", "grain.ratio"
GRID, BANDING, MOTTLE, CAST = "grain.grid", "grain.banding", "grain.mottle", "grain.cast"
_TIMES = f"in multiples of the just visible ({VISIBLE} L* at {PIXELS_PER_DEGREE:.0f} pixels per degree)"


_PURE_NOISE = 10.0
"""Visible noise of a picture of nothing but noise, every code value as frequent as any other: 9.9 L*, measured at
512 px. A missing picture counts as much. It is 80 times just visible."""
_PURE_NOISE_JND = 80.0
_RATIO_OF_PURE_NOISE = 6.0
"""ln of `_PURE_NOISE` over the least noise of a twin that counts (`ratio.LEAST`)."""
_OPPOSITE = 100.0
"""CIEDE2000 of black and white."""


def _worse_higher(name: str, description: str, unit: str, worst: float, low: float | None = 0.0) -> Dimension:
    return Dimension(name, description, higher_is_better=False, unit=unit, low=low, high=None, worst=worst)


_DIMENSIONS = (
    _worse_higher(NOISE, "visible noise of the flat ground, 95th percentile", "L*", _PURE_NOISE),
    Dimension(AREA, f"share of the flat ground with visible noise above {VISIBLE} L*", higher_is_better=False),
    _worse_higher(
        RATIO, "ln(visible noise / that of the teacher's twin) on the same ground", "ln", _RATIO_OF_PURE_NOISE, None
    ),
    _worse_higher(GRID, f"pattern of period 8, 16 or 32 px on the flat ground, {_TIMES}", "JND", _PURE_NOISE_JND),
    _worse_higher(
        BANDING,
        "steps between plateaus on the flat ground, in just visible steps (1.9 % luminance)",
        "JND",
        _PURE_NOISE_JND,
    ),
    _worse_higher(MOTTLE, f"blotches on the flat ground, 95th percentile, {_TIMES}", "JND", _PURE_NOISE_JND),
    _worse_higher(CAST, "distance of the flat ground from its right colour, 95th percentile", "ΔE00", _OPPOSITE),
)
_BY_NAME = {dimension.name: dimension for dimension in _DIMENSIONS}
_UNDECLARED = "the case declares no flat ground: only the comparison with the twin means something"
_NO_TWIN = "there is no twin to compare with"
_NO_COLOUR = "nothing says which colour is right"
_TEXTURE = "the prompt asks for texture"
_WHOLE = 0.9
"""Share of the canvas above which an element counts as the ground itself."""


class GrainJudge:
    """Finds grain, grids, bands, mottle and casts where the picture should be flat (CSF-weighted CIELAB)."""

    class Settings(BaseSettings):
        """Settings. `codec_floor`: visible noise (L*) that the pipeline's codec alone leaves on a constant colour, or
        `twin` for the noise of the teacher's picture, which went through the same codec. It is subtracted from the
        student's.
        """

        codec_floor: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | Literal["twin"] = 0.0

    name = "grain"
    version = "3"
    dimensions = _DIMENSIONS
    kinds = KINDS
    concurrency = 4

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or self.Settings()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, PIXELS_PER_DEGREE, VISIBLE, VISIBLE_CAST, self.settings.codec_floor)

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """What the case declares, or the twin shows, must say where the ground is flat."""
        ground = case.background
        if ground.texture_wanted:
            return {dimension.name: _TEXTURE for dimension in self.dimensions}
        if not has_twin:
            if not _says_where(case):
                return {dimension.name: _nowhere(case, _NO_TWIN) for dimension in self.dimensions}
            return {RATIO: _NO_TWIN} if ground.colors else {RATIO: _NO_TWIN, CAST: _NO_COLOUR}
        return {} if _declares(case) else dict.fromkeys((NOISE, AREA, GRID, BANDING, MOTTLE), _UNDECLARED)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        reason = unfit(picture, case)
        if reason:
            return self._unscored(reason)
        shown = view(picture.pixels)
        compared, no_twin = _comparable(shown, twin)
        ground, declared = case.background, _declares(case)
        if compared is None and not _says_where(case):
            return self._unscored(_nowhere(case, no_twin))
        area = _flat_area(shown, case, compared)
        reason = too_small(area)
        if reason:
            return self._unscored(reason)
        floor = self.settings.codec_floor
        level = None if floor == "twin" else float(floor)
        seen = analyse(shown, area.regions, ground.colors, compared, level)
        if too_small(FlatArea(seen.regions, area.source)):
            return self._unscored("the ground is of so many colours that no flat region is left")
        inherited = None if declared or compared is None else analyse(compared, seen.regions)
        scores, paired = _scores(seen, "" if declared else _UNDECLARED, no_twin)
        evidence = {"mask": area.source, "coverage": round(area.coverage, 4), "codec_floor": floor}
        evidence |= {**_evidence(seen), **paired}
        return Verdict(self.name, scores, tuple(findings(seen, inherited)), evidence)

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        return None

    def _unscored(self, reason: str) -> Verdict:
        return Verdict(self.name, tuple(Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions))


def _declares(case: Case) -> bool:
    """Whether the case says that its ground is flat."""
    return case.background.kind != "other" or _says_where(case)


def _says_where(case: Case) -> bool:
    """Whether the flat ground can be found without the twin."""
    return bool(case.background.flat_regions or case.background.colors)


def _nowhere(case: Case, no_twin: str) -> str:
    declared = _declares(case)
    what = "says not where or in which colours its ground is flat" if declared else "declares no flat ground"
    return f"the case {what}, and {no_twin}"


def _score(dimension: str, value: float | None, reason: str) -> Score:
    if reason or value is None:
        return Score(dimension, Status.UNSCORED, reason=reason or _NO_COLOUR)
    return Score(dimension, Status.SCORED, _BY_NAME[dimension].limited(value))


def _scores(seen: Analysis, absolute: str, no_twin: str) -> tuple[tuple[Score, ...], dict[str, JSON]]:
    """A score per dimension, and the evidence for the ratio. `absolute`: why absolute figures are meaningless here."""
    own, strengths = figures(seen.noise.local), sizes(seen)
    ratio = None if seen.paired is None else log_ratio(*seen.paired)
    paired = {} if ratio is None else {"ratio_interval": [round(ratio.low, 4), round(ratio.high, 4)]}
    return (
        _score(NOISE, own.visible_noise, absolute),
        _score(AREA, own.area, absolute),
        _score(RATIO, None if ratio is None else ratio.value, no_twin),
        _score(GRID, strengths.grid, absolute),
        _score(BANDING, strengths.banding, absolute),
        _score(MOTTLE, strengths.mottle, absolute),
        _score(CAST, strengths.cast, ""),
    ), paired


def _evidence(seen: Analysis) -> dict[str, JSON]:
    grid = seen.grid
    return {
        "threshold": VISIBLE,
        "pixels_per_degree": PIXELS_PER_DEGREE,
        "median": round(figures(seen.noise.local).median, 4),
        "grid": {"period": grid.period, "rms": round(grid.rms, 4), "share": round(grid.share, 4)},
        "map": coarse_map(seen.noise),
    }


def unfit(picture: Picture, case: Case) -> str:
    """The reason why grain can't be judged at all; empty if it can. Raises `PictureError` if the file is broken."""
    if case.background.texture_wanted:
        return _TEXTURE
    height, width = picture.pixels.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return f"a picture of {width}x{height} px is too small"
    if _lossy(picture):
        return f"{picture.format} compression leaves block noise of its own: generate PNG"
    return ""


def _lossy(picture: Picture) -> bool:
    if picture.format == "JPEG":
        return True
    return picture.format == "WEBP" and b"VP8L" not in picture.data[:256]  # VP8L marks the lossless bit stream


def _comparable(shown: Planes, twin: Picture | None) -> tuple[Planes | None, str]:
    """The twin's planes, or the reason why there is no ratio."""
    if twin is None:
        return None, _NO_TWIN
    if twin.pixels.shape[:2] != shown.shape:
        return None, "the twin has another size"
    if _lossy(twin):
        return None, f"the twin is {twin.format}: its block noise is no measure"
    return view(twin.pixels), ""


def _flat_area(shown: Planes, case: Case, twin: Planes | None) -> FlatArea:
    height, width = shown.shape
    fx, fy = width / case.width, height / case.height

    def scaled(boxes: Iterable[Box]) -> list[Box]:
        return [Box(b.x0 * fx, b.y0 * fy, b.x1 * fx, b.y1 * fy) for b in boxes]

    ground = case.background
    drawn = [*(element.box for element in case.elements), *(text.box for text in case.texts if text.box is not None)]
    drawn = [box for box in drawn if box.area < _WHOLE * case.width * case.height]
    return flat_area(
        shown, regions=scaled(ground.flat_regions), twin=twin, colours=ground.colors, elements=scaled(drawn)
    )
