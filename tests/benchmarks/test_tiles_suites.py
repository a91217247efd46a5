"""The benchmark `tiles` and the built-in suite `minis-core`."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from evalkit.api.pictures import decode
from evalkit.api.records import Task
from evalkit.benchmarks.suite import MINIS_CORE, MinisCore, write_suite
from evalkit.benchmarks.tiles.benchmark import TilesBenchmark
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.edit import KINDS
from evalkit.benchmarks.tiles.scene import CATEGORIES, COLORS, COLUMNS, CUTS, FORMS, ROWS, SHAPE_KINDS, SKINS
from evalkit.benchmarks.tiles.words import HELD_OUT
from evalkit.benchmarks.tiles.write_core import HEADER, SOURCES, core_cases


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def benchmark(**settings) -> TilesBenchmark:
    return TilesBenchmark(TilesBenchmark.Settings(**settings))


def test_it_streams_and_can_be_split():
    first = list(itertools.islice(benchmark(count=10**9).cases(), 20))
    assert len({case.id for case in first}) == 20
    assert list(benchmark(count=6, start=14).cases()) == first[14:]


def test_edits_have_their_share_and_every_kind_is_as_frequent(cache: Path):
    cases = list(benchmark(count=150, edit_share=0.4).cases())
    edits = [case for case in cases if case.task is Task.EDIT]
    assert len(edits) == 60
    assert Counter(case.extra["edit"]["kind"] for case in edits) == dict.fromkeys(KINDS, 10)
    assert Counter(case.category for case in cases if case.task is Task.T2I).keys() == set(CATEGORIES)
    for case in edits:
        path = Path(case.source.path)
        assert path.is_absolute()
        assert path.parent == cache / "tile-sources"
        assert decode(path.read_bytes()).pixels.shape == (128, 128, 3)


def test_words_are_kept_apart_from_training_unless_asked_for():
    words = {text.text for case in benchmark(count=60).cases() for text in case.texts}
    assert words <= set(HELD_OUT)
    trained = {text.text for case in benchmark(count=60, words="trained").cases() for text in case.texts}
    assert trained
    assert not trained & set(HELD_OUT)


def test_categories_can_be_chosen():
    only = list(benchmark(count=24, edit_share=0.5, categories=("shapes", "portrait")).cases())
    assert {case.category for case in only} == {"shapes", "portrait"}
    assert {case.category for case in only if case.task is Task.EDIT} == {"shapes"}
    assert "text" not in {case.extra["edit"]["kind"] for case in only if case.task is Task.EDIT}
    assert not [case for case in benchmark(count=10, edit_share=0, categories=("portrait",)).cases() if case.source]
    with pytest.raises(ValidationError, match="can be edited"):
        benchmark(categories=("portrait",))


def test_the_digest_follows_the_settings():
    assert benchmark(seed=1).info() == benchmark(seed=1).info()
    assert benchmark(seed=1).info().digest != benchmark(seed=2).info().digest
    assert next(benchmark(seed=1).cases()).extra != next(benchmark(seed=2).cases()).extra


def test_the_shipped_suite_is_what_its_module_writes(tmp_path: Path):
    write_suite(tmp_path / "suite", HEADER, core_cases(tmp_path / "suite"))
    files = sorted(path.relative_to(MINIS_CORE) for path in MINIS_CORE.rglob("*") if path.is_file())
    assert files == sorted(
        path.relative_to(tmp_path / "suite") for path in (tmp_path / "suite").rglob("*") if path.is_file()
    )
    for name in files:
        if name.suffix != ".png":  # another zlib packs the same pixels otherwise
            assert (tmp_path / "suite" / name).read_bytes() == (MINIS_CORE / name).read_bytes(), (
                f"{name} differs: run `python -m evalkit.benchmarks.tiles.write_core`"
            )


def test_everything_occurs_in_the_shipped_suite():
    suite = MinisCore(MinisCore.Settings())
    assert suite.info().name == "minis-core"
    cases = list(suite.cases())
    scratch = [case for case in cases if case.task is Task.T2I]
    edits = [case for case in cases if case.task is Task.EDIT]
    assert (len(scratch), len(edits)) == (28, 20)
    assert {case.category for case in scratch} == set(CATEGORIES)
    assert {case.extra["edit"]["kind"] for case in edits} == set(KINDS)
    assert {Path(case.source.path).parent.name for case in edits} == {SOURCES}
    scenes = [scene_of(case) for case in scratch]
    marks = [mark for scene in scenes for mark in scene.marks]
    words = [scene.word for scene in scenes if scene.word]
    assert {mark.kind for mark in marks} == set(SHAPE_KINDS)
    assert {(mark.row, mark.column) for mark in marks if mark.told} == set(itertools.product(ROWS, COLUMNS))
    assert {word.row for word in words if word.told} == set(ROWS)
    assert {word.told for word in words} == {mark.told for mark in marks} == {True, False}
    assert {scene.ground for scene in scenes} == set(COLORS)
    assert {len(word.text) for word in words} == {3, 4, 5, 6}
    assert {word.text for word in words} <= set(HELD_OUT)
    assert len({word.text for word in words}) == len(words)
    figures = [scene.figure for scene in scenes if scene.figure]
    lands = [scene.land for scene in scenes if scene.land]
    assert {figure.skin for figure in figures} == set(SKINS)
    assert {figure.cut for figure in figures} == set(CUTS)
    assert {land.form for land in lands} == set(FORMS)
    assert {land.column for land in lands if land.told} == set(COLUMNS)


def test_what_the_prompt_leaves_open_can_be_chosen():
    def open_things(**settings) -> int:
        cases = benchmark(count=20, edit_share=0, categories=("text", "shapes"), **settings).cases()
        return sum(len(case.extra.get("unplaced", ())) for case in cases)

    assert open_things(told=1) == 0
    assert open_things() < open_things(told=0)
