"""The checklist of a tile scene: yes/no questions about its picture."""

from __future__ import annotations

from evalkit.api.records import Question
from evalkit.benchmarks.tiles.scene import BANDS, SHAPE_KINDS, TileScene


def questions(scene: TileScene) -> tuple[Question, ...]:
    """Yes/no questions about `scene`. A question comes after the one it depends on."""
    made: list[Question] = []
    if scene.figure:
        figure = scene.figure
        made += [
            Question("person", "Does the picture show the head and shoulders of one person?"),
            Question("hair", f"Is the hair {figure.hair}?", depends_on=("person",)),
            Question("shirt", f"Is the shirt {figure.shirt}?", depends_on=("person",)),
            Question("skin", f"Is the skin {figure.skin}?", depends_on=("person",)),
        ]
    if scene.land:
        land = scene.land
        made += [
            Question("land", "Does land fill the lower part of the picture?"),
            Question("land-color", f"Is the land {land.color}?", depends_on=("land",)),
            Question("sun", f"Is there one round {land.sun} sun in the sky?"),
        ]
        if land.told:
            made.append(Question("sun-place", f"Is the sun at the top {land.column}?", depends_on=("sun",)))
    if scene.word:
        word = scene.word
        made.append(Question("word", f'Does the picture show the text "{word.text}" and no other?'))
        made.append(Question("word-color", f"Is the text {word.color}?", depends_on=("word",)))
        if word.told:
            made.append(Question("word-place", f"Is the text in the {BANDS[word.row]}?", depends_on=("word",)))
    for mark in scene.marks:
        made.append(Question(mark.kind, f"Is there exactly one {mark.kind}, and is it {mark.color}?"))
        if mark.told:
            place = Question(f"{mark.kind}-place", f"Is the {mark.kind} at the {mark.place}?", depends_on=(mark.kind,))
            made.append(place)
    if not scene.figure and not scene.land:
        held = {mark.kind for mark in scene.marks}
        made += [
            Question(f"no-{kind}", f"Is there a {kind}?", expected=False) for kind in SHAPE_KINDS if kind not in held
        ]
        if not scene.word:
            made.append(Question("no-text", "Is there any text?", expected=False))
    ground = "sky" if scene.land else "background"
    made.append(Question("background", f"Is the {ground} plain {scene.ground}, without any pattern or texture?"))
    return tuple(made)
