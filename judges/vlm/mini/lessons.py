"""From judged pictures to rows to learn from: a question in the words of our rubrics, and its right reply."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box, Task
from evalkit.api.training import Judged
from evalkit.judges.vlm.mini.prompts import SCALES, SLOT, system, templates
from evalkit.judges.vlm.mini.tokens import ASKED, opening
from evalkit.judges.vlm.rubric import category_of, rubrics

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
UNKNOWN = -100
"""What no loss looks at."""
GRADED = (*SCALES, "edit.instruction", "edit.source-kept")
"""What a picture is graded by, whatever is asked about it."""


class Truth(NamedTuple):
    """What is true of a picture that is asked about, for the helpers.

    Args:
        text: what is written in it.
        wrong: stretches of `Row.asked` that are not true of it.
        astray: (tokens,) 1 where a token's tiles don't show what was wanted, 0 elsewhere; empty where unknown.
        grades: by `GRADED`, from 0 (bad) to 1; NaN what doesn't apply, empty where unknown.
    """

    text: str
    wrong: tuple[tuple[int, int], ...] = ()
    astray: tuple[int, ...] = ()
    grades: tuple[float, ...] = ()


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
        truths: of the picture, or of the two that are compared, the one that is shown last first.
        told: the stretch of `asked` of which every word is known to be true or not.
    """

    kind: str
    images: tuple[str, ...]
    asked: str
    reply: str
    choice: int = -1
    options: tuple[tuple[str, float], ...] = ()
    told: tuple[int, int] = (0, 0)
    other: bool = False
    truths: tuple[Truth, ...] = ()


def options_of(kind: str) -> tuple[str, ...]:
    """What the reply to a prompt of that name chooses from."""
    if kind == "question":
        return ANSWERS
    return BETTER if kind.startswith("pairwise") else LEVELS


def score_of(size: float) -> float:
    """The score in [1, 5] of defects of a size in thresholds: 3.4 at the threshold, 2.1 at twice."""
    return 1 + 4 / (1 + (size / 1.25) ** 2)


def grades_of(worse: Mapping[str, float]) -> tuple[float, ...]:
    """By `GRADED`, from the sizes of what each holds against a picture."""
    return tuple((score_of(worse[name]) - 1) / 4 if name in worse else math.nan for name in GRADED)


def levels(score: float) -> tuple[tuple[str, float], ...]:
    """A distribution over the levels with that expectation: the two nearest."""
    low = min(4, int(score))
    return tuple((str(level), max(0.0, 1 - abs(level - score))) for level in (low, low + 1))


def rows(judged: Judged) -> Iterator[Row]:
    """Every question about a judged picture."""
    plain = (Truth(judged.text),)
    yield from _scales(judged)
    for question, answer in judged.answers:
        said = "yes" if answer else "no"
        asked, _ = _put("question", question.text)
        begin = '{"answer": "'
        options = ((said, 1.0),)
        yield Row("question", ("picture",), asked, f'{begin}{said}"}}', len(begin), options, truths=plain)
    yield from _pairs(judged)
    for other in judged.others:
        for row in _scales(other):
            if row.kind.partition(".")[0] in ("compliance", "text", "layout", "edit"):
                yield row._replace(other=True)
    yield Row("transcribe", ("picture",), _put("transcribe", "")[0], f'{{"text": "{judged.text}"}}', truths=plain)
    if judged.description:
        yield Row("describe", ("picture",), _put("describe", "")[0], judged.description, truths=plain)


def _scales(judged: Judged) -> Iterator[Row]:
    """Levels of every rubric that applies; of an edit, of its aspects as well."""
    case = judged.case
    for name in SCALES:
        applies = case.task in rubrics()[name].applies.tasks and not (name == "layout" and case.category == "portrait")
        if name in judged.worse and applies:
            yield _scale(name, ("picture",), judged)
    if case.task is Task.EDIT and "edit" in judged.worse:
        name = category_of(rubrics()["edit"], case)
        shown = ("source", "picture")
        yield _scale(f"edit.{name}", shown, judged)
        for aspect in rubrics()["edit"].categories[name].aspects:
            if f"edit.{aspect}" in judged.worse:
                yield _scale(f"edit.{name}.{aspect}", shown, judged)


def size_of(kind: str, judged: Judged) -> float:
    """Size of what a prompt that asks for a level holds against the picture, in thresholds."""
    rubric, _, rest = kind.partition(".")
    _, _, aspect = rest.partition(".")
    return judged.worse[f"{rubric}.{aspect}" if aspect else rubric]


def _scale(name: str, images: tuple[str, ...], judged: Judged) -> Row:
    size = size_of(name, judged)
    rubric, _, rest = name.partition(".")
    given = _given(rubric, judged)
    asked, at = _put(name, given)
    begin, distribution = '{"score": ', levels(score_of(size))
    best = max(distribution, key=lambda each: each[1])[0]
    known = () if "." in rest else rubrics()[rubric].kinds  # findings come with the whole, not with an aspect
    found = [each for each in judged.findings if each[0] in known][:MOST_FINDINGS] if size >= NOTED else []
    told, truth = (0, 0), Truth(judged.text)
    if at >= 0:
        told, truth = (at, at + len(given)), _truth(judged, at, given)
    reply = f'{begin}{best}, "findings": [{", ".join(_finding(kind, box, judged) for kind, box in found)}]}}'
    return Row(name, images, asked, reply, len(begin), distribution, told, truths=(truth,))


def _truth(judged: Judged, at: int, given: str) -> Truth:
    """What is true of a picture of what stands in a question from `at` on: the case's prompt, or the text it wants."""
    if given == judged.case.prompt:
        wrong = tuple((at + a, at + b) for a, b in judged.wrong)
        return Truth(judged.text, wrong, _by_token(judged.astray), grades_of(judged.worse))
    return Truth(judged.text, tuple((at + i, at + i + 1) for i in _misspelt(given, judged.text)))


def _by_token(tiles: NDArray[np.int64]) -> tuple[int, ...]:
    """(rows, columns) of tiles as (tokens,): a token has 2×2 of them."""
    rows, columns = tiles.shape
    return tuple(int(v) for v in tiles.reshape(rows // 2, 2, columns // 2, 2).max((1, 3)).flat) if tiles.size else ()


def _pairs(judged: Judged) -> Iterator[Row]:
    """Which of two pictures is better, asked in both orders."""
    twin, difference = judged.twin, judged.better
    if twin is None or difference is None or EQUAL < abs(difference) < CLEAR:
        return
    ahead = "tie" if abs(difference) <= EQUAL else "picture" if difference > 0 else "twin"
    name, before = ("pairwise.edit", ("source",)) if judged.case.task is Task.EDIT else ("pairwise", ())
    prompt, begin = judged.case.prompt, '{"better": "'
    asked, at = _put(name, prompt)
    truths = {which: _truth(each, at, prompt) for which, each in (("picture", judged), ("twin", twin))}
    for order in (("picture", "twin"), ("twin", "picture")):
        better = "tie" if ahead == "tie" else BETTER[order.index(ahead)]
        yield Row(
            name,
            (*before, *order),
            asked,
            f'{begin}{better}"}}',
            len(begin),
            ((better, 1.0),),
            (at, at + len(prompt)),
            truths=tuple(truths[which] for which in reversed(order)),
        )


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
    `options` over ids is learnt instead. The rest is for helpers, each of the picture asked about (of a pair the last)
    and of the other one of a pair: `flags` (2, length) are 1 on tokens of the prompt that are not true of it, 0 on
    those that are; `letters` (2, length) are, on each letter of a word that is asked for, the number of the letter that
    stands in its place (A is 1), 0 for none; `astray` and `grades` are those of `Truth`. −100, NaN and () where nothing
    is known.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    choice: int
    options: tuple[tuple[int, float], ...]
    flags: NDArray[np.int64]
    letters: NDArray[np.int64]
    astray: tuple[tuple[int, ...], ...]
    grades: tuple[tuple[float, ...], ...]


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
        words = list(WORD.finditer(row.asked)) if row.truths else []
        asked = self._tokenizer(row.asked, return_offsets_mapping=bool(row.told[1] or words))
        reply: list[int] = self._tokenizer(row.reply + END).input_ids
        ids = [*asked.input_ids, *self._after, *reply]
        targets = np.full(len(ids), UNKNOWN, np.int64)
        start = len(ids) - len(reply)
        targets[start - 1 : -1] = reply
        flags, letters = np.full((2, 2, len(ids)), UNKNOWN, np.int64)
        if row.told[1]:
            inside = [i for i, (a, b) in enumerate(asked.offset_mapping) if a >= row.told[0] and b <= row.told[1]]
            for which, truth in enumerate(row.truths):
                for i in inside:
                    a, b = asked.offset_mapping[i]
                    flags[which, i] = int(any(a < end and b > begin for begin, end in truth.wrong))
        if words:
            places = {a: i for i, (a, _) in enumerate(asked.offset_mapping)}
            for which, truth in enumerate(row.truths):
                for word in words:
                    for i in range(len(word[1])):
                        known = truth.text[i : i + 1]
                        letters[which, places[word.start(1) + i]] = ord(known) - ord("A") + 1 if known else 0
        choice, options = -1, tuple[tuple[int, float], ...]()
        if row.choice >= 0:
            choice = start - 1 + len(self._tokenizer(row.reply[: row.choice]).input_ids)
            options = tuple((self.options[name], share) for name, share in row.options)
            targets[choice] = UNKNOWN
        where, grades = tuple(truth.astray for truth in row.truths), tuple(truth.grades for truth in row.truths)
        return Tokens(np.array(ids), targets, choice, options, flags, letters, where, grades)


def corpus(judged: Sequence[Judged]) -> Iterator[str]:
    """Text for a tokenizer: what cases say and what is replied, without the constant stretches."""
    for each in judged:
        yield each.case.prompt
        for question, _ in each.answers:
            yield question.text
        for row in rows(each):
            yield row.reply
