"""Controls of the VLM judge: pictures whose right verdict is known, relative to that of a clean picture.

Models score a clean picture differently; a broken one must score lower by a given number of levels.
The pictures are tiles of 128 px, which judge-mini was made for; `benchmarks.tiles.write_controls` wrote them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control, Judge
from evalkit.api.records import Box, Case, SourceImage, Verdict
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
WINS = "the right picture is preferred in both orders"
ASKED_OF_POSTER = frozenset(("compliance", "text", "layout", "background", "quality", "checklist"))
"""Rubrics that apply to the poster; without one of them two files of it can't be compared."""
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
    blank, other = Picture.from_pixels(blank_pixels(clean.pixels)), picture("portrait")
    if "compliance" in rubrics:
        rule = "compliance at least two levels below that of the right picture"
        passes, of = lower("compliance", 2 * LEVEL), ("vlm.compliance",)
        made.append(Control("blank picture", rule, poster, blank, passes, dimensions=of))
        made.append(Control("picture of another case", rule, poster, other, passes, dimensions=of))
    if "text" in rubrics:
        rule = "text at least one level below that of the right spelling"
        wrong, of = picture("misspelled"), ("vlm.text",)
        made.append(Control("misspelling", rule, poster, wrong, lower("text", LEVEL), dimensions=of))
    for rubric in [name for name in ("background", "quality") if name in rubrics][:1]:
        rule = f"{rubric} at least one level below that of the clean picture"
        grainy, of = Picture.from_pixels(grainy_pixels(clean.pixels)), (f"vlm.{rubric}",)
        made.append(Control("patch of grain", rule, poster, grainy, lower(rubric, LEVEL), dimensions=of))
    if "edit" in rubrics:
        rule = "edit at least two levels below that of the edit done"
        passes, of = lower("edit", 2 * LEVEL, done), ("vlm.edit",)
        made.append(Control("edit not done", rule, edit, clean, passes, dimensions=of))
    if any(rubric in ASKED_OF_POSTER for rubric in rubrics):
        rule = f"every score within {SAME} of that of the same pixels in another file"
        made.append(Control("same pixels, other file", rule, poster, recoded(clean), lambda v: _same(v, reference())))
    if "preference" in rubrics:
        of = ("vlm.preference",)
        made.append(Control("teacher against itself", TIE, poster, clean, _tie, twin=clean, dimensions=of))
        made.append(Control("teacher against a blank picture", WINS, poster, blank, _loses, twin=clean, dimensions=of))
    return made


@cache
def cases() -> tuple[Case, Case]:
    """The case of the poster, and that of its edit."""
    poster, edit, *_ = _cases()
    return poster, edit


@contextlib.contextmanager
def scenes(width: int, height: int, tint: tuple[int, int, int]) -> Iterator[list[tuple[Case, Picture]]]:
    """The shipped scenes drawn anew, each with its case; the source of the edit lasts as long as this does.

    A scene is enlarged to the shorter side; what is left of the longer one gets the colour of its ground. `tint` is
    added to all colours: the pixels are not those of the shipped files, even at their size.
    """

    def drawn(name: str) -> Picture:
        pixels = _enlarged(picture(name).pixels, width, height).astype(np.int16) + np.array(tint, np.int16)
        return Picture.from_pixels(np.clip(pixels, 0, 255).astype(np.uint8))

    poster, edit, *others = _cases()
    with tempfile.TemporaryDirectory(prefix="evalkit-scenes-") as folder:
        source = drawn("poster")
        path = Path(folder) / "source.png"
        path.write_bytes(source.data)
        told = dataclasses.replace(edit, source=SourceImage(str(path), source.sha256))
        named = [(poster, "poster"), (told, "edited"), *((case, case.id.removeprefix("control/")) for case in others)]
        yield [(_placed(case, width, height), drawn(name)) for case, name in named]


@cache
def _cases() -> tuple[Case, ...]:
    """The cases of the poster, of its edit, and of the other scenes, whose ids end in the names of their pictures."""
    read = [from_json(Case, one) for one in json.loads((FOLDER / "cases.json").read_text("utf-8"))]
    return tuple(
        dataclasses.replace(one, source=dataclasses.replace(one.source, path=str(FOLDER / one.source.path)))
        if one.source
        else one
        for one in read
    )


def is_shipped(case: Case) -> bool:
    """Whether the case is that of a shipped control."""
    return case in _cases()


def picture(name: str) -> Picture:
    """One of the shipped pictures."""
    data = (FOLDER / f"{name}.png").read_bytes()
    return Picture(hashlib.sha256(data).hexdigest(), data)


def _enlarged(pixels: Pixels, width: int, height: int) -> Pixels:
    from PIL import Image

    side = min(width, height)
    large = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS))
    canvas = np.broadcast_to(pixels[0, 0], (height, width, 3)).copy()
    x, y = (width - side) // 2, (height - side) // 2
    canvas[y : y + side, x : x + side] = large
    return canvas


def _placed(case: Case, width: int, height: int) -> Case:
    """The case of a scene that is drawn at another size."""
    side = min(width, height)
    scale, x, y = side / case.width, (width - side) // 2, (height - side) // 2

    def moved(box: Box) -> Box:
        return Box(x + box.x0 * scale, y + box.y0 * scale, x + box.x1 * scale, y + box.y1 * scale)

    ground = dataclasses.replace(case.background, flat_regions=tuple(map(moved, case.background.flat_regions)))
    return dataclasses.replace(
        case,
        width=width,
        height=height,
        texts=tuple(dataclasses.replace(text, box=text.box and moved(text.box)) for text in case.texts),
        elements=tuple(dataclasses.replace(element, box=moved(element.box)) for element in case.elements),
        background=ground,
    )


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


def _loses(verdict: Verdict) -> bool:
    return (_value(verdict, "preference"), _value(verdict, "order")) == (0.0, 1.0)


def _tie(verdict: Verdict) -> bool:
    return (_value(verdict, "preference"), _value(verdict, "order")) == (0.5, 1.0)
