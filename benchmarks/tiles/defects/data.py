"""Tile scenes and edits of them, with or without defects, as training data for a judge."""

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
from evalkit.benchmarks.tiles.defects.depiction import Depiction, draw
from evalkit.benchmarks.tiles.defects.differ import PLACE_UNIT, differences
from evalkit.benchmarks.tiles.defects.faults import FAULTS
from evalkit.benchmarks.tiles.defects.findings import findings
from evalkit.benchmarks.tiles.defects.lesson import SIZES, lesson
from evalkit.benchmarks.tiles.defects.overlays import manner
from evalkit.benchmarks.tiles.defects.read import read_depiction
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
"""Shares of pictures without a defect, with two, and of another case. Edits that are not done or done otherwise come
twice as often as the last."""
EDITS, TWINS, STRANGE = 0.58, 0.9, 0.35
"""Shares of edits, of pictures with a twin, and of questions that belong to another scene."""
ALIKE, CLEAN = 0.2, 0.35
"""Shares of twins that show the same content, drawn anew, and of twins without a defect."""
MANNERED = 0.7
LARGEST = 5.0
HEAVY, HEAVIEST = ("noisy", "noisy-patch"), 25.0
"""Faults of which half have sizes above `LARGEST`, up to this one: a picture can be ruined."""
ON_GRID = 0.2
"""Share of shifts by a whole tile, which do not look like a shift."""
WEIGHTS = {"text": 5, "shapes": 4, "portrait": 2, "landscape": 2}
EDIT_WEIGHTS = {"text": 3, "background": 2, "recolor": 1, "move": 1, "add": 1, "remove": 1}
"""Weights of the kinds of edits. With equal weights, edits of texts and grounds were too few to learn and measure."""
OF_WORDS = ("letters", "drop-letter", "double-letter", "swap-letters", "other-word", "no-word", "garbled", "restyled")
LATE = ("tint",) * 3 + ("noisy-patch",) * 4
"""Faults that the judge learns last. They are added to the list of faults again, so that they are drawn more often."""
GRADED = {
    "letters": "text",
    "garbled": "text",
    "tint": "compliance",
    "shifted": "layout",
    "grain": "background",
    "uneven": "background",
    "noisy": "quality",
    "noisy-patch": "quality",
    "blurred": "quality",
}
_ONLY: dict[str, tuple[str, ...]] = {
    "extra-word": ("shapes",),
    "other-shape": ("shapes",),
    "other-place": ("text", "shapes", "landscape"),
    "extra-shape": ("text", "shapes", "landscape"),
    "two-heads": ("portrait",),
}
"""Categories in which a fault is possible."""
OTHER_PICTURE, BLANK, NOT_DONE, DONE_OTHERWISE = "other-picture", "blank", "not-done", "done-otherwise"
CROWD = "crowd"
AGAINST = 2
"""Number of other cases that a picture is compared with; for an edit, other instructions for the same source."""
UNREAD = (
    "quality",
    "background",
    "edit.quality",
    "edit.integration",
    "edit.coherence",
    "edit.borders",
    "edit.legibility",
)
"""Rubrics that can't be rated for a picture that was only read: they depend on noise and blur."""
WORDS: dict[str, WordSource] = {"trained": training_word, "held-out": held_out_word}
NOTHING, NOWHERE = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.int64)


class TileJudgeData:
    """Tile scenes and edits of them, with or without graded defects. All labels follow from how they were drawn."""

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
        depiction = crowd(rng)
        if not compared:
            return _crowd(rng, depiction)
        before, twin = changed(rng, depiction), changed(rng, depiction)
        source, seen = picture_of(rng, before)
        return dataclasses.replace(_crowd(rng, depiction), source=source, before=seen, twin=_crowd(rng, twin))


def _crowd(rng: random.Random, depiction: Crowd) -> Judged:
    case, (pixels, seen) = Case("crowd", "", width=SIDE, height=SIDE), picture_of(rng, depiction)
    return Judged(case, pixels, CROWD, {}, (), (), depiction.text, "", (), seen, NOWHERE)


def _faulty(
    rng: random.Random, asked: TileScene | Edit, fault: str | None, size: float | None, word: WordSource
) -> tuple[Depiction, str] | None:
    """The depiction and the name of its fault; `None` if the fault is impossible here."""
    scene = asked.after if isinstance(asked, Edit) else asked
    depiction = Depiction(scene)
    if fault is None:
        draw_of = rng.random()
        if draw_of < SOUND:
            return depiction, ""
        if draw_of < SOUND + OTHER or (isinstance(asked, Edit) and draw_of < SOUND + 2 * OTHER):
            fault = (
                rng.choice((NOT_DONE, NOT_DONE, DONE_OTHERWISE))
                if isinstance(asked, Edit)
                else rng.choice((OTHER_PICTURE,) * 5 + (BLANK,))
            )
        elif draw_of < SOUND + OTHER + TWO:
            first = _put(rng, depiction, _any_fault(rng, scene), None, word)
            second = _put(rng, first, _any_fault(rng, scene), None, word) if first else None
            return (second, "two") if second else None
        else:
            fault = _any_fault(rng, scene)
    if not fault:
        return depiction, ""
    if fault == BLANK:
        return Depiction(TileScene(scene.category, scene.ground)), fault
    if fault == OTHER_PICTURE:
        return Depiction(sample_scene(rng, rng.choice((scene.category, *CATEGORIES)), word)), fault
    if fault in (NOT_DONE, DONE_OTHERWISE):
        if not isinstance(asked, Edit):
            return None
        other = sample_edit(rng, asked.before, word)
        return (
            (Depiction(asked.before), fault)
            if fault == NOT_DONE
            else (Depiction(other.after), fault)
            if other
            else None
        )
    made = _put(rng, depiction, fault, size, word)
    return (made, fault) if made else None


def _put(
    rng: random.Random, depiction: Depiction, fault: str, size: float | None, word: WordSource
) -> Depiction | None:
    if size is None:
        on_grid = fault == "shifted" and rng.random() < ON_GRID
        size = TILE / PLACE_UNIT if on_grid else _any_size(rng, fault)
    return FAULTS[fault](rng, depiction, size, word)


def _any_size(rng: random.Random, fault: str) -> float:
    if fault in HEAVY and rng.random() < 0.5:
        return rng.uniform(LARGEST, HEAVIEST)
    return rng.uniform(0.2, LARGEST)


def _any_fault(rng: random.Random, scene: TileScene) -> str:
    if scene.word and rng.random() < 0.45:
        return rng.choice(OF_WORDS)
    return rng.choice([*(name for name in FAULTS if name not in OF_WORDS), *LATE])


def _judged(rng: random.Random, asked: TileScene | Edit, depiction: Depiction, fault: str, word: WordSource) -> Judged:
    plain = depiction
    if rng.random() < MANNERED:
        depiction = _mannered(rng, depiction)
    made = _held(asked, depiction, fault, drawn=True)
    wanted = _wanted(asked)
    twin, better = _twin(rng, asked, plain, made, word) if rng.random() < TWINS else (None, None)
    others = (
        _other_edits(rng, asked, word)
        if isinstance(asked, Edit)
        else [varied(rng, wanted, word) for _ in range(AGAINST)]
    )
    made = dataclasses.replace(
        made,
        answers=_asked(rng, wanted, depiction, word),
        description=prompt_of(placed(depiction.scene))
        if not (depiction.tint or depiction.gone or depiction.doubled)
        else "",
        twin=twin,
        better=better,
        others=tuple(_held(other, depiction, "", drawn=False) for other in others),
    )
    if isinstance(asked, Edit):
        before = Depiction(asked.before)
        made = dataclasses.replace(made, source=draw(_mannered(rng, before)), before=lesson(before))
    return made


def _held(asked: TileScene | Edit, depiction: Depiction, fault: str, *, drawn: bool) -> Judged:
    """The labels of a picture for a case. `drawn=False` leaves out the pixels, for cases other than its own."""
    wanted = _wanted(asked)
    found, text = differences(wanted, depiction), depiction.scene.word.text if depiction.scene.word else ""
    case = _case(wanted)
    if isinstance(asked, Edit):
        case = dataclasses.replace(case, prompt=asked.instruction, task=Task.EDIT, source=SourceImage("", ""))
        case = dataclasses.replace(case, tags=("tiles", "edit", asked.kind))
    return Judged(
        case,
        draw(depiction) if drawn else NOTHING,
        fault,
        worse_edit(asked, depiction) if isinstance(asked, Edit) else worse(wanted, depiction),
        (),
        findings(found, depiction),
        text,
        "",
        wrong_spans(asked, found, text),
        lesson(depiction) if drawn else np.zeros((0, 0, 0), np.int64),
        astray(wanted, found, depiction),
    )


def _wanted(asked: TileScene | Edit) -> TileScene:
    return placed(asked.after) if isinstance(asked, Edit) else asked


def _mannered(rng: random.Random, depiction: Depiction) -> Depiction:
    return dataclasses.replace(depiction, overlays=(*depiction.overlays, manner(rng.getrandbits(32))))


def _other_edits(rng: random.Random, edit: Edit, word: WordSource) -> Sequence[TileScene | Edit]:
    """Other instructions for the source of an edit, most of the same kind."""
    kinds = [edit.kind if rng.random() < 0.6 else None for _ in range(AGAINST)]
    made = [sample_edit(rng, edit.before, word, kind) for kind in kinds]
    return [other for other in made if other and other.after != edit.after]


def _case(scene: TileScene) -> Case:
    """The case without the parts that take long to compute."""
    texts = (TextTarget(scene.word.text),) if scene.word else ()
    ground = Background("solid", (COLORS[scene.ground],))
    return Case(
        "tile", prompt_of(scene), width=SIDE, height=SIDE, category=scene.category, texts=texts, background=ground
    )


def _asked(
    rng: random.Random, wanted: TileScene, depiction: Depiction, word: WordSource
) -> list[tuple[Question, bool]]:
    """Questions of the case, or of a similar one, so that both answers occur."""
    scene = wanted
    if rng.random() < STRANGE:
        put = _put(rng, Depiction(wanted), _any_fault(rng, wanted), None, word)
        scene = put.scene if put and put.scene != wanted else sample_scene(rng, wanted.category, word)
    return answers(scene, depiction)


def _twin(
    rng: random.Random, asked: TileScene | Edit, plain: Depiction, one: Judged, word: WordSource
) -> tuple[Judged | None, float | None]:
    """Another picture of the case, and by how much its defects are larger than those of `one`, which shows `plain`."""
    drawn = rng.random()
    made: tuple[Depiction, str] | None = (plain, one.fault)
    if drawn >= ALIKE:
        made = _faulty(rng, asked, "" if drawn < ALIKE + CLEAN else None, None, word)
    if made is None or not {"edit", "compliance"} & set(one.worse):
        return None, None
    twin = _held(asked, _mannered(rng, made[0]), made[1], drawn=True)
    return twin, overall(twin.worse) - overall(one.worse)


def overall(sizes: Mapping[str, float]) -> float:
    """Total size of all defects that count when two pictures are compared."""
    names = ("edit",) if "edit" in sizes else ("compliance", "quality", "background", "layout", "portrait")
    return total(sizes.get(name, 0.0) for name in names)


def _measured(case: Case, pixels: Pixels, source: Pixels | None) -> Judged:
    wanted = scene_of(case)
    depiction = read_depiction(pixels, wanted)
    edit = None
    if source is not None:
        before = read_depiction(source, wanted).scene
        edit = Edit(case.tags[-1], case.prompt, before, wanted)
    found = differences(placed(wanted) if edit else wanted, depiction)
    text = depiction.scene.word.text if depiction.scene.word else ""
    sizes = worse_edit(edit, depiction) if edit else worse(wanted, depiction)
    known = {name: size for name, size in sizes.items() if name not in UNREAD}
    asked = [each for each in answers(wanted, depiction) if each[0].id != "background"]  # grain is not read
    where = findings(found, depiction)
    return Judged(case, pixels, "measured", known, asked, where, text, "", (), lesson(depiction), NOWHERE, source)
