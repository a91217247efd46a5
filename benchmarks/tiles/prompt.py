"""What is asked for: the prompt of a scene."""

from __future__ import annotations

from benchmarks.tiles.scene import Mark, TileScene


def prompt_of(scene: TileScene) -> str:
    """The prompt that asks for `scene`. The word comes first, as designers brief: copy, then looks."""
    if scene.figure:
        figure = scene.figure
        looks = f"{figure.hair} hair and {_a(figure.shirt)} shirt"
        return f"Portrait of a {figure.skin} person with {looks} on {scene.ground}."
    if scene.land:
        land = scene.land
        sun = f"{_a(land.sun)} sun" + (f" at the top {land.column}" if land.told else "")
        return f"Landscape with {land.color} land under {_a(scene.ground)} sky, {sun}."
    parts = [described(mark) for mark in scene.marks]
    if scene.word:
        place = f" at the {scene.word.row}" if scene.word.told else ""
        head = f'Poster "{scene.word.text}" in {scene.word.color}{place} on {scene.ground}'
        return ", ".join([head, *parts]) + "."
    return f"Shapes on {scene.ground}: " + ", ".join(parts) + "."


def described(mark: Mark) -> str:
    """A shape with its colour and, where told, its place: `an orange circle at the top left`."""
    return f"{_a(mark.color)} {mark.kind}" + (f" at the {mark.place}" if mark.told else "")


def name_of(mark: Mark) -> str:
    """How an instruction names a shape."""
    return f"the {mark.kind}"


def _a(color: str) -> str:
    return f"{'an' if color[0] in 'aeiou' else 'a'} {color}"
