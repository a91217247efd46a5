"""Tile scenes and edits of them, sound or with defects, as training data for a judge."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from evalkit.api import settings as base
from evalkit.api.pictures import Pixels
from evalkit.api.records import Background, Case, Question, SourceImage, Task, TextTarget
from evalkit.api.training import Judged
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.defects.astray import astray
from evalkit.benchmarks.tiles.defects.crowd import Crowd, changed, crowd, picture_of
from evalkit.benchmarks.tiles.defects.differ import PLACE_UNIT, differences
from evalkit.benchmarks.tiles.defects.faults import FAULTS
from evalkit.benchmarks.tiles.defects.findings import findings
from evalkit.benchmarks.tiles.defects.lesson import SIZES, lesson
from evalkit.benchmarks.tiles.defects.overlays import manner
from evalkit.benchmarks.tiles.defects.read import read_shown
from evalkit.benchmarks.tiles.defects.shown import Shown, draw
from evalkit.benchmarks.tiles.defects.spans import wrong_spans
from evalkit.benchmarks.tiles.defects.truth import answers, total, worse, worse_edit
from evalkit.benchmarks.tiles.defects.vary import varied
from evalkit.benchmarks.tiles.edit import Edit, sample_edit
from evalkit.benchmarks.tiles.prompt import prompt_of
from evalkit.benchmarks.tiles.sample import WordSource, sample_scene
from evalkit.benchmarks.tiles.scene import CATEGORIES, COLORS, SIDE, TILE, Category, TileScene
from evalkit.benchmarks.tiles.truth import placed
from evalkit.benchmarks.tiles.words import held_out_word, training_word

SOUND, TWO, OTHER = 0.3, 0.1, 0.08
"""Shares of pictures without a defect, with two, and of another case (edits not done or done otherwise: twice that)."""
EDITS, TWINS, STRANGE = 0.58, 0.9, 0.35
"""Shares of edits, of pictures with a twin, and of questions that belong to another scene."""
ALIKE, CLEAN = 0.2, 0.35
"""Shares of twins that show the same, made anew, and of those without a defect."""
MANNERED = 0.7
LARGEST = 5.0
ON_GRID = 0.2
"""Share of shifts by a whole tile, which look like no shift."""
WEIGHTS = {"text": 5, "shapes": 4, "portrait": 2, "landscape": 2}
EDIT_WEIGHTS = {"text": 3, "background": 2, "recolor": 1, "move": 1, "add": 1, "remove": 1}
"""Of kinds of edits: evenly drawn, those of texts and grounds were too few to learn from and to measure."""
OF_WORDS = ("letters", "drop-letter", "double-letter", "swap-letters", "other-word", "no-word", "garbled", "restyled")
LATE = ("tint",) * 3
"""What is learnt last comes more often."""
GRADED = {
    "letters": "text",
    "garbled": "text",
    "tint": "compliance",
    "shifted": "layout",
    "grain": "background",
    "uneven": "background",
    "noisy": "quality",
    "blurred": "quality",
}
_ONLY: dict[str, tuple[str, ...]] = {
    "extra-word": ("shapes",),
    "other-shape": ("shapes",),
    "other-place": ("text", "shapes", "landscape"),
    "extra-shape": ("text", "shapes", "landscape"),
    "two-heads": ("portrait",),
}
"""Categories that have room for a fault."""
OTHER_PICTURE, BLANK, NOT_DONE, DONE_OTHERWISE = "other-picture", "blank", "not-done", "done-otherwise"
CROWD = "crowd"
AGAINST = 2
"""Other cases that a picture is held against; of an edit, other instructions for the same source."""
UNREAD = (
    "quality",
    "background",
    "edit.quality",
    "edit.integration",
    "edit.coherence",
    "edit.borders",
    "edit.legibility",
)
"""What can't be told of a picture that was read: roughness, and all that it counts for."""
WORDS: dict[str, WordSource] = {"trained": training_word, "held-out": held_out_word}
NOTHING, NOWHERE = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.int64)


class TileJudgeData:
    """Tile scenes and edits of them, sound or with graded defects; every truth follows from how they were drawn."""

    side = SIDE
    classes: tuple[int, ...] = SIZES
    categories: tuple[str, ...] = CATEGORIES
    faults: tuple[str, ...] = (*FAULTS, OTHER_PICTURE, BLANK, NOT_DONE, DONE_OTHERWISE)
    graded: Mapping[str, str] = GRADED

    class Settings(base.Settings):
        """No settings."""

    def __init__(self, settings: Settings) -> None:
        pass

    def possible(self, fault: str, task: str, category: str) -> bool:
        if fault in (NOT_DONE, DONE_OTHERWISE):
            return task == Task.EDIT.value
        return category == "text" if fault in OF_WORDS else category in _ONLY.get(fault, CATEGORIES)

    def judged(self, rng: random.Random, fault: str | None = None, size: float | None = None, **which: str) -> Judged:
        word = WORDS[which.get("words", "trained")]
        while True:
            category = which.get("category") or rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            scene = sample_scene(rng, cast(Category, category), word)
            task = which.get("task") or ("edit" if rng.random() < EDITS else "t2i")
            kind = rng.choices(list(EDIT_WEIGHTS), list(EDIT_WEIGHTS.values()))[0]
            editable = task == "edit" and not scene.figure and not scene.land
            edit = sample_edit(rng, scene, word, kind) if editable else None
            if task == "edit" and edit is None:
                continue
            made = _faulty(rng, edit or scene, fault, size, word)
            if made:
                return _judged(rng, edit or scene, *made, word)

    def measured(self, case: Case, pixels: Pixels, source: Pixels | None = None) -> Judged:
        return _measured(case, pixels, source)

    def crowded(self, rng: random.Random, *, compared: bool = False) -> Judged:
        shown = crowd(rng)
        if not compared:
            return _crowd(rng, shown)
        before, twin = changed(rng, shown), changed(rng, shown)
        source, seen = picture_of(rng, before)
        return dataclasses.replace(_crowd(rng, shown), source=source, before=seen, twin=_crowd(rng, twin))


def _crowd(rng: random.Random, shown: Crowd) -> Judged:
    case, (pixels, seen) = Case("crowd", "", width=SIDE, height=SIDE), picture_of(rng, shown)
    return Judged(case, pixels, CROWD, {}, (), (), shown.text, "", (), seen, NOWHERE)


def _faulty(
    rng: random.Random, asked: TileScene | Edit, fault: str | None, size: float | None, word: WordSource
) -> tuple[Shown, str] | None:
    """What is shown, and the name of its fault; `None` where the fault has no place here."""
    scene = asked.after if isinstance(asked, Edit) else asked
    shown = Shown(scene)
    if fault is None:
        draw_of = rng.random()
        if draw_of < SOUND:
            return shown, ""
        if draw_of < SOUND + OTHER or (isinstance(asked, Edit) and draw_of < SOUND + 2 * OTHER):
            fault = (
                rng.choice((NOT_DONE, NOT_DONE, DONE_OTHERWISE))
                if isinstance(asked, Edit)
                else rng.choice((OTHER_PICTURE,) * 5 + (BLANK,))
            )
        elif draw_of < SOUND + OTHER + TWO:
            first = _put(rng, shown, _any_fault(rng, scene), None, word)
            second = _put(rng, first, _any_fault(rng, scene), None, word) if first else None
            return (second, "two") if second else None
        else:
            fault = _any_fault(rng, scene)
    if not fault:
        return shown, ""
    if fault == BLANK:
        return Shown(TileScene(scene.category, scene.ground)), fault
    if fault == OTHER_PICTURE:
        return Shown(sample_scene(rng, rng.choice((scene.category, *CATEGORIES)), word)), fault
    if fault in (NOT_DONE, DONE_OTHERWISE):
        if not isinstance(asked, Edit):
            return None
        other = sample_edit(rng, asked.before, word)
        return (Shown(asked.before), fault) if fault == NOT_DONE else (Shown(other.after), fault) if other else None
    made = _put(rng, shown, fault, size, word)
    return (made, fault) if made else None


def _put(rng: random.Random, shown: Shown, fault: str, size: float | None, word: WordSource) -> Shown | None:
    if size is None:
        on_grid = fault == "shifted" and rng.random() < ON_GRID
        size = TILE / PLACE_UNIT if on_grid else rng.uniform(0.2, LARGEST)
    return FAULTS[fault](rng, shown, size, word)


def _any_fault(rng: random.Random, scene: TileScene) -> str:
    if scene.word and rng.random() < 0.45:
        return rng.choice(OF_WORDS)
    return rng.choice([*(name for name in FAULTS if name not in OF_WORDS), *LATE])


def _judged(rng: random.Random, asked: TileScene | Edit, shown: Shown, fault: str, word: WordSource) -> Judged:
    plain = shown
    if rng.random() < MANNERED:
        shown = _mannered(rng, shown)
    made = _held(asked, shown, fault, drawn=True)
    wanted = _wanted(asked)
    twin, better = _twin(rng, asked, plain, made, word) if rng.random() < TWINS else (None, None)
    others = (
        _other_edits(rng, asked, word)
        if isinstance(asked, Edit)
        else [varied(rng, wanted, word) for _ in range(AGAINST)]
    )
    made = dataclasses.replace(
        made,
        answers=_asked(rng, wanted, shown, word),
        description=prompt_of(placed(shown.scene)) if not (shown.tint or shown.gone or shown.doubled) else "",
        twin=twin,
        better=better,
        others=tuple(_held(other, shown, "", drawn=False) for other in others),
    )
    if isinstance(asked, Edit):
        before = Shown(asked.before)
        made = dataclasses.replace(made, source=draw(_mannered(rng, before)), before=lesson(before))
    return made


def _held(asked: TileScene | Edit, shown: Shown, fault: str, *, drawn: bool) -> Judged:
    """The picture held against a case; of another case than its own, nothing is drawn again."""
    wanted = _wanted(asked)
    found, text = differences(wanted, shown), shown.scene.word.text if shown.scene.word else ""
    case = _case(wanted)
    if isinstance(asked, Edit):
        case = dataclasses.replace(case, prompt=asked.instruction, task=Task.EDIT, source=SourceImage("", ""))
        case = dataclasses.replace(case, tags=("tiles", "edit", asked.kind))
    return Judged(
        case,
        draw(shown) if drawn else NOTHING,
        fault,
        worse_edit(asked, shown) if isinstance(asked, Edit) else worse(wanted, shown),
        (),
        findings(found, shown),
        text,
        "",
        wrong_spans(asked, found, text),
        lesson(shown) if drawn else np.zeros((0, 0, 0), np.int64),
        astray(wanted, found, shown),
    )


def _wanted(asked: TileScene | Edit) -> TileScene:
    return placed(asked.after) if isinstance(asked, Edit) else asked


def _mannered(rng: random.Random, shown: Shown) -> Shown:
    return dataclasses.replace(shown, overlays=(*shown.overlays, manner(rng.getrandbits(32))))


def _other_edits(rng: random.Random, edit: Edit, word: WordSource) -> Sequence[TileScene | Edit]:
    """Other instructions for the source of an edit, most of its own kind."""
    kinds = [edit.kind if rng.random() < 0.6 else None for _ in range(AGAINST)]
    made = [sample_edit(rng, edit.before, word, kind) for kind in kinds]
    return [other for other in made if other and other.after != edit.after]


def _case(scene: TileScene) -> Case:
    """The case without what takes long to work out."""
    texts = (TextTarget(scene.word.text),) if scene.word else ()
    ground = Background("solid", (COLORS[scene.ground],))
    return Case(
        "tile", prompt_of(scene), width=SIDE, height=SIDE, category=scene.category, texts=texts, background=ground
    )


def _asked(rng: random.Random, wanted: TileScene, shown: Shown, word: WordSource) -> list[tuple[Question, bool]]:
    """Questions of the case, or of one like it, so that both answers are heard."""
    scene = wanted
    if rng.random() < STRANGE:
        put = _put(rng, Shown(wanted), _any_fault(rng, wanted), None, word)
        scene = put.scene if put and put.scene != wanted else sample_scene(rng, wanted.category, word)
    return answers(scene, shown)


def _twin(
    rng: random.Random, asked: TileScene | Edit, plain: Shown, one: Judged, word: WordSource
) -> tuple[Judged | None, float | None]:
    """Another picture of the case, and how much larger its defects are than those of `one`, which shows `plain`."""
    drawn = rng.random()
    made: tuple[Shown, str] | None = (plain, one.fault)
    if drawn >= ALIKE:
        made = _faulty(rng, asked, "" if drawn < ALIKE + CLEAN else None, None, word)
    if made is None or not {"edit", "compliance"} & set(one.worse):
        return None, None
    twin = _held(asked, _mannered(rng, made[0]), made[1], drawn=True)
    return twin, overall(twin.worse) - overall(one.worse)


def overall(sizes: Mapping[str, float]) -> float:
    """Size of everything that counts when two pictures are compared."""
    names = ("edit",) if "edit" in sizes else ("compliance", "quality", "background", "layout", "portrait")
    return total(sizes.get(name, 0.0) for name in names)


def _measured(case: Case, pixels: Pixels, source: Pixels | None) -> Judged:
    wanted = scene_of(case)
    shown = read_shown(pixels, wanted)
    edit = None
    if source is not None:
        before = read_shown(source, wanted).scene
        edit = Edit(case.tags[-1], case.prompt, before, wanted)
    found = differences(placed(wanted) if edit else wanted, shown)
    text = shown.scene.word.text if shown.scene.word else ""
    sizes = worse_edit(edit, shown) if edit else worse(wanted, shown)
    known = {name: size for name, size in sizes.items() if name not in UNREAD}
    asked = [each for each in answers(wanted, shown) if each[0].id != "background"]  # grain is not read
    where = findings(found, shown)
    return Judged(case, pixels, "measured", known, asked, where, text, "", (), lesson(shown), NOWHERE, source)
