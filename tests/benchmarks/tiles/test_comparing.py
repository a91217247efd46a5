"""Training data for comparing two pictures: other instructions, twins, crowds with a few changes."""

import dataclasses
import random

import numpy as np
import pytest

from evalkit.api.training import JudgeData
from evalkit.benchmarks.tiles.defects.astray import astray
from evalkit.benchmarks.tiles.defects.crowd import changed, crowd, picture_of
from evalkit.benchmarks.tiles.defects.data import TileJudgeData
from evalkit.benchmarks.tiles.defects.depiction import Depiction, PaintedPart
from evalkit.benchmarks.tiles.defects.differ import differences
from evalkit.benchmarks.tiles.defects.spans import wrong_spans
from evalkit.benchmarks.tiles.edit import KINDS, Edit, sample_edit
from evalkit.benchmarks.tiles.sample import sample_scene
from evalkit.benchmarks.tiles.scene import COLORS, Mark, TileScene, Word
from evalkit.benchmarks.tiles.truth import placed
from evalkit.benchmarks.tiles.words import training_word

POSTER = TileScene("text", "white", Word("HONEY", "blue", "top"), (Mark("circle", "red", "bottom", "left"),))


@pytest.fixture(scope="module")
def data() -> JudgeData:
    return TileJudgeData(TileJudgeData.Settings())


def some_edit(rng: random.Random, kind: str) -> Edit:
    while True:
        edit = sample_edit(rng, sample_scene(rng, "text", training_word), training_word, kind)
        if edit:
            return edit


def wrong(edit: Edit, depiction: Depiction) -> list[str]:
    text = depiction.scene.word.text if depiction.scene.word else ""
    found = differences(placed(edit.after), depiction)
    return [edit.instruction[a:b] for a, b in wrong_spans(edit, found, text)]


def looks(band: tuple[PaintedPart, ...]) -> list[tuple[object, ...]]:
    return [(part.name, part.letter, part.layer.color, part.layer.x) for part in band]


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_instruction_the_words_that_are_not_true_are_known(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(10):
        edit = some_edit(rng, kind)
        undone = wrong(edit, Depiction(edit.before))
        assert undone, edit.instruction
        assert all(words in edit.instruction for words in undone)
        assert wrong(edit, Depiction(edit.after)) == []


def test_a_wrong_colour_is_no_wrong_place() -> None:
    before = POSTER
    moved = dataclasses.replace(before.marks[0], row="bottom", column="right")
    edit = Edit("move", "Move the circle to the bottom right.", before, dataclasses.replace(before, marks=(moved,)))
    assert wrong(edit, Depiction(before)) == ["bottom right"]
    assert wrong(edit, Depiction(dataclasses.replace(before, marks=()))) == ["circle"]


def test_what_is_missing_is_astray_where_it_should_stand() -> None:
    depiction = Depiction(dataclasses.replace(POSTER, marks=()))
    tiles = astray(POSTER, differences(POSTER, depiction), depiction)
    assert 0 < tiles.sum() <= 4
    assert tiles[4:, :4].sum() == tiles.sum()
    assert not astray(POSTER, differences(POSTER, Depiction(POSTER)), Depiction(POSTER)).any()


def test_a_wrong_ground_is_astray_everywhere() -> None:
    depiction = Depiction(dataclasses.replace(POSTER, ground="black"))
    assert astray(POSTER, differences(POSTER, depiction), depiction).all()


def test_a_changed_crowd_differs_where_its_lesson_does() -> None:
    rng = random.Random(4)
    same = 0
    for _ in range(30):
        one = crowd(rng)
        other = changed(rng, one)
        same += one is other
        (_, a), (_, b) = picture_of(rng, one), picture_of(rng, other)
        known = (a[..., :2] >= 0) & (b[..., :2] >= 0)
        kept = [looks(p) == looks(q) for p, q in zip(one.bands, other.bands, strict=True)]
        if one is other:
            assert all(kept)
        for number, band_kept in enumerate(kept):
            rows = slice(1 + 2 * number, 3 + 2 * number)
            if band_kept:
                assert np.array_equal(a[rows, :, :2][known[rows]], b[rows, :, :2][known[rows]])
    assert 0 < same < 20


def test_things_and_grounds_of_a_crowd_change_by_a_shade_alone() -> None:
    rng, named, things, grounds = random.Random(9), set(COLORS.values()), 0, 0
    for _ in range(200):
        one = crowd(rng)
        other = changed(rng, one)
        grounds += other.shade not in named and other.shade != one.shade
        if [len(band) for band in one.bands] == [len(band) for band in other.bands]:
            pairs = [pair for bands in zip(one.bands, other.bands, strict=True) for pair in zip(*bands, strict=True)]
            things += sum(
                a.name == b.name and a.letter == b.letter and b.layer.color not in named | {a.layer.color}
                for a, b in pairs
            )
    assert grounds > 5
    assert things > 10


def test_twins_are_of_one_case_and_alike_twins_are_equally_good(data: JudgeData) -> None:
    rng = random.Random(3)
    ties = 0
    for _ in range(60):
        judged = data.judged(rng)
        if judged.twin is None:
            continue
        assert judged.twin.case.prompt == judged.case.prompt
        assert judged.better is not None
        if judged.twin.worse == judged.worse:
            assert judged.better == 0
            ties += 1
    assert ties


def test_other_instructions_for_the_same_source_are_not_what_was_done(data: JudgeData) -> None:
    rng = random.Random(11)
    for _ in range(10):
        judged = data.judged(rng, "", task="edit", category="shapes")
        assert judged.before is not None
        assert judged.others
        for other in judged.others:
            assert other.case.prompt != judged.case.prompt
            assert other.worse["edit"] > 1.5
