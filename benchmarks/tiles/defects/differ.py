"""Measures how a depiction differs from the wanted scene: sizes in visibility thresholds, by kind of difference."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from evalkit.api.records import RGB
from evalkit.benchmarks.faults.lab import to_lab
from evalkit.benchmarks.tiles.defects.depiction import Depiction
from evalkit.benchmarks.tiles.scene import COLORS, SKINS, Mark, TileScene

WRONG = 3.0
"""Size of a thing that is missing, not asked for, of another kind or at another place."""
GONE = 5.0
"""Size of a difference that makes it another picture: no word, no person, another subject."""
COLOR_UNIT = 12.0
"""ΔE*ab at which a colour is just noticed to be wrong."""
PLACE_UNIT = 4.0
"""Displacement at which a thing is just noticed to be out of place, px."""
MISSPELT = 4.5
"""Largest size of a misspelling; a missing word is worse."""
MOST = 6.0

Differences = dict[str, float]
"""Size of each difference by its key: `word`, `word.color`, `word.row`, `circle`, `circle.place`, `extra.circle`, …"""


def differences(wanted: TileScene, depiction: Depiction) -> Differences:
    """All differences that matter. The place of a thing does not matter if the prompt does not state it."""
    scene, made = depiction.scene, Differences()
    made["ground"] = color_size(COLORS[wanted.ground], _color(depiction, "ground", COLORS[scene.ground]))
    if (wanted.figure is None) != (scene.figure is None) or (wanted.land is None) != (scene.land is None):
        made["subject"] = GONE
    if not (scene.word or scene.marks or scene.figure or scene.land):
        made["subject"] = GONE
    _word(wanted, depiction, made)
    _marks(wanted, depiction, made)
    _land(wanted, depiction, made)
    _figure(wanted, depiction, made)
    for name, (dx, dy) in depiction.shift.items():
        made[f"{name}.shift"] = min(MOST, (dx * dx + dy * dy) ** 0.5 / PLACE_UNIT)
    return {key: size for key, size in made.items() if size > 0}


def color_size(wanted: RGB, depiction: RGB) -> float:
    """ΔE*ab between two colours in visibility thresholds, at most `MOST`."""
    one, other = _lab(wanted), _lab(depiction)
    return min(MOST, math.dist(one, other) / COLOR_UNIT)


def letters_wrong(wanted: str, depiction: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(depiction) + 1))
    for i, one in enumerate(wanted, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(depiction, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (one != other))
    return row[-1]


def spelling_size(wanted: str, depiction: str) -> float:
    """Size of a misspelling: twice the threshold for one letter."""
    wrong = letters_wrong(wanted, depiction)
    return min(MISSPELT, 1.0 + wrong) if wrong else 0.0


def _word(wanted: TileScene, depiction: Depiction, made: Differences) -> None:
    want, have = wanted.word, depiction.scene.word if "word" not in depiction.gone else None
    if want and not have:
        made["word"] = GONE
    elif have and not want:
        made["extra.word"] = WRONG
    elif want and have:
        made["word"] = spelling_size(want.text, have.text)
        made["word.color"] = color_size(COLORS[want.color], _color(depiction, "word", COLORS[have.color]))
        if want.told and want.row != have.row:
            made["word.row"] = WRONG


def _marks(wanted: TileScene, depiction: Depiction, made: Differences) -> None:
    have: dict[str, Mark] = {mark.kind: mark for mark in depiction.scene.marks if mark.kind not in depiction.gone}
    want: dict[str, Mark] = {mark.kind: mark for mark in wanted.marks}
    for kind, mark in want.items():
        other = have.get(kind)
        if other is None:
            made[kind] = WRONG
            continue
        made[f"{kind}.color"] = color_size(COLORS[mark.color], _color(depiction, kind, COLORS[other.color]))
        if mark.told and (mark.row, mark.column) != (other.row, other.column):
            made[f"{kind}.place"] = WRONG
        if kind in depiction.doubled:
            made[f"extra.{kind}"] = WRONG
    made.update({f"extra.{kind}": WRONG for kind in have if kind not in want})


def _land(wanted: TileScene, depiction: Depiction, made: Differences) -> None:
    want, have = wanted.land, depiction.scene.land
    if not want or not have:
        return
    made["land.color"] = color_size(COLORS[want.color], _color(depiction, "land", COLORS[have.color]))
    if "land" in depiction.gone:
        made["land"] = WRONG + 1
    if "sun" in depiction.gone:
        made["sun"] = WRONG
        return
    made["sun.color"] = color_size(COLORS[want.sun], _color(depiction, "sun", COLORS[have.sun]))
    if want.told and want.column != have.column:
        made["sun.place"] = WRONG
    if "sun" in depiction.doubled:
        made["extra.sun"] = WRONG


def _figure(wanted: TileScene, depiction: Depiction, made: Differences) -> None:
    want, have = wanted.figure, depiction.scene.figure
    if not want or not have:
        return
    colors = {"hair": (want.hair, have.hair), "shirt": (want.shirt, have.shirt), "skin": (want.skin, have.skin)}
    for name, (one, other) in colors.items():
        part, known = ("head", SKINS) if name == "skin" else (name, COLORS)
        if part in depiction.gone:
            made[part] = WRONG + 1
        elif part in depiction.doubled:
            made[f"extra.{part}"] = WRONG
        made[f"{name}.color"] = color_size(known[one], _color(depiction, part, known[other]))


def _color(depiction: Depiction, part: str, own: RGB) -> RGB:
    return depiction.tint.get(part, own)


@lru_cache(maxsize=4096)
def _lab(rgb: RGB) -> tuple[float, ...]:
    """L*, a*, b*. Cached, because the same few colours recur."""
    return tuple(to_lab(np.array(rgb, np.float64)).tolist())
