"""Tile scenes as cases: everything that a case declares must be true of the picture it asks for."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import GenerationError
from evalkit.api.records import Box, Case, Request, SourceImage, Task
from evalkit.benchmarks.tiles.benchmark import WORDS, an_edit, edits_of
from evalkit.benchmarks.tiles.case import edit_case, scene_of, tile_case
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.edit import KINDS, Edit
from evalkit.benchmarks.tiles.edited import changed, kept
from evalkit.benchmarks.tiles.generator import TileGenerator
from evalkit.benchmarks.tiles.sample import sample_scene
from evalkit.benchmarks.tiles.scene import (
    CATEGORIES,
    COLORS,
    COLUMNS,
    CUTS,
    FORMS,
    ROWS,
    SIDE,
    Mark,
    TileScene,
    Word,
)
from evalkit.benchmarks.tiles.sources import write_source
from evalkit.benchmarks.tiles.training import TileTrainingData
from evalkit.benchmarks.tiles.truth import REGION
from evalkit.benchmarks.tiles.words import HELD_OUT, TRAINED, held_out_word
from evalkit.formats.keys import from_json_text, to_json
from tests.benchmarks.relations import holds

SCENES = [
    sample_scene(random.Random(f"test {category} {i}"), category, held_out_word)
    for category in CATEGORIES
    for i in range(12)
]
EDITS = [
    an_edit(random.Random(f"test edit {kind} {i}"), category, kind, held_out_word)
    for category, kind in edits_of(CATEGORIES)
    for i in range(6)
]
SOURCE = SourceImage("a.png", "0" * 64)
ALL = [*((s, tile_case(s, "a")) for s in SCENES), *((e.after, edit_case(e, "a", SOURCE)) for e in EDITS)]


def part(box: Box) -> tuple[slice, slice]:
    return slice(int(box.y0), int(box.y1)), slice(int(box.x0), int(box.x1))


def variants(scene: TileScene):
    """Variants of the scene that differ in what the prompt leaves open."""
    for row, column, cut, form in itertools.product(ROWS, COLUMNS, CUTS, FORMS):
        marks = tuple(m if m.told else dataclasses.replace(m, row=row, column=column) for m in scene.marks)
        word, figure, land = scene.word, scene.figure, scene.land
        yield dataclasses.replace(
            scene,
            marks=marks,
            word=word if word is None or word.told else dataclasses.replace(word, row=row),
            figure=figure and dataclasses.replace(figure, cut=cut),
            land=land and dataclasses.replace(land, form=form, column=land.column if land.told else column),
        )


def test_elements_are_where_and_as_the_case_says():
    for scene, case in ALL:
        pixels = draw_tiles(scene).astype(int)
        ids = [element.id for element in case.elements]
        assert len(set(ids)) == len(ids)
        for element in case.elements:
            inside = (np.abs(pixels[part(element.box)] - element.color) <= 1).all(-1)
            if element.kind == REGION:
                assert inside.all(), (case.prompt, element)
                continue
            assert inside.mean() > 0.3, (case.prompt, element)
            ink = (np.abs(pixels - element.color).sum(-1) < np.abs(pixels - COLORS[scene.ground]).sum(-1)) & (
                np.abs(pixels - COLORS[scene.ground]).sum(-1) > 60
            )
            ys, xs = np.nonzero(ink[part(element.box)])
            assert max(ys.min(), xs.min()) <= 1, element
            assert ys.max() >= element.box.height - 2, element
            assert xs.max() >= element.box.width - 2, element


def test_flat_regions_are_ground_wherever_the_model_puts_what_has_no_place():
    for scene, case in ALL:
        assert case.background.flat_regions, case.prompt
        scenes = [scene] if case.task is Task.EDIT else variants(scene)
        for variant in scenes:
            pixels = draw_tiles(variant)
            for box in case.background.flat_regions:
                assert (pixels[part(box)] == COLORS[scene.ground]).all(), (variant, box)


def test_relations_hold_between_the_declared_boxes():
    for _, case in ALL:
        boxes = {element.id: element.box for element in case.elements}
        assert all(holds(relation, boxes) for relation in case.relations), case


def test_what_has_no_place_is_named_and_asked_for_but_is_no_element():
    scene = TileScene(
        "text",
        "blue",
        Word("SALT", "white", "top", told=False),
        (Mark("circle", "yellow", "middle", "left", told=False),),
    )
    case = tile_case(scene, "a")
    assert case.texts[0].box is None
    assert [element.id for element in case.elements] == ["ground"]
    assert {thing["kind"] for thing in case.extra["unplaced"]} == {"text", "circle"}
    assert any("circle" in question.text and "yellow" in question.text for question in case.checklist)
    assert not any("place" in question.id for question in case.checklist)
    told = tile_case(dataclasses.replace(scene, word=Word("SALT", "white", "top")), "a")
    assert told.texts[0].box is not None
    assert [element.id for element in told.elements] == ["ground", "word"]


def test_questions_depend_on_questions_before_them():
    for _, case in ALL:
        seen: set[str] = set()
        for question in case.checklist:
            assert question.id not in seen
            assert set(question.depends_on) <= seen
            seen.add(question.id)
        assert "background" in seen


def test_after_a_removal_the_shape_must_be_gone():
    removals = [edit for edit in EDITS if edit.kind == "remove"]
    for edit in removals:
        (gone,) = {mark.kind for mark in edit.before.marks} - {mark.kind for mark in edit.after.marks}
        case = edit_case(edit, "a", SOURCE)
        assert gone not in {element.kind for element in case.elements}
        assert [q.expected for q in case.checklist if q.id == f"no-{gone}"] == [False]


def test_edits_change_the_picture_in_every_declared_box_and_nowhere_else():
    assert {edit.kind for edit in EDITS} == set(KINDS)
    for edit in EDITS:
        before, after = draw_tiles(edit.before), draw_tiles(edit.after)
        differs = (before != after).any(-1)
        said = edit_case(edit, "a", SOURCE).extra["edit"]
        assert said["kind"] == edit.kind
        if edit.kind == "background":
            assert "changed" not in said
            for box in said["kept"]:
                assert not differs[part(Box(**box))].any(), edit
            assert differs.mean() > 0.5
            continue
        assert "kept" not in said
        outside = differs.copy()
        for box in said["changed"]:
            assert differs[part(Box(**box))].mean() >= 0.02, edit
            outside[part(Box(**box))] = False
        assert not outside.any(), edit


def test_kept_boxes_cover_much_of_every_letter_and_shape():
    scene = TileScene("text", "blue", Word("GHOST", "white", "top"), (Mark("circle", "yellow", "middle", "left"),))
    boxes = kept(scene)
    for i in range(5):
        column = Box(16 + 16 * i, 16, 32 + 16 * i, 48)
        assert sum(box.intersection(column) for box in boxes) >= 20, scene.word.text[i]
    assert sum(box.intersection(Box(16, 48, 48, 80)) for box in boxes) > 400
    assert not any(one.intersection(other) for one, other in itertools.combinations(boxes, 2))


def test_a_word_that_moves_changes_both_bands_and_one_that_is_rewritten_the_longer_ones_tiles():
    scene = TileScene("text", "blue", Word("SALT", "white", "top"))
    moved = dataclasses.replace(scene, word=Word("SALT", "white", "bottom"))
    assert changed(scene, moved) == [Box(16, 16, 80, 48), Box(16, 80, 80, 112)]
    longer = dataclasses.replace(scene, word=Word("MIRROR", "white", "top"))
    assert changed(scene, longer) == changed(longer, scene) == [Box(16, 16, 112, 48)]
    told = dataclasses.replace(scene, marks=(Mark("circle", "white", "middle", "left", told=True),))
    untold = dataclasses.replace(scene, marks=(Mark("circle", "white", "middle", "left", told=False),))
    assert changed(told, untold) == []


def test_cases_survive_json_and_give_their_scene_back():
    for scene, case in ALL:
        assert from_json_text(Case, json.dumps(to_json(case))) == case
        assert np.array_equal(draw_tiles(scene_of(case)), draw_tiles(scene))


def test_the_renderer_draws_the_scene_of_the_case(tmp_path: Path):
    edit: Edit = EDITS[0]
    case = edit_case(edit, "a", write_source(edit.before, tmp_path))
    generator = TileGenerator(TileGenerator.Settings())
    one, other = generator.generate([Request(case, 0, 1), Request(case, 1, 2)])
    assert np.array_equal(one.image, draw_tiles(edit.after))
    assert np.array_equal(one.image, other.image)
    assert one.nfe is None
    assert "no model" in generator.info().name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ground": "beige"}, "beige"),
        ({"word": {"text": "MUCHTOOLONG", "color": "red", "row": "top"}}, "letters"),
        ({"word": {"text": "SALT", "color": "red", "row": "cellar"}}, "cellar"),
        ({"marks": [{"kind": "star", "color": "red", "row": "top", "column": "left"}]}, "can't be read"),
        ({"marks": [{"kind": "circle", "color": "red", "row": "top", "column": "up"}]}, "up"),
    ],
)
def test_a_scene_that_cannot_be_drawn_is_an_error_of_that_case_alone(change, words):
    case = tile_case(SCENES[0], "a")
    bad = dataclasses.replace(case, extra={"tiles": {**case.extra["tiles"], **change}})
    none = Case("b", "a cat", width=SIDE, height=SIDE)
    with pytest.raises(GenerationError, match=words):
        scene_of(bad)
    made = TileGenerator(TileGenerator.Settings()).generate([Request(c, 0, 0) for c in (bad, none, case)])
    assert words in made[0].error
    assert "no tile scene" in made[1].error
    assert not made[2].error


def test_sources_are_written_once_by_their_content(tmp_path: Path):
    one, again = write_source(SCENES[0], tmp_path), write_source(SCENES[0], tmp_path)
    assert one == again
    assert Path(one.path).is_absolute()
    assert [path.suffix for path in tmp_path.iterdir()] == [".png"]
    Path(one.path).write_bytes(b"broken")
    write_source(SCENES[0], tmp_path)
    assert Path(one.path).read_bytes().startswith(b"\x89PNG")


def test_words_by_their_source():
    rng = random.Random(1)
    assert {WORDS["held-out"](rng) for _ in range(50)} <= set(HELD_OUT)
    assert {WORDS["trained"](rng) for _ in range(50)} <= set(TRAINED)
    assert not {WORDS["letters"](rng) for _ in range(200)} & {*HELD_OUT, *TRAINED}


def test_training_data_can_begin_with_single_things_in_told_places():
    data = TileTrainingData(TileTrainingData.Settings(told=1.0, single=1.0))
    rng = random.Random(0)
    prompts = [data.example(rng, Task.T2I, category).prompt for category in ("text", "shapes") for _ in range(40)]
    assert not any("free" in prompt or "," in prompt for prompt in prompts)


def test_training_data_can_dwell_on_the_edits_that_are_learnt_last():
    def backgrounds(**settings) -> int:
        data, rng = TileTrainingData(TileTrainingData.Settings(**settings)), random.Random(3)
        return sum("background" in data.example(rng, Task.EDIT, "shapes").prompt for _ in range(200))

    assert backgrounds(hard_edits=1.0) > 1.5 * backgrounds()
