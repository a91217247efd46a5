"""Writes the built-in suite `minis-core`: `python -m evalkit.benchmarks.tiles.write_core [FOLDER]`.

28 pictures from scratch and 20 edits, all with held-out words. Scenes are sampled at random. Of each batch the one is
taken that adds most colours, places, shapes, words, cuts and forms that are still missing, so that all of them occur.
The files follow from this module alone; a test compares them.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import cycle, islice
from pathlib import Path

from evalkit.api.records import Case, Task
from evalkit.benchmarks.suite import MINIS_CORE, SuiteHeader, write_suite
from evalkit.benchmarks.tiles.benchmark import VERSION, an_edit, edits_of
from evalkit.benchmarks.tiles.case import edit_case, tile_case
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.sample import sample_scene
from evalkit.benchmarks.tiles.scene import CATEGORIES, Category, TileScene
from evalkit.benchmarks.tiles.sources import write_source
from evalkit.benchmarks.tiles.words import held_out_word

WANTED: dict[Category, int] = {"text": 11, "shapes": 9, "portrait": 4, "landscape": 4}
EDITS = 20
CANDIDATES = 120
"""Scenes sampled for each one that is taken."""
SOURCES = "sources"
HEADER = SuiteHeader(
    name="minis-core",
    version=VERSION,
    description="28 flat designs of 128 px with words no mini model was trained on, and 20 edits of such designs.",
    licence="Apache-2.0",
    tasks=(Task.T2I, Task.EDIT),
)


def core_cases(folder: Path) -> Iterator[Case]:
    """The cases of the suite, in order. Sources of edits are written to `folder`."""
    seen: set[Hashable] = set()
    for category in CATEGORIES:
        for number in range(1, WANTED[category] + 1):
            yield tile_case(_fresh_scene(category, number, seen), f"minis/{category}-{number}")
    made: Counter[str] = Counter()
    for category, kind in islice(cycle(edits_of(CATEGORIES)), EDITS):
        made[kind] += 1
        edit = _fresh_edit(category, kind, made[kind], seen)
        yield edit_case(edit, f"minis/edit-{kind}-{made[kind]}", write_source(edit.before, folder / SOURCES))


def _fresh_scene(category: Category, number: int, seen: set[Hashable]) -> TileScene:
    """The candidate with the most new traits; they are added to `seen`."""
    candidates = [
        sample_scene(random.Random(f"minis-core {category} {number} {i}"), category, held_out_word)
        for i in range(CANDIDATES)
    ]
    best = max(candidates, key=lambda scene: len(_traits(scene) - seen))
    seen |= _traits(best)
    return best


def _fresh_edit(category: Category, kind: str, number: int, seen: set[Hashable]) -> Edit:
    candidates = [
        an_edit(random.Random(f"minis-core {kind} {number} {i}"), category, kind, held_out_word)
        for i in range(CANDIDATES)
    ]
    best = max(candidates, key=lambda edit: len(_edit_traits(edit) - seen))
    seen |= _edit_traits(best)
    return best


def _traits(scene: TileScene) -> set[Hashable]:
    """The traits of a scene, each of which should occur somewhere in the suite."""
    traits: set[Hashable] = {(scene.category, "ground", scene.ground)}
    if scene.word:
        word = scene.word
        traits |= {("word", word.text), ("word at", word.row, word.told), ("word", word.color), len(word.text)}
    for mark in scene.marks:
        traits |= {(mark.kind, mark.told), (mark.kind, mark.color)}
        traits |= {("shape at", mark.row, mark.column)} if mark.told else set()
    traits.add((scene.category, "shapes", len(scene.marks)))
    if scene.figure:
        figure = scene.figure
        traits |= {("skin", figure.skin), ("hair", figure.hair), ("shirt", figure.shirt), ("cut", figure.cut)}
    if scene.land:
        land = scene.land
        traits |= {("form", land.form), ("sun at", land.column if land.told else None), ("land", land.color)}
    return traits


def _edit_traits(edit: Edit) -> set[Hashable]:
    """The traits of an edit: what changes, alone and together with the kind of edit."""
    new = _traits(edit.after) - _traits(edit.before)
    return {(edit.kind, trait) for trait in new} | {("source", trait) for trait in _traits(edit.before)}


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else MINIS_CORE
    write_suite(folder, HEADER, core_cases(folder))
    print(folder)
