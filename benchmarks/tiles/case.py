"""Turns a tile scene, or an edit of one, into a case: the prompt, and everything that must be true of the picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import ValidationError

from evalkit.api.errors import GenerationError
from evalkit.api.records import JSON, Case, SourceImage, Task, TextTarget
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.edited import EDIT, edit_extra
from evalkit.benchmarks.tiles.prompt import prompt_of
from evalkit.benchmarks.tiles.questions import questions
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, FIRST_COLUMN, ROWS, SIDE, SKINS, TILE, TileScene
from evalkit.benchmarks.tiles.truth import background, elements, placed, relations, text_box, unplaced
from evalkit.formats.keys import from_json, to_json

EXTRA = "tiles"
"""The key of `Case.extra` that holds the scene."""
UNPLACED = "unplaced"
"""The key of `Case.extra` that lists the things that are asked for without a place."""
LONGEST = SIDE // TILE - FIRST_COLUMN
"""Letters that fit in a row of tiles."""


def tile_case(scene: TileScene, id: str) -> Case:
    """The case that asks for `scene`."""
    return _case(scene, id, prompt_of(scene), ("tiles",), {})


def edit_case(edit: Edit, id: str, source: SourceImage) -> Case:
    """The case that asks for `edit` of the picture `source`. Everything that the edit does not name must stay."""
    return _case(
        placed(edit.after), id, edit.instruction, ("tiles", "edit", edit.kind), {EDIT: edit_extra(edit)}, source
    )


def scene_of(case: Case) -> TileScene:
    """The scene that answers a case.

    Raises:
        GenerationError: the case has no tile scene, or its scene can't be read or has another size than the case.
    """
    if EXTRA not in case.extra:
        hint = "use a benchmark of tiles (`minis-core`, `tiles`), or another generator"
        raise GenerationError("the case has no tile scene to render", where=case.id, hint=hint)
    try:
        scene = from_json(TileScene, case.extra[EXTRA])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        what = f"the tile scene can't be read: {place + ': ' if place else ''}{first['msg']}"
        raise GenerationError(what, where=case.id, hint="write the suite again") from error
    wrong = _wrong_name(scene)
    if wrong:
        raise GenerationError(f"the tile scene can't be drawn: {wrong}", where=case.id, hint="write the suite again")
    if (case.width, case.height) != (SIDE, SIDE):
        what = f"the case is {case.width}x{case.height} px, a tile scene {SIDE}x{SIDE}"
        raise GenerationError(what, where=case.id, hint="write the suite again")
    return scene


def _case(
    scene: TileScene,
    id: str,
    prompt: str,
    tags: tuple[str, ...],
    extra: Mapping[str, JSON],
    source: SourceImage | None = None,
) -> Case:
    word, free, ground = scene.word, unplaced(scene), background(scene)
    texts = (TextTarget(word.text, text_box(word) if word.told else None, "title"),) if word else ()
    return Case(
        id,
        prompt,
        task=Task.EDIT if source else Task.T2I,
        width=SIDE,
        height=SIDE,
        category=scene.category,
        texts=texts,
        elements=elements(scene, ground),
        relations=relations(scene),
        background=ground,
        checklist=questions(scene),
        source=source,
        tags=tags,
        extra={EXTRA: to_json(scene), **({UNPLACED: free} if free else {}), **extra},
    )


def _wrong_name(scene: TileScene) -> str:
    """The first unknown name in a scene that was read from a file; empty if all names are known."""
    word, figure, land = scene.word, scene.figure, scene.land
    if word and not 1 <= len(word.text) <= LONGEST:
        return f"a word of {len(word.text)} letters (1 to {LONGEST})"
    colors = [scene.ground, *(mark.color for mark in scene.marks)]
    rows, columns = [mark.row for mark in scene.marks], [mark.column for mark in scene.marks]
    skins: list[str] = []
    if word:
        colors, rows = [*colors, word.color], [*rows, word.row]
    if figure:
        colors, skins = [*colors, figure.hair, figure.shirt], [figure.skin]
    if land:
        colors, columns = [*colors, land.color, land.sun], [*columns, land.column]
    known: tuple[tuple[list[str], Collection[str], str], ...]
    known = ((colors, COLORS, "color"), (rows, ROWS, "row"), (columns, COLUMNS, "column"), (skins, SKINS, "skin"))
    wrong = [f"no {what} {name!r}" for names, all_names, what in known for name in names if name not in all_names]
    return wrong[0] if wrong else ""
