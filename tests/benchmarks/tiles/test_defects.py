"""Defects of tile scenes: the picture agrees with its ground truth."""

import dataclasses
import random

import numpy as np
import pytest

from evalkit.api.records import Task
from evalkit.api.training import JudgeData
from evalkit.benchmarks.tiles.defects.data import TileJudgeData
from evalkit.benchmarks.tiles.defects.depiction import Depiction, draw
from evalkit.benchmarks.tiles.defects.differ import differences, letters_wrong
from evalkit.benchmarks.tiles.defects.faults import FAULTS
from evalkit.benchmarks.tiles.defects.lesson import GLYPHS, SIZES
from evalkit.benchmarks.tiles.defects.overlays import manner
from evalkit.benchmarks.tiles.defects.read import read_depiction
from evalkit.benchmarks.tiles.defects.spans import spans
from evalkit.benchmarks.tiles.defects.truth import answers, worse
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.prompt import prompt_of
from evalkit.benchmarks.tiles.sample import sample_scene
from evalkit.benchmarks.tiles.scene import CATEGORIES, Category, Mark, Portrait, TileScene, Word
from evalkit.benchmarks.tiles.words import HELD_OUT, held_out_word, training_word

POSTER = TileScene("text", "white", Word("HONEY", "blue", "top"), (Mark("circle", "red", "bottom", "left"),))
PORTRAIT = TileScene("portrait", "blue", figure=Portrait("tan", "black", "red"))


@pytest.fixture(scope="module")
def data() -> JudgeData:
    return TileJudgeData(TileJudgeData.Settings())


@pytest.mark.parametrize("category", CATEGORIES)
def test_without_a_defect_the_picture_is_the_scene(category: Category) -> None:
    rng = random.Random(category)
    for _ in range(5):
        scene = sample_scene(rng, category, training_word)
        assert np.array_equal(draw(Depiction(scene)), draw_tiles(scene))
        assert differences(scene, Depiction(scene)) == {}
        assert set(worse(scene, Depiction(scene)).values()) == {0.0}


@pytest.mark.parametrize("category", CATEGORIES)
def test_questions_about_the_right_picture_have_the_expected_answers(category: Category) -> None:
    rng = random.Random(category)
    for _ in range(20):
        scene = sample_scene(rng, category, training_word)
        own = {question.id: answer is question.expected for question, answer in answers(scene, Depiction(scene))}
        assert own
        assert all(right for id, right in own.items() if "above" not in id and "left-of" not in id)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_defect_changes_the_picture_and_its_truth(fault: str) -> None:
    rng = random.Random(fault)
    done = 0
    for number in range(60):
        scene = sample_scene(rng, CATEGORIES[number % 4], training_word)
        depiction = FAULTS[fault](rng, Depiction(scene), 3.0, training_word)
        if depiction is None:
            continue
        done += 1
        assert depiction == Depiction(scene) or not np.array_equal(draw(depiction), draw_tiles(scene))
        told = worse(scene, depiction)
        if fault not in (
            "other-place",
            "restyled",
            "other-word",
        ):  # no difference: open places, equal words
            assert max(told.values()) > 0
    assert done >= 5


@pytest.mark.parametrize(
    ("fault", "rubric", "scene"),
    [
        ("letters", "text", POSTER),
        ("garbled", "text", POSTER),
        ("shifted", "layout", POSTER),
        ("grain", "background", POSTER),
        ("uneven", "background", POSTER),
        ("noisy", "quality", PORTRAIT),
        ("noisy-patch", "quality", PORTRAIT),
        ("blurred", "quality", PORTRAIT),
        ("tint", "compliance", PORTRAIT),
    ],
)
def test_graded_defects_grow_with_their_size(fault: str, rubric: str, scene: TileScene) -> None:
    sizes, changes = [], []
    for size in (0.5, 1.0, 2.0, 3.0):
        depiction = next(
            s for i in range(50) if (s := FAULTS[fault](random.Random(i), Depiction(scene), size, training_word))
        )
        sizes.append(worse(scene, depiction).get(rubric, 0.0))
        changes.append(np.abs(draw(depiction).astype(float) - draw_tiles(scene)).mean())
    assert sizes == sorted(sizes)
    assert sizes[2] >= 1.8
    assert changes[0] < changes[-1]


def test_grain_has_the_strength_it_says() -> None:
    scene = TileScene("shapes", "teal")
    depiction = FAULTS["grain"](random.Random(2), Depiction(scene), 2.0, training_word)
    assert depiction is not None
    ((kind, box),) = depiction.boxes
    inside = draw(depiction)[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)].astype(float)
    assert kind == "grain"
    assert inside.std((0, 1)) == pytest.approx([5.0] * 3, rel=0.05)


@pytest.mark.parametrize(
    ("one", "other", "wrong"), [("HONEY", "HONEY", 0), ("HONEY", "HONY", 1), ("HONEY", "HNOEY", 2), ("SUN", "SKY", 2)]
)
def test_letters_wrong(one: str, other: str, wrong: int) -> None:
    assert letters_wrong(one, other) == wrong


@pytest.mark.parametrize("category", CATEGORIES)
def test_spans_name_what_they_are_about(category: Category) -> None:
    rng = random.Random(category)
    for _ in range(20):
        scene = sample_scene(rng, category, training_word)
        prompt, where = spans(scene)
        assert prompt == prompt_of(scene)
        start, end = where["ground"]
        assert prompt[start:end] == scene.ground
        for mark in scene.marks:
            start, end = where[f"{mark.kind}.color"]
            assert prompt[start:end] == mark.color


def test_examples_follow_from_the_generator(data: JudgeData) -> None:
    one, other = data.judged(random.Random(5)), data.judged(random.Random(5))
    assert np.array_equal(one.picture, other.picture)
    assert one.worse == other.worse


def test_held_out_words_never_occur_in_training(data: JudgeData) -> None:
    rng = random.Random(6)
    for _ in range(150):
        judged = data.judged(rng)
        assert judged.text not in HELD_OUT
        assert not any(f'"{word}"' in judged.case.prompt for word in HELD_OUT)
    assert data.judged(rng, "", category="text", words="held-out", task="t2i").text in HELD_OUT
    assert held_out_word(rng) in HELD_OUT


def test_lessons_are_within_their_classes(data: JudgeData) -> None:
    rng = random.Random(8)
    for _ in range(60):
        lesson = data.judged(rng).lesson
        assert lesson.shape == (8, 8, len(SIZES))
        assert (lesson < np.array(data.classes)).all()
    assert data.classes[0] == GLYPHS


def test_edits_say_what_is_done_and_what_is_kept(data: JudgeData) -> None:
    rng = random.Random(9)
    sound = data.judged(rng, "", task="edit", category="text")
    undone = data.judged(rng, "not-done", task="edit", category="text")
    assert sound.case.task is Task.EDIT
    assert sound.source is not None
    assert sound.worse["edit"] == 0
    assert undone.worse["edit"] >= 4
    assert undone.worse["edit.source-kept"] == 0


@pytest.mark.parametrize("category", CATEGORIES)
def test_pictures_are_read_as_they_were_drawn(category: Category) -> None:
    rng = random.Random(f"read {category}")
    for number in range(12):
        scene = sample_scene(rng, category, training_word)
        pixels = draw(Depiction(scene, overlays=(manner(number),)))
        found = differences(scene, read_depiction(pixels, scene))
        assert all(size < 0.7 for size in found.values()), (scene, found)


def test_what_is_wrong_is_read() -> None:
    word, square = Word("HOMEY", "blue", "top"), Mark("square", "red", "middle", "left")
    wrong = dataclasses.replace(POSTER, word=word, marks=(square,))
    found = differences(POSTER, read_depiction(draw_tiles(wrong), POSTER))
    assert {key for key, size in found.items() if size > 0.7} == {"word", "circle", "extra.square"}


@pytest.mark.parametrize("away", [(-200, 0), (200, 0), (0, -200), (0, 200)])
def test_what_is_moved_out_of_the_picture_is_not_drawn(away: tuple[int, int]) -> None:
    bare = dataclasses.replace(POSTER, marks=())
    assert np.array_equal(draw(Depiction(POSTER, shift={"circle": away})), draw_tiles(bare))


def test_noise_over_a_part_leaves_the_rest_and_heavy_noise_is_rated_alone() -> None:
    for seed in range(20):
        clean = Depiction(POSTER)
        faint, heavy = (FAULTS["noisy-patch"](random.Random(seed), clean, size, training_word) for size in (2.0, 20.0))
        changed = (draw(heavy) != draw(clean)).any(2).mean()
        assert 0.02 < changed <= 0.65
        assert heavy.boxes[0][1] == faint.boxes[0][1]
        assert set(worse(POSTER, heavy)) == {"background", "quality"}
        assert worse(POSTER, faint)["quality"] == 2.0
        assert worse(POSTER, faint)["compliance"] == 0.0
