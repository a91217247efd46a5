"""Makes training rows from judged pictures: a question in the words of the rubrics, and its right reply."""

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
"""The options of scores, answers and comparisons."""
END = "<|im_end|>"
WORD = re.compile(r'["<>]([A-Z]{3,7})["<>]')
"""A word in a prompt that the picture must show."""
NOTED = 1.0
"""Size, in visibility thresholds, from which a defect is reported as a finding."""
MOST_FINDINGS = 2
CLEAR, EQUAL = 1.2, 0.25
"""Difference between two pictures' defects from which one picture is better; difference up to which it is a tie."""
UNKNOWN = -100
"""Value of a target that no loss takes into account."""
GRADED = (*SCALES, "edit.instruction", "edit.source-kept")
"""Rubrics and aspects by which every picture is graded, whatever the question."""


class Truth(NamedTuple):
    """What is true of a picture that a question is about, for the helpers.

    Args:
        text: what is written in it.
        wrong: stretches of `Row.asked` that are not true of the picture.
        astray: (tokens,) 1 where a token's tiles don't show what was wanted, 0 elsewhere; empty where unknown.
        grades: one for each of `GRADED`, from 0 (bad) to 1; NaN where it doesn't apply; empty where unknown.
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
        asked: everything after the pictures, up to the beginning of the reply.
        reply: the right reply.
        choice: offset in `reply` of the token that is learnt as a distribution; −1 for none.
        options: the options of that token, and how probable each is.
        checkable: the stretch of `asked` of which each word is known to be true or false.
        other: the question is about another case than the picture was made for.
        truths: of the picture, or of the two that are compared, the picture that is shown last first.
    """

    kind: str
    images: tuple[str, ...]
    asked: str
    reply: str
    choice: int = -1
    options: tuple[tuple[str, float], ...] = ()
    checkable: tuple[int, int] = (0, 0)
    other: bool = False
    truths: tuple[Truth, ...] = ()


def options_of(kind: str) -> tuple[str, ...]:
    """The options of the reply to the prompt of that name."""
    if kind == "question":
        return ANSWERS
    return BETTER if kind.startswith("pairwise") else LEVELS


def score_of(size: float) -> float:
    """The score in [1, 5] of defects of a size in thresholds: 3.4 at the threshold, 2.1 at twice."""
    return 1 + 4 / (1 + (size / 1.25) ** 2)


def grades_of(worse: Mapping[str, float]) -> tuple[float, ...]:
    """One grade for each of `GRADED`, from the sizes of the defects that count there."""
    return tuple((score_of(worse[name]) - 1) / 4 if name in worse else math.nan for name in GRADED)


def levels(score: float) -> tuple[tuple[str, float], ...]:
    """A distribution over the two nearest levels with that expectation."""
    low = min(4, int(score))
    return tuple((str(level), max(0.0, 1 - abs(level - score))) for level in (low, low + 1))


def rows(judged: Judged) -> Iterator[Row]:
    """The rows of every question about a judged picture."""
    plain = (Truth(judged.text),)
    yield from _scales(judged)
    for question, answer in judged.answers:
        right = "yes" if answer else "no"
        asked, _ = _put("question", question.text)
        begin = '{"answer": "'
        options = ((right, 1.0),)
        yield Row("question", ("picture",), asked, f'{begin}{right}"}}', len(begin), options, truths=plain)
    yield from _pairs(judged)
    for other in judged.others:
        for row in _scales(other):
            if row.kind.partition(".")[0] in ("compliance", "text", "layout", "edit"):
                yield row._replace(other=True)
    yield Row("transcribe", ("picture",), _put("transcribe", "")[0], f'{{"text": "{judged.text}"}}', truths=plain)
    if judged.description:
        yield Row("describe", ("picture",), _put("describe", "")[0], judged.description, truths=plain)


def _scales(judged: Judged) -> Iterator[Row]:
    """Rows that ask for the level of every rubric that applies; for an edit, of its aspects as well."""
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
    """Size of the defects that count for a prompt that asks for a level, in visibility thresholds."""
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
    checkable, truth = (0, 0), Truth(judged.text)
    if at >= 0:
        checkable, truth = (at, at + len(given)), _truth(judged, at, given)
    reply = f'{begin}{best}, "findings": [{", ".join(_finding(kind, box, judged) for kind, box in found)}]}}'
    return Row(name, images, asked, reply, len(begin), distribution, checkable, truths=(truth,))


def _truth(judged: Judged, at: int, given: str) -> Truth:
    """What is true of a picture in the words `given` at `at` in a question: the case's prompt, or the text it wants."""
    if given == judged.case.prompt:
        wrong = tuple((at + a, at + b) for a, b in judged.wrong)
        return Truth(judged.text, wrong, _by_token(judged.astray), grades_of(judged.worse))
    return Truth(judged.text, tuple((at + i, at + i + 1) for i in _misspelt(given, judged.text)))


def _by_token(tiles: NDArray[np.int64]) -> tuple[int, ...]:
    """(rows, columns) of tiles as (tokens,): a token covers 2×2 tiles."""
    rows, columns = tiles.shape
    return tuple(int(v) for v in tiles.reshape(rows // 2, 2, columns // 2, 2).max((1, 3)).flat) if tiles.size else ()


def _pairs(judged: Judged) -> Iterator[Row]:
    """Rows that ask in both orders which of two pictures is better."""
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
    """The prompt with the words of the case in it, and the offset at which they begin (−1 if it has none)."""
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
    """A row as token ids: everything after the pictures.

    Targets are −100 where nothing is known or learnt. Helpers have one target for the picture that the question is
    about (of a pair, the last one) and one for the other picture of a pair.

    Args:
        ids: (length,) tokens.
        targets: (length,) next tokens where the reply is learnt.
        choice: place where a distribution is learnt instead; −1 for none.
        options: that distribution: ids and their shares.
        flags: (2, length) 1 on tokens of the prompt that are not true of the picture, 0 on those that are.
        letters: (2, length) on each letter of a word that must be shown, the number of the letter that stands in its
            place in the picture (A is 1), 0 for none.
        astray, grades: those of `Truth`; empty where unknown.
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
    """Turns rows into tokens; the constant parts are tokenized once."""

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
        """Tokens of everything before the question, with that many pictures of `tokens` tokens each."""
        ids: list[int] = self._tokenizer(opening(system(), images, tokens)).input_ids
        return ids

    def code(self, row: Row) -> Tokens:
        words = list(WORD.finditer(row.asked)) if row.truths else []
        asked = self._tokenizer(row.asked, return_offsets_mapping=bool(row.checkable[1] or words))
        reply: list[int] = self._tokenizer(row.reply + END).input_ids
        ids = [*asked.input_ids, *self._after, *reply]
        targets = np.full(len(ids), UNKNOWN, np.int64)
        start = len(ids) - len(reply)
        targets[start - 1 : -1] = reply
        flags, letters = np.full((2, 2, len(ids)), UNKNOWN, np.int64)
        if row.checkable[1]:
            inside = [
                i for i, (a, b) in enumerate(asked.offset_mapping) if a >= row.checkable[0] and b <= row.checkable[1]
            ]
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
    """Text to train a tokenizer on: words of cases and replies, without the constant stretches."""
    for each in judged:
        yield each.case.prompt
        for question, _ in each.answers:
            yield question.text
        for row in rows(each):
            yield row.reply
