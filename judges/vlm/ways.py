"""The three ways of asking, each from the question to what it is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON, Box, Case, Score, Status
from evalkit.judges.vlm.ask import Shot
from evalkit.judges.vlm.asking import Asker, no_score
from evalkit.judges.vlm.checklist import YES, Answered, Item, items, p_yes, question_ask, reads, ready, share
from evalkit.judges.vlm.crops import crop, shot_of
from evalkit.judges.vlm.pairwise import pairwise_asks, preference
from evalkit.judges.vlm.pixels import fit
from evalkit.judges.vlm.reply import Answer
from evalkit.judges.vlm.rubric import Rubric, category_of
from evalkit.judges.vlm.scale import Coordinates, Expected, expected, scale_ask, unit_value
from evalkit.judges.vlm.transcribe import transcribe_ask


class Shown(NamedTuple):
    """What the model is shown of one look. `crops`: where the texts are to be read on cut-outs, by index, px.

    `max_pixels`: of a cut-out; a larger one is sent smaller, as the pictures are.
    """

    case: Case
    pixels: Pixels
    picture: Shot
    source: Shot | None
    twin: Shot | None
    crops: Mapping[int, Box]
    coordinates: Coordinates
    max_pixels: int


class Part(NamedTuple):
    """What one rubric comes to. `levels`: a row of the evidence for each level that was asked for.

    `stated` and `level`: findings of the reply, and the level they came with.
    """

    score: Score
    evidence: dict[str, JSON]
    levels: Sequence[dict[str, JSON]] = ()
    stated: Sequence[Mapping[str, JSON]] = ()
    level: Expected | None = None
    consistent: bool | None = None


async def rate(asker: Asker, rubric: Rubric, shown: Shown, *, aspects: bool, unfit: Mapping[str, str]) -> Part:
    """A level of one rubric; of an edit with its aspects, if those are wanted and the model is fit for them."""
    images = [shown.picture if which == "picture" else shown.source for which in rubric.shows]
    shots = [shot for shot in images if shot is not None]
    kind = category_of(rubric, shown.case)
    category = rubric.categories[kind] if rubric.categories else None
    known = category.aspects if category and aspects else ()
    left_out: dict[str, JSON] = {
        name: unfit[full] for name in known if (full := f"{rubric.name}.{kind}.{name}") in unfit
    }
    wanted = tuple(name for name in known if name not in left_out)

    async def level(aspect: str) -> Answer:
        ask = scale_ask(rubric, shown.case, shots, aspect, shown.coordinates)
        return await asker.ask(ask, f"{rubric.name} {aspect}".strip())

    whole, *parts = await asyncio.gather(*(level(aspect) for aspect in ("", *wanted)))
    by_aspect = dict(zip(wanted, parts, strict=True))
    rows = [_row(rubric.name, whole), *(_row(f"{rubric.name}: {name}", one) for name, one in by_aspect.items())]
    evidence: dict[str, JSON] = {"category_of_edit": kind} if category else {}
    if left_out:
        evidence["aspects_not_asked"] = left_out
    held = [by_aspect[cap] for cap in (category.caps if category else ()) if cap in by_aspect]
    for one in (whole, *held):
        if one.value is None:  # without what holds the level down there is none
            return Part(no_score(rubric.dimension, one), evidence, rows)
    score = _expected(whole)
    value = min([score.score, *(_expected(one).score for one in held)])
    scored = Score(rubric.dimension, Status.SCORED, unit_value(value))
    assert whole.value is not None
    return Part(scored, evidence, rows, tuple(whole.value.get("findings", ())), score)


async def check(asker: Asker, rubric: Rubric, shown: Shown) -> Part:
    """The yes/no questions of the case: those that others depend on first."""
    waiting = items(rubric, shown.case, shown.crops)
    if not waiting:
        return Part(Score(rubric.dimension, Status.UNSCORED, reason="the case gives nothing to ask"), {})
    order = [item.id for item in waiting]
    done: dict[str, Answered] = {}
    failed: Answer | None = None
    cut = {index: fit(shot_of(crop(shown.pixels, box)), shown.max_pixels) for index, box in shown.crops.items()}

    async def put(item: Item) -> tuple[Answered, Answer]:
        shot = shown.picture if item.text_index is None else cut[item.text_index]
        ask = transcribe_ask(shot) if item.read else question_ask(rubric, item.question.text, shot)
        given = await asker.ask(ask, f"{rubric.name} {item.id}")
        if given.value is None:
            return Answered(item, None, reason=given.reason), given
        if item.read and item.text_index is not None:
            read = str(given.value["text"])
            return Answered(item, reads(read, shown.case.texts[item.text_index].text), read=read), given
        return Answered(item, given.value["answer"] == YES, p_yes(given.reply.probabilities)), given

    while waiting:
        now, settled = ready(waiting, done)
        for one, given in await asyncio.gather(*(put(item) for item in now)):
            settled.append(one)
            failed = given if one.yes is None else failed
        done |= {one.item.id: one for one in settled}
        waiting = [item for item in waiting if item.id not in done]
    answered = [done[id] for id in order]
    value = share(answered)
    evidence: dict[str, JSON] = {"questions": [_answered(one) for one in answered]}
    if value is not None:
        return Part(Score(rubric.dimension, Status.SCORED, value), evidence)
    known = sum(one.yes is not None for one in answered)
    if failed is not None and failed.reply.error:
        return Part(no_score(rubric.dimension, failed), evidence)
    reason = f"only {known} of {len(answered)} questions were answered"
    return Part(Score(rubric.dimension, Status.UNSCORED, reason=reason), evidence)


async def prefer(asker: Asker, rubric: Rubric, shown: Shown) -> Part:
    """Student against teacher, in both orders."""
    assert shown.twin is not None
    asks = pairwise_asks(rubric, shown.case, shown.picture, shown.twin, shown.source)
    names = ("student first", "teacher first")
    answers = await asyncio.gather(*(asker.ask(a, f"{rubric.name} {n}") for a, n in zip(asks, names, strict=True)))
    said = [str(answer.value["better"]) for answer in answers if answer.value is not None]
    if len(said) < len(answers):
        return Part(no_score(rubric.dimension, next(answer for answer in answers if answer.value is None)), {})
    result = preference(*said)
    evidence: dict[str, JSON] = {"pair": {**dict(zip(names, said, strict=True)), "consistent": result.consistent}}
    scored = Score(rubric.dimension, Status.SCORED, result.value)
    return Part(scored, evidence, consistent=result.consistent)


def _expected(answer: Answer) -> Expected:
    assert answer.value is not None
    return expected(answer.value["score"], answer.reply.probabilities)


def _row(what: str, answer: Answer) -> dict[str, JSON]:
    if answer.value is None:
        return {
            "rubric": what,
            "expected": None,
            "stated": None,
            "leaked": None,
            "confidence": None,
            "note": "no reply",
        }
    score, notes = _expected(answer), []
    if score.leaked is None:
        notes.append("no probabilities: the stated level")
    if answer.repaired or answer.asked > 1:
        notes.append("asked again" if answer.asked > 1 else "repaired")
    return {
        "rubric": what,
        "expected": round(score.score, 4),
        "stated": score.stated,
        "leaked": None if score.leaked is None else round(score.leaked, 4),
        "confidence": None if score.confidence is None else round(score.confidence, 4),
        "note": ", ".join(notes),
    }


def _answered(one: Answered) -> dict[str, JSON]:
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
