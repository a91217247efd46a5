"""From judged pictures to rows to learn from: a question in the words of our rubrics, and its right reply."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.protocols import Judged
from evalkit.records import Box, Task
from judges.vlm.mini.prompts import SCALES, SLOT, system, templates
from judges.vlm.mini.tokens import ASKED, opening
from judges.vlm.rubric import category_of, rubrics

LEVELS, ANSWERS, BETTER = ("1", "2", "3", "4", "5"), ("yes", "no"), ("A", "B", "tie")
"""What scores, answers and comparisons choose from."""
END = "<|im_end|>"
WORD = re.compile(r'["<>]([A-Z]{3,7})["<>]')
"""A word that is asked for, in a prompt."""
NOTED = 1.0
"""Size from which a defect is worth a finding."""
MOST_FINDINGS = 2
CLEAR, EQUAL = 1.2, 0.25
"""Difference of two pictures' defects from which one is better; up to which it is a tie."""


class Row(NamedTuple):
    """A question and its reply.

    Args:
        kind: the name of the prompt.
        images: `source`, `picture`, `twin`, in the order in which they are shown.
        asked: everything after the pictures, up to where the reply begins.
        reply: how the model must go on.
        choice: offset in `reply` of the token that is learnt as a distribution; −1 for none.
        options: what it may be, and how probable each is.
        other: held against another case than the picture was made for.
        text: what is written in the picture.
        wrong: stretches of `asked` that are not true of the picture, and `told`: the stretch it is known of.
    """

    kind: str
    images: tuple[str, ...]
    asked: str
    reply: str
    choice: int = -1
    options: tuple[tuple[str, float], ...] = ()
    wrong: tuple[tuple[int, int], ...] = ()
    told: tuple[int, int] = (0, 0)
    other: bool = False
    text: str = ""


def options_of(kind: str) -> tuple[str, ...]:
    """What the reply to a prompt of that name chooses from."""
    if kind == "question":
        return ANSWERS
    return BETTER if kind.startswith("pairwise") else LEVELS


def score_of(size: float) -> float:
    """The score in [1, 5] of defects of a size in thresholds: 3.4 at the threshold, 2.1 at twice."""
    return 1 + 4 / (1 + (size / 1.25) ** 2)


def levels(score: float) -> tuple[tuple[str, float], ...]:
    """A distribution over the levels with that expectation: the two nearest."""
    low = min(4, int(score))
    return tuple((str(level), max(0.0, 1 - abs(level - score))) for level in (low, low + 1))


def rows(judged: Judged, rng: random.Random) -> Iterator[Row]:
    """Every question about a judged picture."""
    for row in _rows(judged, rng):
        yield row._replace(text=judged.text)


def _rows(judged: Judged, rng: random.Random) -> Iterator[Row]:
    """As `rows`, without what is written in the picture."""
    case = judged.case
    edit = case.task is Task.EDIT
    for name in SCALES:
        applies = case.task in rubrics()[name].applies.tasks and not (name == "layout" and case.category == "portrait")
        if name in judged.worse and applies:
            yield _scale(name, ("picture",), _given(name, judged), judged, judged.worse[name])
    if edit and "edit" in judged.worse:
        name = f"edit.{category_of(rubrics()['edit'], case)}"
        yield _scale(name, ("source", "picture"), case.prompt, judged, judged.worse["edit"])
    for question, answer in judged.answers:
        said = "yes" if answer else "no"
        asked, _ = _put("question", question.text)
        begin = '{"answer": "'
        yield Row("question", ("picture",), asked, f'{begin}{said}"}}', len(begin), ((said, 1.0),))
    if judged.better is not None:
        yield from _pairs(judged, rng, edit)
    for other in judged.others:
        for name in ("compliance", "text", "layout"):
            if name in other.worse and not (name == "layout" and other.case.category == "portrait"):
                yield _scale(name, ("picture",), _given(name, other), other, other.worse[name])._replace(other=True)
    yield Row("transcribe", ("picture",), _put("transcribe", "")[0], f'{{"text": "{judged.text}"}}')
    if judged.description:
        yield Row("describe", ("picture",), _put("describe", "")[0], judged.description)


def _scale(name: str, images: tuple[str, ...], given: str, judged: Judged, size: float) -> Row:
    asked, at = _put(name, given)
    begin, distribution = '{"score": ', levels(score_of(size))
    best = max(distribution, key=lambda each: each[1])[0]
    known = rubrics()[name.partition(".")[0]].kinds
    found = [each for each in judged.findings if each[0] in known][:MOST_FINDINGS] if size >= NOTED else []
    told, wrong = (0, 0), tuple[tuple[int, int], ...]()
    if at >= 0 and given == judged.case.prompt and not name.startswith("edit"):
        told, wrong = (at, at + len(given)), tuple((at + a, at + b) for a, b in judged.wrong)
    elif at >= 0 and name == "text":
        told, wrong = (at, at + len(given)), tuple((at + i, at + i + 1) for i in _misspelt(given, judged.text))
    reply = f'{begin}{best}, "findings": [{", ".join(_finding(kind, box, judged) for kind, box in found)}]}}'
    return Row(name, images, asked, reply, len(begin), distribution, wrong, told)


def _pairs(judged: Judged, rng: random.Random, edit: bool) -> Iterator[Row]:
    difference = judged.better or 0.0
    if EQUAL < abs(difference) < CLEAR:
        return
    ahead = "tie" if abs(difference) <= EQUAL else "A" if difference > 0 else "B"
    order = ("picture", "twin")
    if rng.random() < 0.5:
        order, ahead = ("twin", "picture"), {"A": "B", "B": "A", "tie": "tie"}[ahead]
    name, before = ("pairwise.edit", ("source",)) if edit else ("pairwise", ())
    asked, _ = _put(name, judged.case.prompt)
    begin = '{"better": "'
    yield Row(name, (*before, *order), asked, f'{begin}{ahead}"}}', len(begin), ((ahead, 1.0),))


def _given(name: str, judged: Judged) -> str:
    given = rubrics()[name].given
    if given == "texts":
        return judged.case.texts[0].text
    return judged.case.prompt if given == "asked" else ""


def _put(name: str, given: str) -> tuple[str, int]:
    """The prompt with the case's words in it, and where they begin (−1 if it has none)."""
    text = templates()[name]
    at = text.find(SLOT)
    return text.replace(SLOT, given), at


def _misspelt(wanted: str, shown: str) -> list[int]:
    return [i for i, letter in enumerate(wanted) if i >= len(shown) or shown[i] != letter]


def _finding(kind: str, box: Box, judged: Judged) -> str:
    height, width = judged.case.height, judged.case.width
    numbers = [
        max(0, min(1000, round(1000 * value / side)))
        for value, side in zip((box.x0, box.y0, box.x1, box.y1), (width, height) * 2, strict=True)
    ]
    return f'{{"kind": "{kind}", "box": {numbers}}}'


class Tokens(NamedTuple):
    """A row as token ids; everything after the pictures.

    `targets` are next tokens where the reply is learnt and −100 elsewhere; at `choice` (−1 for none) a distribution
    `options` over ids is learnt instead. `flags` are 1 on tokens of the prompt that are not true of the picture, 0 on
    those that are, −100 elsewhere. `letters` are, on each letter of a word that is asked for, the number of the letter
    that stands in its place in the picture (A is 1), 0 for none, −100 elsewhere.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    choice: int
    options: tuple[tuple[int, float], ...]
    flags: NDArray[np.int64]
    letters: NDArray[np.int64]


class Coder:
    """Rows to tokens, the constant parts once."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.pad: int = tokenizer.pad_token_id
        self._after: list[int] = tokenizer(ASKED).input_ids
        self.options: dict[str, int] = {}
        for options, begin in (
            (LEVELS, '{"score": '),
            (ANSWERS, '{"answer": "'),
            (BETTER, '{"better": "'),
        ):
            for option in options:
                ids = tokenizer(begin + option + ('"}' if begin[-1] == '"' else ", ")).input_ids
                self.options[option] = ids[len(tokenizer(begin).input_ids)]

    def prefix(self, images: int, tokens: int) -> list[int]:
        """Everything up to the question, for a number of pictures of so many tokens each."""
        ids: list[int] = self._tokenizer(opening(system(), images, tokens)).input_ids
        return ids

    def code(self, row: Row) -> Tokens:
        words = list(WORD.finditer(row.asked)) if row.images == ("picture",) else []
        asked = self._tokenizer(row.asked, return_offsets_mapping=bool(row.told[1] or words))
        reply: list[int] = self._tokenizer(row.reply + END).input_ids
        ids = [*asked.input_ids, *self._after, *reply]
        targets = np.full(len(ids), -100, np.int64)
        start = len(ids) - len(reply)
        targets[start - 1 : -1] = reply
        flags = np.full(len(ids), -100, np.int64)
        if row.told[1]:
            for i, (a, b) in enumerate(asked.offset_mapping):
                if a >= row.told[0] and b <= row.told[1]:
                    flags[i] = int(any(a < end and b > begin for begin, end in row.wrong))
        letters = np.full(len(ids), -100, np.int64)
        if words:
            places = {a: i for i, (a, _) in enumerate(asked.offset_mapping)}
            for word in words:
                for i in range(len(word[1])):
                    known = row.text[i : i + 1]
                    letters[places[word.start(1) + i]] = ord(known) - ord("A") + 1 if known else 0
        choice, options = -1, tuple[tuple[int, float], ...]()
        if row.choice >= 0:
            choice = start - 1 + len(self._tokenizer(row.reply[: row.choice]).input_ids)
            options = tuple((self.options[name], share) for name, share in row.options)
            targets[choice] = -100
        return Tokens(np.array(ids), targets, choice, options, flags, letters)


def corpus(judged: Sequence[Judged], rng: random.Random) -> Iterator[str]:
    """Text for a tokenizer: what cases say and what is replied, without the constant stretches."""
    for each in judged:
        yield each.case.prompt
        for question, _ in each.answers:
            yield question.text
        for row in rows(each, rng):
            yield row.reply
