"""The exact judges find nothing in the right picture of a tile scene, and something in every wrong one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import Picture, decode
from evalkit.api.records import Case, Status, Task
from evalkit.benchmarks.suite import MinisCore
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.benchmarks.tiles.sample import free_places, free_rows, readable_on
from evalkit.benchmarks.tiles.scene import COLORS, SHAPE_KINDS, SKINS, Mark, TileScene
from evalkit.judges.edit.judge import EditJudge
from evalkit.judges.grain.judge import GrainJudge
from evalkit.judges.layout.judge import LayoutJudge

CASES = list(MinisCore(MinisCore.Settings()).cases())
EDITS = [case for case in CASES if case.task is Task.EDIT]


def right(case: Case) -> Picture:
    return Picture.from_pixels(draw_tiles(scene_of(case)))


def placement(scene: TileScene, case: Case) -> float | None:
    score = LayoutJudge().judge(Picture.from_pixels(draw_tiles(scene)), case, None).score("layout.placement")
    return score.value if score else None


@pytest.mark.parametrize("judge", [LayoutJudge(), GrainJudge(), EditJudge()], ids=lambda judge: judge.name)
def test_the_right_picture_leaves_nothing_to_say(judge):
    for case in CASES[:: 4 if judge.name == "grain" else 1]:
        verdict = judge.judge(right(case), case, None)
        assert not verdict.findings, (case.id, verdict.findings)
        for score in verdict.scores:
            if score.dimension in ("layout.placement", "edit.preserved", "edit.changed"):
                scored = judge.name == "layout" or case.task is Task.EDIT
                assert (score.status is Status.SCORED) == scored, (case.id, score)
                assert score.value in (1.0, None), case.id


def test_the_source_handed_back_is_no_edit():
    for case in EDITS:
        source = Picture.from_pixels(decode(Path(case.source.path).read_bytes()).pixels)
        verdict = EditJudge().judge(source, case, None)
        assert [score.value for score in verdict.scores] == [1.0, 0.0], case.id


def test_an_edit_that_shifts_the_rest_is_found():
    for case in EDITS:
        pixels = np.roll(draw_tiles(scene_of(case)), 5, axis=1)
        verdict = EditJudge().judge(Picture.from_pixels(pixels), case, None)
        if len(scene_of(case).marks) + bool(scene_of(case).word) > 1:
            assert "unwanted-change" in {finding.kind for finding in verdict.findings}, case.id


def wrong(scene: TileScene) -> Iterator[tuple[str, TileScene]]:
    """Variants of the scene in which a thing has another colour, place or kind, or is missing."""

    def swapped(mark: Mark, **change: str) -> TileScene:
        new = dataclasses.replace(mark, **change)
        return dataclasses.replace(scene, marks=tuple(new if each is mark else each for each in scene.marks))

    def recoloured(part: object, field: str) -> Iterator[tuple[str, object]]:
        for color in readable_on(scene.ground):
            if color != getattr(part, field):
                yield color, dataclasses.replace(part, **{field: color})

    for mark in scene.marks:
        if not mark.told:
            continue
        yield from ((f"{mark.kind} {c}", swapped(mark, color=c)) for c, _ in recoloured(mark, "color"))
        yield from ((f"{mark.kind} {k}", swapped(mark, kind=k)) for k in SHAPE_KINDS if k != mark.kind)
        for row, column in free_places(scene.word, scene.marks)[:2]:
            yield f"{mark.kind} {row} {column}", swapped(mark, row=row, column=column)
        yield f"no {mark.kind}", dataclasses.replace(scene, marks=tuple(m for m in scene.marks if m is not mark))
    if scene.word and scene.word.told:
        yield from ((f"word {c}", dataclasses.replace(scene, word=w)) for c, w in recoloured(scene.word, "color"))
        for row in free_rows(scene):
            yield f"word {row}", dataclasses.replace(scene, word=dataclasses.replace(scene.word, row=row))
    if scene.figure:
        for skin in SKINS:
            if skin != scene.figure.skin:
                yield f"skin {skin}", dataclasses.replace(scene, figure=dataclasses.replace(scene.figure, skin=skin))
        for field in ("hair", "shirt"):
            for color, figure in recoloured(scene.figure, field):
                yield f"{field} {color}", dataclasses.replace(scene, figure=figure)
    if scene.land:
        for color, land in recoloured(scene.land, "color"):
            yield f"land {color}", dataclasses.replace(scene, land=land)


def test_every_wrong_colour_place_and_shape_is_seen():
    seen = 0
    for case in CASES[::3]:
        scene = scene_of(case)
        for what, other in wrong(scene):
            value = placement(other, case)
            assert value is not None, (case.id, what)
            assert value < 1, (case.id, what)
            seen += 1
    assert seen > 80


def test_every_wrong_ground_is_seen():
    for case in CASES[::4]:
        scene = scene_of(case)
        inks = {mark.color for mark in scene.marks} | ({scene.word.color} if scene.word else set())
        for ground in COLORS:
            if ground != scene.ground and inks <= set(readable_on(ground)):
                value = placement(dataclasses.replace(scene, ground=ground), case)
                assert value is not None, (case.id, ground)
                assert value < 1, (case.id, ground)
