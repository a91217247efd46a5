"""Controls of the VLM judge: pictures whose right verdict is known, relative to that of a clean picture.

Models score a clean picture differently; a broken one must score lower by a given number of levels.
The pictures are tiles of 128 px, which judge-mini was made for; `benchmarks.tiles.write_controls` wrote them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import Box, Case, Verdict
from evalkit.formats.keys import from_json
from evalkit.judges.vlm.rubric import CONSISTENCY, ORDER

FOLDER = Path(__file__).parent / "control_pictures"
LEVEL = 0.25
"""One level of five, as a value in [0, 1]."""
SAME = 0.05
"""Largest difference between two looks at the same pixels: servers are not bit-exact between batches."""
TIE = "the model itself says that it is a tie"
"""A pair whose answer changes with the order counts as a tie, too. Here both orders are the same question, so without
this rule a model that always answers A would pass."""
GRAIN_RMS = 12.0
"""Noise of the patch, code values: clearly visible even after a model has enlarged 128 px."""
GRAIN_PATCH = Box(4, 48, 76, 124)


def controls(judge: Judge, rubrics: Collection[str]) -> list[Control]:
    """The controls of the selected rubrics. `judge` judges the clean pictures when the first rule needs them."""
    poster, edit = cases()
    clean, edited = picture("poster"), picture("edited")

    @cache
    def reference() -> Verdict:
        return judge.judge(clean, poster, None)

    @cache
    def done() -> Verdict:
        return judge.judge(edited, edit, None)

    def lower(rubric: str, by: float, than: Callable[[], Verdict] = reference) -> Callable[[Verdict], bool]:
        def passes(verdict: Verdict) -> bool:
            broken, right = _value(verdict, rubric), _value(than(), rubric)
            return broken is not None and right is not None and broken <= right - by

        return passes

    made: list[Control] = []
    if "compliance" in rubrics:
        rule = "compliance at least two levels below that of the right picture"
        blank, other = Picture.from_pixels(blank_pixels(clean.pixels)), picture("portrait")
        made.append(Control("blank picture", rule, poster, blank, lower("compliance", 2 * LEVEL)))
        made.append(Control("picture of another case", rule, poster, other, lower("compliance", 2 * LEVEL)))
    if "text" in rubrics:
        rule = "text at least one level below that of the right spelling"
        made.append(Control("misspelling", rule, poster, picture("misspelled"), lower("text", LEVEL)))
    for rubric in [name for name in ("background", "quality") if name in rubrics][:1]:
        rule = f"{rubric} at least one level below that of the clean picture"
        grainy = Picture.from_pixels(grainy_pixels(clean.pixels))
        made.append(Control("patch of grain", rule, poster, grainy, lower(rubric, LEVEL)))
    if "edit" in rubrics:
        rule = "edit at least two levels below that of the edit done"
        made.append(Control("edit not done", rule, edit, clean, lower("edit", 2 * LEVEL, done)))
    rule = f"every score within {SAME} of that of the same pixels in another file"
    made.append(Control("same pixels, other file", rule, poster, recoded(clean), lambda v: _same(v, reference())))
    if "preference" in rubrics:
        made.append(Control("teacher against itself", TIE, poster, clean, _tie, twin=clean))
    return made


@cache
def cases() -> tuple[Case, Case]:
    """The case of the poster, and that of its edit."""
    poster, edit = (from_json(Case, one) for one in json.loads((FOLDER / "cases.json").read_text("utf-8")))
    assert edit.source is not None
    return poster, dataclasses.replace(
        edit, source=dataclasses.replace(edit.source, path=str(FOLDER / edit.source.path))
    )


def picture(name: str) -> Picture:
    """One of the shipped pictures."""
    data = (FOLDER / f"{name}.png").read_bytes()
    return Picture(hashlib.sha256(data).hexdigest(), data)


def blank_pixels(like: Pixels) -> Pixels:
    """A picture of one colour, that of the upper left pixel."""
    return np.broadcast_to(like[0, 0], like.shape).astype(np.uint8)


def grainy_pixels(clean: Pixels) -> Pixels:
    """The picture with Gaussian noise in `GRAIN_PATCH`: a new value for each pixel, the same in all channels."""
    height, width = int(GRAIN_PATCH.height), int(GRAIN_PATCH.width)
    noise = np.random.default_rng(0).normal(0, GRAIN_RMS, (height, width, 1))
    pixels = clean.astype(np.float32)
    pixels[int(GRAIN_PATCH.y0) : int(GRAIN_PATCH.y1), int(GRAIN_PATCH.x0) : int(GRAIN_PATCH.x1)] += noise
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def recoded(same: Picture) -> Picture:
    """The same pixels in another file: an uncompressed PNG with an alpha channel and a comment."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    comment = PngInfo()
    comment.add_text("comment", "score 1")
    buffer = io.BytesIO()
    Image.fromarray(same.pixels).convert("RGBA").save(buffer, "PNG", compress_level=0, pnginfo=comment)
    return Picture(hashlib.sha256(buffer.getvalue()).hexdigest(), buffer.getvalue())


def _value(verdict: Verdict, rubric: str) -> float | None:
    score = verdict.score(f"vlm.{rubric}")
    return None if score is None else score.value


def _same(one: Verdict, other: Verdict) -> bool:
    """Whether both verdicts score the same dimensions, and alike. The dimensions of the asking itself don't count."""
    ours, theirs = (
        {
            s.dimension: s.value
            for s in verdict.scores
            if s.value is not None and s.dimension not in (CONSISTENCY, ORDER)
        }
        for verdict in (one, other)
    )
    return bool(ours) and set(ours) == set(theirs) and all(abs(ours[d] - theirs[d]) <= SAME for d in ours)


def _tie(verdict: Verdict) -> bool:
    return (_value(verdict, "preference"), _value(verdict, "order")) == (0.5, 1.0)
