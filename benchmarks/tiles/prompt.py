"""Writes the prompt of a scene.

A phrase has the same number of words whether it states a place or leaves it open, and the band of a word is named by
other words than the place of a shape. Small transformers learn to bind a place to its thing many times faster by
position and by unique words than by working out which `top` belongs to which thing.
"""

from __future__ import annotations

from evalkit.benchmarks.tiles.scene import BANDS, Mark, TileScene

FREE_PLACE = "in a free place"


def prompt_of(scene: TileScene) -> str:
    """The prompt that asks for `scene`. The word comes first, as in a designer's brief: the copy, then the look."""
    if scene.figure:
        figure = scene.figure
        looks = f"{figure.hair} hair and {_a(figure.shirt)} shirt"
        return f"Portrait of a {figure.skin} person with {looks} on {scene.ground}."
    if scene.land:
        land = scene.land
        sun = f"{_a(land.sun)} sun {f'at the top {land.column}' if land.told else FREE_PLACE}"
        return f"Landscape with {land.color} land under {_a(scene.ground)} sky, {sun}."
    parts = [described(mark) for mark in scene.marks]
    if scene.word:
        place = f"in the {BANDS[scene.word.row]}" if scene.word.told else "in a free row"
        head = f'Poster "{scene.word.text}" in {scene.word.color} {place} on {scene.ground}'
        return ", ".join([head, *parts]) + "."
    return f"Shapes on {scene.ground}: " + ", ".join(parts) + "."


def described(mark: Mark) -> str:
    """A shape with its colour and its place: `an orange circle at the top left`, `a red square in a free place`."""
    return f"{_a(mark.color)} {mark.kind} {f'at the {mark.place}' if mark.told else FREE_PLACE}"


def name_of(mark: Mark) -> str:
    """The name of a shape in an instruction."""
    return f"the {mark.kind}"


def _a(color: str) -> str:
    return f"{'an' if color[0] in 'aeiou' else 'a'} {color}"
