"""The edit judge: compares an edited picture with its source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from math import ceil
from pathlib import Path

import numpy as np

from evalkit.api.errors import JudgeError, PictureError
from evalkit.api.pictures import Picture, Pixels, decode, read_file
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Box, Case, Dimension, Finding, FindingKind, Grade, Score, Status, Task, Verdict
from evalkit.api.settings import Settings as BaseSettings
from evalkit.formats.keys import digest
from evalkit.judges.edit.controls import controls
from evalkit.judges.edit.declared import EXTRA, EditDeclaration, RegionMasks, declared, regions
from evalkit.judges.edit.differ import EDGE, LEAST_SIDE, REACH, TOLERANCE, Change, Plane, changes, difference

PRESERVED, CHANGED = "edit.preserved", "edit.changed"
_DIMENSIONS = (
    Dimension(PRESERVED, f"share of the pixels that must stay that are as in the source (ΔE*ab up to {TOLERANCE:.0f})"),
    Dimension(CHANGED, "share of the regions that must change in which something changed"),
)
KINDS = (
    FindingKind(
        "no-change",
        description="nothing changed in a region that the edit must change",
        grade=Grade.FAILURE,
        reason="the edit that was asked for did not happen",
        dimensions=(CHANGED,),
    ),
    FindingKind(
        "unwanted-change",
        description="something changed that must stay as it was",
        reason="how bad it is depends on how much of the picture it changes, and how strongly: see `severity`",
        dimensions=(PRESERVED,),
    ),
)
LEAST_CHANGED = 0.05
"""Share of a region that must differ for it to count as changed. On tiles after the codec of the mini models, at most
2.2 % differ if nothing was done, at least 9 % if another word was written, and 16 % for all other edits."""
MOST_FINDINGS = 8
SAME_SHAPE = 0.02
"""Largest relative difference of the aspect ratios of source and picture."""


class EditJudge:
    """Compares an edited picture with its source: did something change where it should, and is the rest as it was?"""

    class Settings(BaseSettings):
        """The edit judge has no settings: what it reports must mean the same in every run."""

    name = "edit"
    version = "2"
    dimensions = _DIMENSIONS
    kinds = KINDS
    concurrency = 4

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or self.Settings()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, TOLERANCE, EDGE, REACH, LEAST_SIDE, LEAST_CHANGED, MOST_FINDINGS)

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        """Only edits that declare what may change; `edit.preserved` only where something must stay."""
        reason = _not_declared(case)
        if reason:
            return {dimension.name: reason for dimension in self.dimensions}
        try:
            said = declared(case)
        except JudgeError:  # then every picture of the case says so
            return {}
        if said is None or regions(said, case, case.height, case.width).kept.any():
            return {}
        return {PRESERVED: "no pixel is declared to stay"}

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        reason = _not_declared(case)
        said = None if reason else declared(case)
        if said is None:
            return self._unscored(reason)
        pixels, source = picture.pixels, source_pixels(case)
        height, width = pixels.shape[:2]
        if abs(width * source.shape[0] / (height * source.shape[1]) - 1) > SAME_SHAPE:
            sizes = f"{width}x{height} px and its source {source.shape[1]}x{source.shape[0]} px"
            return self._unscored(f"the picture is {sizes}: not of the same shape")
        grown = _grown(source, pixels)
        delta = difference(pixels, resized(source, width, height), max(EDGE, grown))
        return self._verdict(delta, regions(said, case, height, width, grown), said, grown)

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        return None

    def _verdict(self, delta: Plane, where: RegionMasks, said: EditDeclaration, grown: int) -> Verdict:
        differs = delta > TOLERANCE
        shares = [float(differs[mask].mean()) if mask.any() else 0.0 for _, mask in where.changed]
        happened = [share >= LEAST_CHANGED for share in shares]
        unwanted = changes(delta, where.kept)
        found = [_unwanted(change, delta.shape) for change in unwanted[:MOST_FINDINGS]]
        found += [_unchanged(box, said) for (box, _), done in zip(where.changed, happened, strict=True) if not done]
        evidence: dict[str, JSON] = {
            "tolerance": TOLERANCE,
            "edit": said.kind,
            "kept_share": round(float(where.kept.mean()), 4),
            "changed_shares": [round(share, 4) for share in shares],
            "unwanted_changes": len(unwanted),
            "slack_px": max(EDGE, grown),
        }
        if where.kept.any():
            preserved = Score(PRESERVED, Status.SCORED, 1 - float(differs[where.kept].mean()))
        else:
            preserved = Score(PRESERVED, Status.UNSCORED, reason="no pixel is declared to stay")
        changed = Score(CHANGED, Status.SCORED, float(np.mean(happened)))
        return Verdict(self.name, (preserved, changed), tuple(found), evidence)

    def _unscored(self, reason: str) -> Verdict:
        return Verdict(self.name, tuple(Score(d.name, Status.UNSCORED, reason=reason) for d in self.dimensions))


def _not_declared(case: Case) -> str:
    """Why the case is none for this judge; empty if it declares an edit."""
    if case.task is not Task.EDIT or case.source is None:
        return "the case asks for no edit"
    return "" if EXTRA in case.extra else "the case does not declare what may change"


def source_pixels(case: Case) -> Pixels:
    """The source picture of an edit case, (H, W, 3). Raises `JudgeError` if it is missing, broken or another one."""
    assert case.source is not None
    try:
        data = read_file(Path(case.source.path))
        if case.source.sha256 and hashlib.sha256(data).hexdigest() != case.source.sha256:
            raise JudgeError("the source picture is not the one the case was written for", where=case.source.path)
        return decode(data, where=case.source.path).pixels
    except PictureError as error:
        raise JudgeError(f"source picture: {error.what}", where=case.source.path) from error


def resized(source: Pixels, width: int, height: int) -> Pixels:
    """`source` at another size (Lanczos)."""
    from PIL import Image

    if source.shape[:2] == (height, width):
        return source
    return np.asarray(Image.fromarray(source).resize((width, height), Image.Resampling.LANCZOS))


def _grown(source: Pixels, pixels: Pixels) -> int:
    """Size of a source pixel in pixels of a picture of another size; 0 if the sizes are equal."""
    return 0 if source.shape == pixels.shape else ceil(max(1.0, pixels.shape[0] / source.shape[0]))


def severity(delta: float, share: float) -> float:
    """The rule for the grade of an unwanted change: a sixtieth of its mean ΔE, plus `share` up to 0.2.

    A failure (from 0.5 on) is another colour, ΔE 20, on a large part of the picture, or ΔE 30 anywhere, such as a lost
    letter. A blemish (below 0.2) is a change of up to about ΔE 10 in a small place.

    Args:
        delta: mean ΔE*ab (CIE 1976) of the px that differ.
        share: side of a square of their area, over the shorter side of the picture.
    """
    return min(1.0, delta / 60 + min(0.2, share))


def _unwanted(change: Change, shape: tuple[int, ...]) -> Finding:
    side = change.area**0.5
    message = f"{change.area} px changed that should have stayed (ΔE {change.delta:.0f} on average)"
    evidence: dict[str, JSON] = {"area": change.area, "mean_delta_e": round(change.delta, 2)}
    # the size knows the strength too: faint noise in the teacher's picture must not excuse a lost letter
    size, weight = round(change.delta * side, 1), severity(change.delta, side / min(shape))
    return Finding("unwanted-change", change.box, size, "ΔE·px", weight, message, evidence, "source")


def _unchanged(box: Box, said: EditDeclaration) -> Finding:
    what = f" ({said.kind})" if said.kind else ""
    size = max(box.width, box.height)
    return Finding("no-change", box, size, "px", 0.8, f"nothing changed where the edit{what} should show", {}, "edit")
