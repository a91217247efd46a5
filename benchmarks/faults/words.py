"""Faults of whole words."""

from __future__ import annotations

import random

from benchmarks.faults.fault import ContentFault
from benchmarks.faults.letters import with_lines
from benchmarks.scenes.draw import Drawing
from benchmarks.scenes.scene import Scene


def drop_word(scene: Scene, clean: Drawing, rng: random.Random) -> ContentFault | None:
    """One word left out; a text of one word vanishes. `None` if the scene has no text."""
    places = [
        (index, row, word)
        for index, block in enumerate(scene.texts)
        for row, line in enumerate(block.lines)
        for word in range(len(line.split()))
    ]
    if not places:
        return None
    index, row, word = rng.choice(places)
    block = scene.texts[index]
    words = block.lines[row].split()
    missing = words.pop(word)
    lines = (*block.lines[:row], " ".join(words), *block.lines[row + 1 :])
    changed = with_lines(scene, index, lines)
    detail = {"expected": block.text, "drawn": " ".join(" ".join(lines).split()), "missing": missing}
    return ContentFault(changed, index, (0, 0), 1.0, "words", detail)
