"""Makes scenes that differ from another one in a single thing, as wrong references for its picture."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from evalkit.benchmarks.tiles.defects.depiction import Depiction
from evalkit.benchmarks.tiles.defects.faults import FAULTS
from evalkit.benchmarks.tiles.sample import WordSource, readable_on
from evalkit.benchmarks.tiles.scene import COLORS, COLUMNS, SKINS, TileScene

_BY_FAULT = ("extra-shape", "other-shape", "other-place", "other-place")
_OF_WORDS = ("letters", "letters", "drop-letter", "double-letter", "swap-letters", "other-word")


def varied(rng: random.Random, scene: TileScene, word: WordSource) -> TileScene:
    """`scene` with one thing changed; sometimes nothing changes."""
    if scene.word and rng.random() < 0.6:
        return _by_fault(rng, scene, rng.choice(_OF_WORDS), word)
    if scene.figure:
        return _figure(rng, scene)
    if scene.land:
        return _land(rng, scene)
    if rng.random() < 0.5:
        return _by_fault(rng, scene, rng.choice(_BY_FAULT), word)
    return _colors(rng, scene)


def _by_fault(rng: random.Random, scene: TileScene, fault: str, word: WordSource) -> TileScene:
    made = FAULTS[fault](rng, Depiction(scene), 2.0, word)
    return made.scene if made else scene


def _colors(rng: random.Random, scene: TileScene) -> TileScene:
    color = rng.choice(readable_on(scene.ground))
    things: list[Callable[[], TileScene]] = [lambda: dataclasses.replace(scene, ground=rng.choice(list(COLORS)))]
    if scene.word:
        word = scene.word
        things.append(lambda: dataclasses.replace(scene, word=dataclasses.replace(word, color=color)))
    if scene.marks:
        i = rng.randrange(len(scene.marks))
        marks = tuple(dataclasses.replace(m, color=color) if n == i else m for n, m in enumerate(scene.marks))
        things.append(lambda: dataclasses.replace(scene, marks=marks))
    return rng.choice(things)()


def _figure(rng: random.Random, scene: TileScene) -> TileScene:
    figure, color = scene.figure, rng.choice(list(COLORS))
    assert figure is not None
    made = rng.choice(
        (
            dataclasses.replace(figure, skin=rng.choice(list(SKINS))),
            dataclasses.replace(figure, hair=color),
            dataclasses.replace(figure, shirt=color),
            None,
        )
    )
    return dataclasses.replace(scene, figure=made) if made else dataclasses.replace(scene, ground=color)


def _land(rng: random.Random, scene: TileScene) -> TileScene:
    land, color = scene.land, rng.choice(list(COLORS))
    assert land is not None
    made = rng.choice(
        (
            dataclasses.replace(land, color=color),
            dataclasses.replace(land, sun=color),
            dataclasses.replace(land, column=rng.choice(list(COLUMNS)), told=True),
            None,
        )
    )
    return dataclasses.replace(scene, land=made) if made else dataclasses.replace(scene, ground=color)
