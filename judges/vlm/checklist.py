"""Yes/no questions about one case: those it brings, and those that follow from what it declares.

A question is asked only if those it depends on were answered right; otherwise it counts as wrong (Davidsonian scene
graph, Cho et al., 2023, arXiv 2310.18235).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.api.records import Case, Element, Question
from evalkit.judges.typography.normalise import lenient, strict
from evalkit.judges.vlm.ask import Ask, Shot
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.rubric import GROUNDS, Rubric
from evalkit.judges.vlm.scale import closed

YES, NO = "yes", "no"
CROP, READ = "@crop", "@read"
"""End the id of a question that is asked on a cut-out, and of a text that is to be read there without being told."""
_PAIRS = ("above", "left-of", "inside")
_PLAIN_KINDS = ("text", "region", "panel", "rule", "shape")
"""Kinds of elements that people have no word for."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question to ask. `text_index` is the text it is about, where it is to be asked on a cut-out.

    `read`: the model is not asked the question, but for what stands there; the answer follows.
    """

    question: Question
    text_index: int | None = None
    read: bool = False

    @property
    def id(self) -> str:
        return self.question.id


class Answered(NamedTuple):
    """What became of an item: `yes` is the answer, `None` where there is none and `reason` says why.

    `p_yes`: renormalised probability of yes, where the server gave probabilities. `read`: what the model read.
    """

    item: Item
    yes: bool | None
    p_yes: float | None = None
    reason: str = ""
    read: str | None = None

    @property
    def right(self) -> bool | None:
        return None if self.yes is None else self.yes == self.item.question.expected


def items(rubric: Rubric, case: Case, crops: Iterable[int] = ()) -> list[Item]:
    """The questions about `case`: its own first. `crops`: the texts of which there is a cut-out to ask about."""
    own = list(case.checklist)
    made = [Item(question) for question in own]
    taken = {question.id for question in own}
    made += [Item(question) for question in _generated(rubric, case, own) if question.id not in taken]
    for index in crops:
        text = neutral(case.texts[index].text)
        question = Question(f"text:{index}{CROP}", rubric.questions["text-crop"].format(text=text))
        made.append(Item(question, index))
        untold = Question(f"text:{index}{READ}", f'What is read on the cut-out: is it "{text}"?')
        made.append(Item(untold, index, read=True))
    return made


def question_ask(rubric: Rubric, question: str, shot: Shot) -> Ask:
    """One yes/no question about one picture or cut-out."""
    text = render("question", look=rubric.look, question=neutral(question))
    schema = closed({"answer": {"type": "string", "enum": [YES, NO]}})
    return Ask(render("system"), (shot,), text, "question", schema, "answer", (YES, NO), 32)


def reads(read: str, text: str) -> bool:
    """Whether `text` is among what was read, word by word; case, marks and what stands round it do not matter."""
    if not any(lenient(word) for word in text.split()):
        return strict(text) in strict(read)
    words, wanted = ([key for word in one.split() if (key := lenient(word))] for one in (read, text))
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))


def p_yes(probabilities: Mapping[str, float]) -> float | None:
    """Probability of yes, renormalised over yes and no; `None` without probabilities. Keys are JSON text."""
    yes, no = (probabilities.get(f'"{word}"', 0.0) for word in (YES, NO))
    return yes / (yes + no) if yes + no > 0 else None


def share(answered: Sequence[Answered]) -> float | None:
    """Share answered as expected, of those that were answered; `None` where fewer than half were."""
    known = [one.right for one in answered if one.right is not None]
    if not known or 2 * len(known) < len(answered):
        return None
    return sum(known) / len(known)


def ready(waiting: Sequence[Item], done: Mapping[str, Answered]) -> tuple[list[Item], list[Answered]]:
    """Of the `waiting`: what can be asked now, and what needs no asking because a question before it failed.

    A question that depends on one that is not there is asked as if it did not.
    """
    ids = {item.id for item in waiting} | set(done)
    now: list[Item] = []
    settled: list[Answered] = []
    for item in waiting:
        before = [name for name in item.question.depends_on if name in ids]
        known = [done[name] for name in before if name in done]
        if any(one.right is False for one in known):
            settled.append(Answered(item, not item.question.expected, reason="what it depends on is not so"))
        elif any(one.right is None for one in known):
            settled.append(Answered(item, None, reason="what it depends on was not answered"))
        elif len(known) == len(before):
            now.append(item)
    if waiting and not now and not settled:
        return [], [Answered(item, None, reason="the questions depend on each other in a circle") for item in waiting]
    return now, settled


# ---------------------------------------------------------------------------------------------------- made questions


def _generated(rubric: Rubric, case: Case, own: Sequence[Question]) -> list[Question]:
    """What the declarations ask, but for what the case's own questions ask already."""
    said = " ".join(question.text for question in own)
    ids = {question.id for question in own}
    made: list[Question] = []
    for index, target in enumerate(case.texts):
        if target.text.split() and target.text not in said:
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
    """The questions about one relation of things that all have a name, after those that ask for the things."""
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
    """Elements that can be named so that nothing else is meant, by id: `the text "SALE"`, `the circle`."""
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
    """The one declared text that an element of kind `text` stands for."""
    same = [i for i, target in enumerate(case.texts) if target.box == element.box and target.text.split()]
    return same[0] if element.kind == "text" and len(same) == 1 else None


def _some(name: str) -> str:
    noun = name.removeprefix("the ")
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"
