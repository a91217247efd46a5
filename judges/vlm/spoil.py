"""Ways to change a picture or its case so that the right verdict is certain: pure functions for controls.

A way returns `None` where the truth would not be certain: a blank picture is no defect where a blank one was asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from evalkit.api.errors import JudgeError
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Background, Case, Question
from evalkit.judges.edit.judge import resized, source_pixels
from evalkit.judges.vlm.checklist import _PLAIN_KINDS as PLAIN_KINDS

NOISE_RMS = 64.0
"""Noise of a spoilt picture, code values: nothing under it is clean any more."""
NOISE_CELLS = 256
"""Cells of noise along the longer side, at most: a model that scales the picture down still sees them."""
LEAST_CHANGED = 0.01
"""Share of the pixels that must change by `VISIBLE` code values or more, else a picture is not surely spoilt."""
VISIBLE = 32
SHADE = 2
"""Levels of 255 by which a picture can be lighter or darker without anyone's noticing."""
MOST_ALIKE = 0.5
"""Two cases with a larger share of common words in their prompts may ask for the same picture."""
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "at", "for", "in", "is", "it", "of", "on", "or", "says", "that", "the", "to", "with")
)
MOST_SOURCES = 8
"""So many cases are looked through for one with another source, at most."""
LEAST_LETTERS = 4
"""A shorter word that is misspelt may still be a word that stands in the picture."""


class Spoilt(NamedTuple):
    """A picture with a case, of which it is certain that they don't fit or that the picture is broken."""

    case: Case
    picture: Picture


class Clean(NamedTuple):
    """A picture and the case that it was made for."""

    case: Case
    picture: Picture


Way = Callable[[Clean, Sequence[Clean]], Spoilt | None]
"""Takes a clean picture and the others of the run, from which it may choose another case."""


def blank(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The whole picture in the colour of its upper left pixel: nothing that was asked for is there."""
    pixels = clean.picture.pixels
    return _if_changed(clean, np.broadcast_to(pixels[0, 0], pixels.shape).astype(np.uint8))


def noise(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """Noise over the whole picture, a new value for each cell, the same in all channels."""
    return Spoilt(clean.case, Picture.from_pixels(noisy_pixels(clean.picture.pixels)))


def noise_patch(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """Noise over the left, right, upper or lower half of the picture."""
    pixels = clean.picture.pixels
    height, width = pixels.shape[:2]
    rows, columns = slice(None), slice(None)
    side = int(clean.picture.sha256[:4], 16) % 4
    if side < 2:
        columns = (slice(0, -(-width // 2)), slice(width // 2, None))[side]
    else:
        rows = (slice(0, -(-height // 2)), slice(height // 2, None))[side - 2]
    spoilt = pixels.copy()
    spoilt[rows, columns] = noisy_pixels(pixels)[rows, columns]
    return Spoilt(clean.case, Picture.from_pixels(spoilt))


def swapped(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The same picture, judged for another case: no text and no question in common, and few words of the prompts."""
    other = next((one.case for one in others if _apart(clean.case, one.case) and _unlike(clean.case, one.case)), None)
    return Spoilt(other, clean.picture) if other is not None else None


def swapped_texts(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The same picture, judged for another case that asks for other texts."""
    other = next((one.case for one in others if _apart(clean.case, one.case) and _texts(one.case)), None)
    return Spoilt(other, clean.picture) if other is not None else None


def to_be_denied(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The same picture with questions whose true answer is no: about the texts of another case, else its things."""
    for one in (one.case for one in others if _apart(clean.case, one.case)):
        if asked := _asked_for_texts(_texts(one)):
            return Spoilt(_with_questions(clean.case, asked), clean.picture)
        own = {element.kind for element in clean.case.elements}
        things = sorted({element.kind for element in one.elements} - own - {*PLAIN_KINDS})
        if own and things and _unlike(clean.case, one):
            asked = tuple(Question(f"absent:{i}", f"Does the picture show a {kind}?") for i, kind in enumerate(things))
            return Spoilt(_with_questions(clean.case, asked), clean.picture)
    return None


def blank_of_texts(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """A picture of one colour with the questions for the texts of its case."""
    asked, spoilt = _asked_for_texts(_texts(clean.case)), blank(clean, others)
    return Spoilt(_with_questions(clean.case, asked), spoilt.picture) if spoilt and asked else None


def misspelt(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The same picture, where every text that must stand in it is spelled backwards."""
    texts = [text for text in clean.case.texts if text.text.split()]
    if not texts or not all(_backwards_differs(text.text) for text in texts):
        return None
    backwards = tuple(dataclasses.replace(text, text=text.text[::-1]) for text in clean.case.texts)
    return Spoilt(dataclasses.replace(clean.case, texts=backwards), clean.picture)


def not_done(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The source in place of the result of an edit."""
    if clean.case.source is None:
        return None
    try:
        source = source_pixels(clean.case)
    except JudgeError:
        return None
    height, width = clean.picture.pixels.shape[:2]
    return _if_changed(clean, resized(source, width, height))


def other_source(clean: Clean, others: Sequence[Clean]) -> Spoilt | None:
    """The result of an edit, judged as that of another source and another instruction."""
    own = clean.case.source
    for case in (one.case for one in others[:MOST_SOURCES]):
        theirs = case.source
        if own and theirs and theirs.sha256 != own.sha256 and case.prompt != clean.case.prompt:
            source = source_of(case)
            if source is not None and source.pixels.shape == clean.picture.pixels.shape:
                return Spoilt(case, clean.picture) if _if_changed(clean, source.pixels) else None
    return None


def source_of(case: Case) -> Picture | None:
    """The source of a case as a picture; `None` if there is none or it can't be read."""
    try:
        return Picture.from_pixels(source_pixels(case)) if case.source else None
    except JudgeError:
        return None


def shaded(clean: Clean) -> Picture:
    """The same picture to any eye, in other pixels: all of it lighter by `SHADE` levels, a light one darker."""
    pixels = clean.picture.pixels.astype(np.int16)
    shade = -SHADE if pixels.mean() > 127 else SHADE
    return Picture.from_pixels(np.clip(pixels + shade, 0, 255).astype(np.uint8))


WAYS: Mapping[str, Mapping[str, Way]] = {
    "compliance": {"another case": swapped, "blank": blank},
    "text": {"other texts": swapped_texts, "misspelt": misspelt, "blank": blank},
    "layout": {"another case": swapped, "blank": blank},
    "background": {"noise": noise},
    "quality": {"patch of noise": noise_patch, "noise": noise},
    "portrait": {"blank": blank},
    "edit": {"not done": not_done, "another source": other_source, "blank": blank},
    "checklist": {"questions to be denied": to_be_denied, "blank": blank_of_texts},
    "preference": {"noise": noise, "blank": blank},
}
"""Rubric -> name of a way -> way."""


def noisy_pixels(clean: Pixels) -> Pixels:
    """The picture under noise of `NOISE_RMS`; the same noise for the same picture size."""
    height, width = clean.shape[:2]
    cell = max(1, round(max(height, width) / NOISE_CELLS))
    rows, columns = -(-height // cell), -(-width // cell)
    cells = np.random.default_rng(0).normal(0, NOISE_RMS, (rows, columns, 1))
    noise_ = np.repeat(np.repeat(cells, cell, axis=0), cell, axis=1)[:height, :width]
    return np.clip(np.rint(clean.astype(np.float32) + noise_), 0, 255).astype(np.uint8)


def _if_changed(clean: Clean, spoilt: Pixels) -> Spoilt | None:
    before = clean.picture.pixels
    changed = (np.abs(spoilt.astype(np.int16) - before).max(axis=2) >= VISIBLE).mean()
    return Spoilt(clean.case, Picture.from_pixels(spoilt)) if changed >= LEAST_CHANGED else None


def _apart(one: Case, other: Case) -> bool:
    """Whether two cases have no text and no question in common, neither in what they declare nor in their prompts."""
    if one.task is not other.task or one.id == other.id:
        return False
    texts, theirs = (_words(" ".join(text.text for text in case.texts)) for case in (one, other))
    asked, asks = ({question.text for question in case.checklist} for case in (one, other))
    return not (texts & (theirs | _words(other.prompt)) or theirs & _words(one.prompt) or asked & asks)


def _unlike(one: Case, other: Case) -> bool:
    """Whether the prompts of two cases have so few words in common that they ask for different pictures."""
    words, theirs = (_words(case.prompt) - _SMALL_WORDS for case in (one, other))
    return bool(words and theirs) and len(words & theirs) <= MOST_ALIKE * min(len(words), len(theirs))


def _texts(case: Case) -> tuple[str, ...]:
    return tuple(text.text for text in case.texts if text.text.split())


def _asked_for_texts(texts: Sequence[str]) -> tuple[Question, ...]:
    asked = 'Does the picture show the text "{text}", spelled exactly like that?'
    return tuple(Question(f"asked:{i}", asked.format(text=text)) for i, text in enumerate(texts))


def _with_questions(case: Case, asked: tuple[Question, ...]) -> Case:
    """The case with these questions and no others, declared or following from it."""
    return dataclasses.replace(case, checklist=asked, texts=(), elements=(), relations=(), background=Background())


def _words(text: str) -> set[str]:
    return {kept for word in text.casefold().split() if (kept := "".join(filter(str.isalnum, word)))}


def _backwards_differs(text: str) -> bool:
    """Whether a text spelled backwards has at least half of its letters wrong."""
    letters = [letter for letter in text.casefold() if letter.isalnum()]
    differs = sum(a != b for a, b in zip(letters, reversed(letters), strict=True))
    return len(letters) >= LEAST_LETTERS and 2 * differs >= len(letters)
