"""Yes/no questions about one case: those it brings, and those that follow from what it declares.

A question is asked only if those it depends on were answered as expected; otherwise it counts as wrong (Davidsonian
scene graph, Cho et al., 2023, arXiv 2310.18235).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from evalkit.api.records import JSON, Case, Element, Question, Score, Status
from evalkit.judges.typography.normalise import lenient, strict
from evalkit.judges.vlm.call import Call, ReplyForm, SentImage
from evalkit.judges.vlm.look import Look, RubricResult
from evalkit.judges.vlm.pixels import crop, fit, sent_image
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.reply import Answer, Asker, no_score
from evalkit.judges.vlm.rubric import GROUNDS, Rubric

CROP, READ = "@crop", "@read"
"""End the id of a question that is asked on a cut-out, and of a text that the model reads there without being told
what must stand there."""
NOTHING_TO_ASK = "the case gives nothing to ask"
MOST_READ = 200
"""Characters of a text that is read, at most."""
_PAIRS = ("above", "left-of", "inside")
_PLAIN_KINDS = ("text", "region", "panel", "rule", "shape")
"""Kinds of elements that people have no word for."""


class YesNoForm(ReplyForm):
    """The answer to a yes/no question."""

    form_name = "question"
    choice = "answer"
    answer: Literal["yes", "no"]


class ReadForm(ReplyForm):
    """The text that the model reads."""

    form_name = "transcription"
    text: Annotated[str, Field(max_length=MOST_READ)]


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One question to ask.

    Args:
        question: with its id and the answer that is expected.
        text_index: the text it is about, where it is asked on a cut-out of that text.
        read: the model is not asked the question, but to read the cut-out; the answer follows from what it reads.
    """

    question: Question
    text_index: int | None = None
    read: bool = False

    @property
    def id(self) -> str:
        return self.question.id


class ChecklistAnswer(NamedTuple):
    """The answer to an item.

    Args:
        item: what was asked.
        yes: the answer; `None` where there is none and `reason` says why.
        p_yes: renormalised probability of yes, where the server gave probabilities.
        reason: why there is no answer, or why an answer follows without asking.
        read: what the model read.
    """

    item: ChecklistItem
    yes: bool | None
    p_yes: float | None = None
    reason: str = ""
    read: str | None = None

    @property
    def right(self) -> bool | None:
        """Whether the answer is the expected one; `None` without an answer."""
        return None if self.yes is None else self.yes == self.item.question.expected


async def check(asker: Asker, rubric: Rubric, look: Look) -> RubricResult:
    """The share of the case's yes/no questions that are answered as expected."""
    waiting = checklist_items(rubric, look.case, look.text_boxes)
    if not waiting:
        return RubricResult(Score(rubric.dimension, Status.UNSCORED, reason=NOTHING_TO_ASK), {})
    order = [item.id for item in waiting]
    done: dict[str, ChecklistAnswer] = {}
    failed: Answer[ReplyForm] | None = None
    cut_outs = {i: fit(sent_image(crop(look.pixels, box)), look.max_pixels) for i, box in look.text_boxes.items()}

    async def ask(item: ChecklistItem) -> tuple[ChecklistAnswer, Answer[ReplyForm]]:
        image = look.picture if item.text_index is None else cut_outs[item.text_index]
        about = f"{rubric.name} {item.id}"
        if item.read and item.text_index is not None:
            reading = await asker.ask(read_call(image), about)
            if reading.value is None:
                return ChecklistAnswer(item, None, reason=reading.reason), reading
            text = reading.value.text
            return ChecklistAnswer(item, reads(text, look.case.texts[item.text_index].text), read=text), reading
        answer = await asker.ask(question_call(rubric, item.question.text, image), about)
        if answer.value is None:
            return ChecklistAnswer(item, None, reason=answer.reason), answer
        return ChecklistAnswer(item, answer.value.answer == "yes", p_yes(answer.reply.probabilities)), answer

    while waiting:
        now, settled = ready(waiting, done)
        for one, answer in await asyncio.gather(*(ask(item) for item in now)):
            settled.append(one)
            failed = answer if one.yes is None else failed
        done |= {one.item.id: one for one in settled}
        waiting = [item for item in waiting if item.id not in done]
    answers = [done[id] for id in order]
    value = share(answers)
    evidence: dict[str, JSON] = {"questions": [_row(one) for one in answers]}
    if value is not None:
        return RubricResult(Score(rubric.dimension, Status.SCORED, value), evidence)
    if failed is not None and failed.reply.error:
        return RubricResult(no_score(rubric.dimension, failed), evidence)
    known = sum(one.yes is not None for one in answers)
    reason = f"only {known} of {len(answers)} questions were answered"
    return RubricResult(Score(rubric.dimension, Status.UNSCORED, reason=reason), evidence)


def checklist_items(rubric: Rubric, case: Case, cut_outs: Iterable[int] = ()) -> list[ChecklistItem]:
    """The questions about `case`, its own first. `cut_outs`: indices of the texts to ask about on cut-outs as well."""
    own = list(case.checklist)
    made = [ChecklistItem(question) for question in own]
    taken = {question.id for question in own}
    made += [ChecklistItem(question) for question in _generated(rubric, case, own) if question.id not in taken]
    for index in cut_outs:
        text = neutral(case.texts[index].text)
        question = Question(f"text:{index}{CROP}", rubric.questions["text-crop"].format(text=text))
        made.append(ChecklistItem(question, index))
        reading = Question(f"text:{index}{READ}", f'What is read on the cut-out: is it "{text}"?')
        made.append(ChecklistItem(reading, index, read=True))
    return made


def question_call(rubric: Rubric, question: str, image: SentImage) -> Call[YesNoForm]:
    """One yes/no question about one picture or cut-out."""
    text = render("question", look=rubric.look, question=neutral(question))
    return Call(render("system"), (image,), text, YesNoForm, 32)


def read_call(image: SentImage) -> Call[ReadForm]:
    """The question for all text in a picture or cut-out."""
    return Call(render("system"), (image,), render("transcribe"), ReadForm)


def reads(read: str, text: str) -> bool:
    """Whether the words of `text` follow each other in what was read. Case and punctuation don't count."""
    if not any(lenient(word) for word in text.split()):
        return strict(text) in strict(read)
    words, wanted = ([key for word in one.split() if (key := lenient(word))] for one in (read, text))
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def p_yes(probabilities: Mapping[str, float]) -> float | None:
    """Probability of yes, renormalised over yes and no; `None` without probabilities. Keys are JSON text."""
    yes, no = (probabilities.get(f'"{word}"', 0.0) for word in ("yes", "no"))
    return yes / (yes + no) if yes + no > 0 else None


def share(answers: Sequence[ChecklistAnswer]) -> float | None:
    """Share of the right answers among those that were given; `None` where fewer than half were given."""
    known = [one.right for one in answers if one.right is not None]
    if not known or 2 * len(known) < len(answers):
        return None
    return sum(known) / len(known)


def ready(
    waiting: Sequence[ChecklistItem], done: Mapping[str, ChecklistAnswer]
) -> tuple[list[ChecklistItem], list[ChecklistAnswer]]:
    """Of the items `waiting`: those that can be asked now, and the answers of those that need not be asked because a
    question they depend on failed.

    A dependency on a question that does not exist is ignored.
    """
    ids = {item.id for item in waiting} | set(done)
    now: list[ChecklistItem] = []
    settled: list[ChecklistAnswer] = []
    for item in waiting:
        before = [name for name in item.question.depends_on if name in ids]
        known = [done[name] for name in before if name in done]
        if any(one.right is False for one in known):
            settled.append(ChecklistAnswer(item, not item.question.expected, reason="what it depends on is not so"))
        elif any(one.right is None for one in known):
            settled.append(ChecklistAnswer(item, None, reason="what it depends on was not answered"))
        elif len(known) == len(before):
            now.append(item)
    if waiting and not now and not settled:
        return [], [
            ChecklistAnswer(item, None, reason="the questions depend on each other in a circle") for item in waiting
        ]
    return now, settled


def _row(one: ChecklistAnswer) -> dict[str, JSON]:
    """One row of the evidence."""
    question = one.item.question
    return {
        "id": one.item.id,
        "question": question.text,
        "expected": question.expected,
        "answer": one.yes if not one.reason or one.yes is None else None,
        "p_yes": None if one.p_yes is None else round(one.p_yes, 4),
        **({} if one.read is None else {"read": one.read}),
        **({"counts_as": one.right, "reason": one.reason} if one.reason else {}),
    }


# ------------------------------------------------------------------------------- questions that follow from the case


def _generated(rubric: Rubric, case: Case, own: Sequence[Question]) -> list[Question]:
    """The questions that follow from what the case declares, without those that its own questions ask already."""
    own_texts = " ".join(question.text for question in own)
    ids = {question.id for question in own}
    made: list[Question] = []
    for index, target in enumerate(case.texts):
        if target.text.split() and target.text not in own_texts:
            made.append(_question(f"text:{index}", rubric.questions["text"], text=neutral(target.text)))
    names = _names(case)
    if not own:
        shown = {id: name for id, name in names.items() if not name.startswith("the text")}
        made += [_question(f"element:{id}", rubric.questions["element"], one=_some(name)) for id, name in shown.items()]
    asked_by = {one.id: f"text:{i}" for one in case.elements if (i := _text_of(one, case)) is not None}
    asked_by |= {id: f"element:{id}" for id in names if id not in asked_by}
    made += _relations(rubric, case, names, asked_by)
    if case.background.kind in GROUNDS and not case.background.texture_wanted and "background" not in ids:
        made.append(Question("background", rubric.questions[case.background.kind]))
    return made


def _relations(rubric: Rubric, case: Case, names: Mapping[str, str], asked_by: Mapping[str, str]) -> list[Question]:
    made: list[Question] = []
    kinds = {element.id: element.kind for element in case.elements}
    for number, relation in enumerate(case.relations):
        id = f"relation:{number}"
        if relation.kind == "count":
            counted = Counter(kinds[each] for each in relation.elements if each in kinds)
            if counted and not set(counted) & set(_PLAIN_KINDS):
                counts = ", ".join(f"{kind}: {n}" for kind, n in sorted(counted.items()))
                made.append(_question(id, rubric.questions["count"], counts=neutral(counts)))
            continue
        known = [names[each] for each in relation.elements if each in names]
        before = [asked_by[each] for each in relation.elements if each in asked_by]
        if relation.kind not in rubric.questions or len(known) != len(relation.elements) or not known:
            continue
        made += _related(rubric, relation.kind, id, known, before)
    return made


def _related(rubric: Rubric, kind: str, id: str, known: Sequence[str], before: Sequence[str]) -> list[Question]:
    """The questions about one relation between named elements; they depend on the questions `before`."""
    template = rubric.questions[kind]
    if kind in _PAIRS and len(known) == 2:
        return [_question(id, template, before, a=known[0], b=known[1])]
    if kind == "no-overlap" and len(known) > 1:
        return [_question(id, template, before, all=", ".join(known[:-1]) + " and " + known[-1])]
    if kind == "centered":
        return [_question(f"{id}:{n}", template, before, a=name) for n, name in enumerate(known)]
    return []


def _question(id: str, template: str, before: Sequence[str] = (), **values: str) -> Question:
    return Question(id, template.format(**values), depends_on=tuple(before))


def _names(case: Case) -> dict[str, str]:
    """Names of the elements that can be named unambiguously, by id: `the text "SALE"`, `the circle`."""
    kinds = Counter(element.kind for element in case.elements)
    named = {element.id: _name(element, case, kinds) for element in case.elements}
    return {id: name for id, name in named.items() if name}


def _name(element: Element, case: Case, kinds: Counter[str]) -> str:
    index = _text_of(element, case)
    if index is not None:
        return f'the text "{neutral(case.texts[index].text)}"'
    if element.kind in _PLAIN_KINDS or kinds[element.kind] > 1:
        return ""
    return f"the {neutral(element.kind)}"


def _text_of(element: Element, case: Case) -> int | None:
    """Index of the one declared text that an element of kind `text` stands for; `None` if there is not exactly one."""
    same = [i for i, target in enumerate(case.texts) if target.box == element.box and target.text.split()]
    return same[0] if element.kind == "text" and len(same) == 1 else None


def _some(name: str) -> str:
    noun = name.removeprefix("the ")
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"
