"""The ground truth of a picture: the size of its defects by rubric, and the answers to questions about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import permutations

from evalkit.api.records import Question
from evalkit.benchmarks.tiles.defects.depiction import Depiction
from evalkit.benchmarks.tiles.defects.differ import GONE, MOST, WRONG, Differences, differences
from evalkit.benchmarks.tiles.edit import Edit
from evalkit.benchmarks.tiles.questions import questions
from evalkit.benchmarks.tiles.scene import COLUMNS, ROWS, SHAPE_KINDS, TileScene
from evalkit.benchmarks.tiles.truth import placed

SURE_TRUE, SURE_FALSE = 0.7, 1.5
"""Between these sizes people would not agree on an answer, so the question is left out."""
GROUND_KINDS = ("grain", "banding", "grid", "mottle", "cast")
VEILED = MOST
"""Size of noise above which what it covers is not certain any more, so that only the noise itself is rated."""
UNREADABLE = 2.5
"""Size of bent strokes above which a letter can't be recognised any more."""


def total(sizes: Iterable[float]) -> float:
    """One size for several defects: the root of the sum of squares, at most `MOST`."""
    return min(MOST, math.sqrt(sum(size * size for size in sizes)))


def worse(wanted: TileScene, depiction: Depiction) -> dict[str, float]:
    """Total size of the defects by rubric, in visibility thresholds. Rubrics that do not apply are left out."""
    found, over = differences(wanted, depiction), depiction.sizes
    ground = total([over.get("noise", 0.0), *(over.get(kind, 0.0) for kind in GROUND_KINDS)])
    if veiled(depiction):
        return {"background": ground, "quality": quality(depiction)}
    made = {
        "compliance": total(_content(found, depiction)),
        "layout": total(_layout(found)),
        "background": ground,
    }
    if "cast" not in over:
        made["quality"] = quality(depiction)
    if wanted.word and over.get("blur", 0.0) < SURE_FALSE and over.get("noise", 0.0) < UNREADABLE:
        made["text"] = total([found.get("word", 0.0), found.get("extra.word", 0.0), over.get("malformed", 0.0)])
    if wanted.figure:
        body = ("subject", "head", "hair", "shirt", "extra.head", "head.shift")
        made["portrait"] = total(found.get(key, 0.0) for key in body)
    return made


def veiled(depiction: Depiction) -> bool:
    """Whether noise hides what the picture shows."""
    return depiction.sizes.get("noise", 0.0) > VEILED


def quality(depiction: Depiction) -> float:
    """Total size of the technical defects (noise, blur, bent strokes), whatever the content."""
    kinds = ("noise", "blur", "grain", "banding", "grid", "mottle", "malformed")
    doubled = WRONG if depiction.doubled else 0.0
    return total([doubled, *(depiction.sizes.get(kind, 0.0) for kind in kinds)])


def worse_edit(edit: Edit, depiction: Depiction) -> dict[str, float]:
    """As `worse`, for the result of an edit: by its rubric and each aspect of it."""
    found = differences(placed(edit.after), depiction)
    undone = differences(placed(edit.after), Depiction(placed(edit.before)))
    asked = set(undone)
    done = total(GONE if found.get(key, 0.0) >= undone[key] - 0.2 else found.get(key, 0.0) for key in asked)
    kept = total(size for key, size in found.items() if key not in asked)
    made, general = {}, worse(placed(edit.after), depiction)
    made["background"] = general["background"]
    if "text" in general:
        made["text"] = made["edit.spelling"] = general["text"]
        made["edit.legibility"] = total([depiction.sizes.get("malformed", 0.0), depiction.sizes.get("blur", 0.0)])
        made["edit.text-style"] = total(found.get(key, 0.0) for key in ("word.color", "word.row", "word.shift"))
    if not veiled(depiction):
        made["edit.instruction"] = made["edit.target"] = done
        made["edit.source-kept"] = made["edit.subject-kept"] = kept
    if "quality" in general:
        clean = general["quality"]
        made["quality"] = clean
        made |= {f"edit.{name}": clean for name in ("quality", "integration", "coherence", "borders")}
        made["edit"] = total((done, kept, clean))
    return made


def answers(asked: TileScene, depiction: Depiction) -> list[tuple[Question, bool]]:
    """The questions about `asked` whose answers are beyond doubt, with these answers."""
    found = differences(asked, depiction)
    sure: list[tuple[Question, bool]] = []
    known: dict[str, bool] = {}
    for question in questions(asked):
        if any(not known.get(parent, False) for parent in question.depends_on):
            continue
        size = _size(question.id, asked, depiction, found)
        if size is None or SURE_TRUE < size < SURE_FALSE:
            continue
        known[question.id] = size <= SURE_TRUE
        sure.append((question, (size <= SURE_TRUE) is question.expected))
    return sure + relations(asked, depiction)


def relations(asked: TileScene, depiction: Depiction) -> list[tuple[Question, bool]]:
    """Questions about the relative places of things, if both are there and neither is shifted."""
    if depiction.gone or depiction.doubled or depiction.shift or veiled(depiction):
        return []
    if depiction.scene.figure or depiction.scene.land:
        return []
    places: dict[str, tuple[str, str, str]] = {
        mark.kind: (f"the {mark.kind}", mark.row, mark.column) for mark in depiction.scene.marks
    }
    names: list[str] = [mark.kind for mark in asked.marks if mark.kind in places]
    if asked.word and depiction.scene.word and depiction.scene.word.text == asked.word.text:
        places["word"] = (f'the text "{asked.word.text}"', depiction.scene.word.row, "")
        names.insert(0, "word")
    made: list[tuple[Question, bool]] = []
    for one, other in permutations(names, 2):
        (a, row, column), (b, other_row, other_column) = places[one], places[other]
        made.append((Question(f"{one}-above-{other}", f"Is {a} above {b}?"), ROWS[row] < ROWS[other_row]))
        if column and other_column:
            left = COLUMNS[column] < COLUMNS[other_column]
            made.append((Question(f"{one}-left-of-{other}", f"Is {a} to the left of {b}?"), left))
    if len(names) > 1:
        together = ", ".join(places[name][0] for name in names[:-1]) + " and " + places[names[-1]][0]
        made.append((Question("apart", f"Do {together} stand apart, without touching?"), True))
    return made


def _size(id: str, asked: TileScene, depiction: Depiction, found: Mapping[str, float]) -> float | None:
    """How far the picture is from what a question expects; `None` if there is no clear answer."""
    ground = [found.get("ground", 0.0), *(depiction.sizes.get(kind, 0.0) for kind in (*GROUND_KINDS, "noise"))]
    bent = depiction.sizes.get("malformed", 0.0)
    if "subject" in found and id in _SUBJECT:
        return GONE
    if id == "background":
        return total(ground)
    if veiled(depiction):
        return None
    if id == "no-text":
        return WRONG if depiction.scene.word else 0.0
    if id.startswith("no-"):
        return None if depiction.scene.land else WRONG if f"extra.{id[3:]}" in found else 0.0
    if id in SHAPE_KINDS and depiction.scene.land:
        return None if id == "circle" else WRONG
    if id == "word" and 0 < bent < 2 * UNREADABLE:
        return found.get("word")
    return total(found.get(key, 0.0) for key in _KEYS.get(id, _shape_keys(id)))


_SUBJECT = ("person", "hair", "shirt", "skin", "land", "land-color", "sun", "sun-place")
_KEYS = {
    "person": ("head", "shirt", "extra.head"),
    "hair": ("hair", "hair.color"),
    "shirt": ("shirt", "shirt.color"),
    "skin": ("head", "skin.color"),
    "land": ("land",),
    "land-color": ("land.color",),
    "sun": ("sun", "sun.color", "extra.sun"),
    "sun-place": ("sun.place",),
    "word": ("word", "extra.word"),
    "word-color": ("word.color",),
    "word-place": ("word.row",),
}


def _shape_keys(id: str) -> tuple[str, ...]:
    kind, _, place = id.partition("-")
    return (f"{kind}.place",) if place else (kind, f"{kind}.color", f"extra.{kind}")


def _content(found: Differences, depiction: Depiction) -> list[float]:
    sizes = [size for key, size in found.items() if not key.endswith(".shift")]
    return [*sizes, max(0.0, depiction.sizes.get("malformed", 0.0) - 1.0)]


def _layout(found: Differences) -> list[float]:
    there = ("word", "extra.word", "sun", "subject", *SHAPE_KINDS, *(f"extra.{kind}" for kind in SHAPE_KINDS))
    missing = [
        found[key] for key in there if found.get(key, 0.0) >= WRONG and not (key == "word" and found[key] < GONE)
    ]
    return [*missing, *(size for key, size in found.items() if key.endswith((".shift", ".place", ".row", "extra.sun")))]
