"""The ground truth of a tile scene by its prompt: elements and their places, unplaced things, and regions of ground.

If the prompt does not state the place of a thing, the model may choose it. Such a thing is not an element, and no flat
region touches any place that it could have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import JSON, Background, Box, Element, Relation
from evalkit.benchmarks.scenes.truth import flat_regions
from evalkit.benchmarks.tiles.draw import Layer, layers, mark_box, word_box
from evalkit.benchmarks.tiles.scene import (
    COLORS,
    COLUMNS,
    CUTS,
    FIRST_COLUMN,
    FORMS,
    ROWS,
    SIDE,
    SKINS,
    TILE,
    Mark,
    TileScene,
    Word,
)

HAIR, SKIN, SHIRT = Box(55, 25, 73, 31), Box(52, 44, 76, 76), Box(36, 106, 92, 126)
LAND = Box(8, 114, 120, 126)
"""Boxes that hold only this part, whatever the cut of the hair or the form of the land, px."""
REGION = "region"
"""Kind of an element that is part of something larger: its colour fills its box, and its edges are elsewhere."""
WORD, SUN, GROUND = "word", "sun", "ground"


def placed(scene: TileScene) -> TileScene:
    """`scene` with every place stated: what an instruction does not change stays where the source shows it."""
    word, land = scene.word, scene.land
    return dataclasses.replace(
        scene,
        word=dataclasses.replace(word, told=True) if word else None,
        marks=tuple(dataclasses.replace(mark, told=True) for mark in scene.marks),
        land=dataclasses.replace(land, told=True) if land else None,
    )


def elements(scene: TileScene, ground: Background) -> tuple[Element, ...]:
    """Everything whose place is known, in drawing order. The id of a shape is its kind, as there is only one of each.

    The first is the largest flat region of the `ground`, so that a ground in a wrong colour is found as a defect.
    """
    made = [Element(GROUND, REGION, ground.flat_regions[0], COLORS[scene.ground])]
    figure, land = scene.figure, scene.land
    if land:
        if land.told:
            sun = Mark("circle", land.sun, "top", land.column)
            made.append(Element(SUN, "circle", mark_box(sun), COLORS[land.sun]))
        made.append(Element("land", REGION, LAND, COLORS[land.color]))
    if figure:
        made.append(Element("hair", REGION, HAIR, COLORS[figure.hair]))
        made.append(Element("shirt", REGION, SHIRT, COLORS[figure.shirt]))
        made.append(Element("skin", REGION, SKIN, SKINS[figure.skin]))
    made += [Element(mark.kind, mark.kind, mark_box(mark), COLORS[mark.color]) for mark in scene.marks if mark.told]
    if scene.word and scene.word.told:
        made.append(Element(WORD, "text", text_box(scene.word), COLORS[scene.word.color]))
    return tuple(made)


def text_box(word: Word) -> Box:
    """The box of the ink of a word, in numbers that JSON can hold."""
    box = word_box(word)
    return Box(float(box.x0), float(box.y0), float(box.x1), float(box.y1))


def unplaced(scene: TileScene) -> list[JSON]:
    """The things that are asked for without a place, as `{"kind": …, "color": [r, g, b]}`."""
    things: list[tuple[str, str]] = [(mark.kind, mark.color) for mark in scene.marks if not mark.told]
    if scene.land and not scene.land.told:
        things.append(("circle", scene.land.sun))
    made: list[JSON] = [{"kind": kind, "color": list(COLORS[color])} for kind, color in things]
    if scene.word and not scene.word.told:
        made.append({"kind": "text", "color": list(COLORS[scene.word.color])})
    return made


def relations(scene: TileScene) -> tuple[Relation, ...]:
    """The relations on the grid between the things whose places are known."""
    marks = [mark for mark in scene.marks if mark.told]
    rows: dict[str, str] = {mark.kind: mark.row for mark in marks}
    if scene.word and scene.word.told:
        rows = {WORD: scene.word.row, **rows}
    made: list[Relation] = []
    for one, other in combinations(sorted(rows, key=lambda id: ROWS[rows[id]]), 2):
        if rows[one] != rows[other]:
            made.append(Relation("above", (one, other)))
    for first, second in combinations(sorted(marks, key=lambda mark: COLUMNS[mark.column]), 2):
        pair = (first.kind, second.kind)
        if first.column == second.column:
            made.append(Relation("aligned-center", pair))
        elif first.row == second.row:
            made += [Relation("left-of", pair), Relation("aligned-top", pair)]
    return (*made, Relation("no-overlap", tuple(rows))) if len(rows) > 1 else tuple(made)


def background(scene: TileScene) -> Background:
    """The ground: its colour, and boxes that are bare wherever the model puts the things without a place."""
    return Background("solid", (COLORS[scene.ground],), flat_regions(~_occupied(scene)))


def _occupied(scene: TileScene) -> NDArray[np.bool_]:
    """(128, 128): true where something may be drawn: in any open form, and at any place of an unplaced thing."""
    mask = np.zeros((SIDE, SIDE), np.bool_)
    for layer in _placed_layers(scene):
        height, width = layer.coverage.shape
        mask[layer.y : layer.y + height, layer.x : layer.x + width] |= layer.coverage > 0
    low, high = FIRST_COLUMN * TILE, (max(ROWS.values()) + 2) * TILE
    if any(not mark.told for mark in scene.marks):
        mask[low:high, low:high] = True
    if scene.word and not scene.word.told:
        mask[low:high, low : low + len(scene.word.text) * TILE] = True
    if scene.land and not scene.land.told:
        mask[low : low + 2 * TILE, low:high] = True
    return mask


def _placed_layers(scene: TileScene) -> Iterable[Layer]:
    """The layers of everything whose place is known: both cuts of the hair, both forms of the land."""
    word = scene.word if scene.word and scene.word.told else None
    shown = dataclasses.replace(scene, word=word, marks=tuple(mark for mark in scene.marks if mark.told))
    if scene.figure:
        for cut in CUTS:
            yield from layers(dataclasses.replace(shown, figure=dataclasses.replace(scene.figure, cut=cut)))
    elif scene.land:
        for form in FORMS:
            yield from layers(dataclasses.replace(shown, land=dataclasses.replace(scene.land, form=form)))
    else:
        yield from layers(shown)
