"""The layout judge: looks for every declared element and reports what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Case, Dimension, Score, Status, Verdict
from evalkit.api.settings import Settings as BaseSettings
from evalkit.formats.keys import digest
from evalkit.judges.layout.check import Inspection, look
from evalkit.judges.layout.controls import controls
from evalkit.judges.layout.drift import Drift, declared_drift, free_drift
from evalkit.judges.layout.kinds import KINDS
from evalkit.judges.layout.locate import Detection, locate
from evalkit.judges.layout.overlap import apart
from evalkit.judges.layout.place import box_json, text_contrast
from evalkit.judges.layout.scale import LARGEST, reduced, restored, times
from evalkit.judges.layout.spec import REGION, Spec, spec_of
from evalkit.judges.layout.view import View

VIOLATIONS, PLACEMENT, OVERLAP = "layout.violations", "layout.placement", "layout.overlap_px"
CONTRAST, DRIFT = "layout.contrast_min", "layout.drift"
_WORST_VIOLATIONS = 20.0
"""What a missing picture counts for: a scene of the built-in suite declares up to 13 things, each of which can be
wrong, and relations between them. There is no upper bound."""
_WORST_OVERLAP = 256.0
"""A headline of a quarter of the default canvas (1024 px) that is wholly covered."""
_WORST_DRIFT = 534.0
"""Mean distance of two points drawn by chance on the default canvas: 0.52 times its side."""
_DIMENSIONS = (
    Dimension(
        VIOLATIONS,
        "defects of layout",
        higher_is_better=False,
        unit="findings",
        high=None,
        worst=_WORST_VIOLATIONS,
    ),
    Dimension(PLACEMENT, "share of the declared elements that are there, in place, in their colour and shape"),
    Dimension(
        OVERLAP,
        "deepest overlap of two things that are declared apart",
        higher_is_better=False,
        unit="px",
        high=None,
        worst=_WORST_OVERLAP,
    ),
    Dimension(CONTRAST, "least contrast of a text with its ground (WCAG 2.2)", unit=":1", low=1.0, high=21.0),
    Dimension(
        DRIFT,
        "mean distance between an element and the same one in the teacher's twin",
        higher_is_better=False,
        unit="px",
        high=None,
        worst=_WORST_DRIFT,
    ),
)
_BY_NAME = {dimension.name: dimension for dimension in _DIMENSIONS}
_NO_TWIN = "there is no twin to compare with"
_NO_ITEMS = "the case declares no place of any text or element"
_NO_PAIR = "the case declares no two things apart from each other"
_NO_TEXT = "the case declares no place of a text"
_ONLY_REGIONS = "the case declares only parts of larger things"
_LEAST_SIDE = 32
"""Least side of a picture that can be judged, px."""


class LayoutJudge:
    """Looks for every declared element: place, overlap, cut, alignment, spacing, order, colour and contrast."""

    class Settings(BaseSettings):
        """The layout judge has no settings: what it reports must mean the same in every run."""

    name = "layout"
    version = "3"
    dimensions = _DIMENSIONS
    kinds = KINDS
    concurrency = 4

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or self.Settings()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, LARGEST)

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """Only what the case declares is checked; without declared places, the drift from the twin alone."""
        items = spec_of(case, case.width, case.height).items
        outside: dict[str, str] = {}
        if not items:
            outside = {dimension.name: _NO_ITEMS for dimension in self.dimensions if dimension.name != DRIFT}
        else:
            if not apart(items):
                outside[OVERLAP] = _NO_PAIR
            if not any(item.is_text for item in items):
                outside[CONTRAST] = _NO_TEXT
            if all(item.kind == REGION for item in items):
                outside[DRIFT] = _ONLY_REGIONS
        return outside if has_twin else {**outside, DRIFT: _NO_TWIN}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        pixels, factor = reduced(picture.pixels)
        spec = spec_of(case, pixels.shape[1], pixels.shape[0])
        reason = unfit(spec, case)
        if reason:
            moved, no_drift = _free_drift(pixels, twin) if spec.side >= _LEAST_SIDE else (None, reason)
            return self._only_drift(reason, moved, no_drift, factor)
        looked = look(View(pixels, spec))
        moved, no_drift = _declared_drift(looked.found, case, (spec.width, spec.height), twin)
        scores = (
            _score(VIOLATIONS, float(len(looked.findings)), ""),
            Score(PLACEMENT, Status.SCORED, 1 - len(looked.misplaced) / len(spec.items)),
            _overlap(looked, factor),
            _contrast(looked),
            _score(DRIFT, None if moved is None else moved.mean * factor, no_drift),
        )
        evidence: dict[str, JSON] = {
            "elements": {id: _element(one, factor) for id, one in looked.found.items()},
            "unchecked": _unchecked(spec, looked.found),
            "without_place": sum(text.box is None for text in case.texts),
        }
        if moved is not None:
            evidence["drift"] = {id: round(distance * factor, 1) for id, distance in moved.each.items()}
        findings = tuple(restored(finding, factor) for finding in looked.findings)
        return Verdict(self.name, scores, findings, evidence)

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        return None

    def _only_drift(self, reason: str, moved: Drift | None, no_drift: str, factor: int) -> Verdict:
        scores = [Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions[:-1]]
        last = _score(DRIFT, None if moved is None else moved.mean * factor, no_drift)
        evidence: dict[str, JSON] = {} if moved is None else {"unmatched": moved.unmatched}
        return Verdict(self.name, (*scores, last), (), evidence)


def unfit(spec: Spec, case: Case) -> str:
    """The reason why the layout can't be judged at all; empty if it can."""
    if spec.side < _LEAST_SIDE:
        return f"a picture of {spec.width}x{spec.height} px is too small"
    if not spec.items:
        return _NO_ITEMS
    return ""


def _score(dimension: str, value: float | None, reason: str) -> Score:
    if value is None:
        return Score(dimension, Status.UNSCORED, reason=reason)
    return Score(dimension, Status.SCORED, _BY_NAME[dimension].limited(value))


def _overlap(looked: Inspection, factor: int) -> Score:
    if looked.overlaps is None:
        return _score(OVERLAP, None, _NO_PAIR)
    depth = max((f.size for f in looked.findings if f.kind == "overlap"), default=0.0)
    return _score(OVERLAP, depth * factor, "")


def _contrast(looked: Inspection) -> Score:
    ratios = [ratio for one in looked.found.values() if (ratio := text_contrast(one)) is not None]
    reason = "" if any(one.item.is_text for one in looked.found.values()) else _NO_TEXT
    return _score(CONTRAST, min(ratios, default=None), reason or "none of the declared texts was found")


def _declared_drift(
    found: Mapping[str, Detection], case: Case, size: tuple[int, int], twin: Picture | None
) -> tuple[Drift | None, str]:
    if twin is None:
        return None, _NO_TWIN
    pixels, _ = reduced(twin.pixels)
    spec = spec_of(case, pixels.shape[1], pixels.shape[0])
    if (spec.width, spec.height) != size:
        return None, "the twin has another size"
    return declared_drift(found, locate(View(pixels, spec))), "no element was found in both pictures"


def _free_drift(pixels: Pixels, twin: Picture | None) -> tuple[Drift | None, str]:
    if twin is None:
        return None, _NO_TWIN
    other, _ = reduced(twin.pixels)
    if other.shape != pixels.shape:
        return None, "the twin has another size"
    moved = free_drift(pixels, other)
    return (None, moved) if isinstance(moved, str) else (moved, "")


def _element(one: Detection, factor: int) -> JSON:
    return {
        "found": None if one.box is None else times(box_json(one.box), factor),
        "declared": times(box_json(one.item.box), factor),
        "exact": one.sure,
        "color": None if one.colour is None else list(one.colour),
    }


def _unchecked(spec: Spec, found: Mapping[str, Detection]) -> JSON:
    """Relations that can't be checked, because not all edges of one of their elements were seen."""
    return [
        {"kind": relation.kind, "elements": list(relation.elements)}
        for relation in spec.relations
        if not all(id in found and found[id].sure for id in relation.elements)
    ]
