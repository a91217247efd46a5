"""Finds the parts of a prompt or an instruction that a picture does not fulfil."""

from __future__ import annotations

from evalkit.benchmarks.tiles.defects.differ import Differences
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.prompt import prompt_of
from evalkit.benchmarks.tiles.scene import BANDS, Mark, TileScene

Span = tuple[int, int]
NOTED = 1.0
"""Size of a difference from which its part of the prompt counts as wrong."""


class _Notes:
    """Spans of a text by key. They must be noted in the order of the text."""

    def __init__(self, text: str) -> None:
        self.text, self.spans, self._end = text, dict[str, Span](), 0

    def __call__(self, key: str, words: str) -> None:
        start = self.text.index(words, self._end)
        self._end = start + len(words)
        self.spans[key] = (start, self._end)


def spans(scene: TileScene) -> tuple[str, dict[str, Span]]:
    """The prompt of a scene, and for each key of `differences` the span (start, end) of the prompt that states it."""
    note = _Notes(prompt_of(scene))
    if scene.figure:
        note("skin.color", scene.figure.skin)
        note("subject", "person")
        note("hair.color", scene.figure.hair)
        note("hair", "hair")
        note("shirt.color", scene.figure.shirt)
        note("shirt", "shirt")
    elif scene.land:
        note("subject", "Landscape")
        note("land.color", scene.land.color)
        note("land", "land")
        note("ground", scene.ground)
        note("sun.color", scene.land.sun)
        note("sun", "sun")
        if scene.land.told:
            note("sun.place", f"at the top {scene.land.column}")
        return note.text, note.spans
    elif scene.word:
        note("word", scene.word.text)
        note("word.color", scene.word.color)
        if scene.word.told:
            note("word.row", f"in the {BANDS[scene.word.row]}")
    note("ground", scene.ground)
    for mark in scene.marks:
        _note_mark(mark, note)
    return note.text, note.spans


def _note_mark(mark: Mark, note: _Notes) -> None:
    note(f"{mark.kind}.color", mark.color)
    note(mark.kind, mark.kind)
    if mark.told:
        note(f"{mark.kind}.place", f"at the {mark.place}")


def instruction_spans(edit: Edit) -> dict[str, Span]:
    """The spans of an instruction, by the keys of `differences` from the scene that the edit must produce."""
    note = _Notes(edit.instruction)
    old, new = set(edit.before.marks), set(edit.after.marks)
    changed = next(iter(new - old or old - new), None)
    if edit.kind == "background":
        note("ground", edit.after.ground)
    elif changed and edit.kind == "add":
        _note_mark(changed, note)
    elif changed:
        note(changed.kind, changed.kind)
        if edit.kind == "recolor":
            note(f"{changed.kind}.color", changed.color)
        elif edit.kind == "move":
            note(f"{changed.kind}.place", changed.place)
    elif edit.after.word and edit.kind == "text":
        note("word", edit.after.word.text)
    elif edit.after.word and edit.kind == "recolor":
        note("word.color", edit.after.word.color)
    elif edit.after.word:
        note("word.row", BANDS[edit.after.word.row])
    return note.spans


def wrong_spans(asked: TileScene | Edit, found: Differences, shown_word: str) -> list[Span]:
    """Spans of the prompt or instruction that the picture does not fulfil. Of a word only the letters that differ."""
    scene = asked.after if isinstance(asked, Edit) else asked
    where = instruction_spans(asked) if isinstance(asked, Edit) else spans(asked)[1]
    made: list[Span] = []
    for key, size in found.items():
        base = key.removeprefix("extra.")
        span = where.get(key) or where.get(base) or where.get("skin.color" if base == "head" else "")
        if span is None or size < NOTED:
            continue
        if key == "word" and scene.word:
            made += [
                (span[0] + i, span[0] + i + 1)
                for i, letter in enumerate(scene.word.text)
                if i >= len(shown_word) or shown_word[i] != letter
            ]
        else:
            made.append(span)
    return made
