"""Asking for a level from 1 to 5: the question, the form of the reply, and the score of the answer.

The score is the expectation over the probabilities of the level's token, as in G-Eval (Liu et al., 2023, arXiv
2303.16634), renormalised over the five levels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model
from pydantic_core import PydanticKnownError

from evalkit.api.records import JSON, Case, Score, Status
from evalkit.judges.vlm.call import Call, ReplyForm, SentImage
from evalkit.judges.vlm.look import Coordinates, ExpectedLevel, Look, RubricResult, StatedFinding
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.reply import Answer, Asker, no_score
from evalkit.judges.vlm.rubric import GROUNDS, LEVELS, Rubric, category_of

UNITS: dict[Coordinates, str] = {
    "relative-1000": "thousandths of the width and height",
    "pixels": "pixels of the picture",
}
MOST_FINDINGS = 4
_FARTHEST: dict[Coordinates, int] = {"relative-1000": 1000, "pixels": 16_384}


def _integer(value: object) -> object:
    """The value itself. `Literal` alone takes `true` and `4.0` for integers, even where it is strict."""
    if type(value) is not int:
        raise PydanticKnownError("int_type")
    return value


class LevelForm(ReplyForm):
    """A level and the findings. The score comes first, so that its token depends on the picture and not on the
    findings."""

    form_name = "scale"
    choice = "score"
    score: Annotated[Literal[1, 2, 3, 4, 5], BeforeValidator(_integer)]
    findings: Sequence[StatedFinding]


@lru_cache(maxsize=64)
def level_form(kinds: tuple[str, ...], coordinates: Coordinates = "relative-1000") -> type[LevelForm]:
    """The form of a rubric whose findings may be of these kinds."""
    number = Annotated[int, Field(ge=0, le=_FARTHEST[coordinates])]
    box = Annotated[list[number], Field(min_length=4, max_length=4)]
    kind: Any = Literal[kinds]
    finding = create_model("StatedFinding", __base__=StatedFinding, kind=(kind, ...), box=(box, ...))
    findings = Annotated[list[finding], Field(max_length=MOST_FINDINGS)]
    return create_model("LevelForm", __base__=LevelForm, findings=(findings, ...))


def scale_call(
    rubric: Rubric,
    case: Case,
    images: Sequence[SentImage],
    aspect: str = "",
    coordinates: Coordinates = "relative-1000",
) -> Call[LevelForm]:
    """The question for a level of `rubric`; with `aspect`, for that aspect of an edit alone."""
    part = rubric.aspects[aspect] if aspect else rubric
    category = rubric.categories[category_of(rubric, case)] if rubric.categories else None
    look = [rubric.look, part.look] if aspect else [rubric.look, *([category.focus] if category else [])]
    text = render(
        "scale",
        title=category.title if category else rubric.title,
        look=" ".join(look),
        levels=sorted(part.levels.items(), reverse=True),
        unit=UNITS[coordinates],
        kinds=list(rubric.kinds),
        given=rubric.given,
        asked=neutral(case.prompt),
        texts=[neutral(target.text) for target in case.texts if target.text.split()],
        ground=GROUNDS.get(case.background.kind, ""),
    )
    return Call(render("system"), tuple(images), text, level_form(rubric.kinds, coordinates))


async def rate(asker: Asker, rubric: Rubric, look: Look, *, aspects: bool, unfit: Mapping[str, str]) -> RubricResult:
    """The score of one rubric; of an edit with its aspects, if those are wanted and the model is fit for them.

    Args:
        aspects: whether the aspects of edits are asked for.
        unfit: the aspects (`edit.text.spelling`) that the model is not fit to answer, with the reason.
    """
    shown = [look.picture if which == "picture" else look.source for which in rubric.shows]
    images = [image for image in shown if image is not None]
    kind = category_of(rubric, look.case)
    category = rubric.categories[kind] if rubric.categories else None
    known = category.aspects if category and aspects else ()
    left_out: dict[str, JSON] = {
        name: unfit[full] for name in known if (full := f"{rubric.name}.{kind}.{name}") in unfit
    }
    wanted = tuple(name for name in known if name not in left_out)

    async def level(aspect: str) -> Answer[LevelForm]:
        call = scale_call(rubric, look.case, images, aspect, look.coordinates)
        return await asker.ask(call, f"{rubric.name} {aspect}".strip())

    whole, *parts = await asyncio.gather(*(level(aspect) for aspect in ("", *wanted)))
    by_aspect = dict(zip(wanted, parts, strict=True))
    rows = [_row(rubric.name, whole), *(_row(f"{rubric.name}: {name}", one) for name, one in by_aspect.items())]
    evidence: dict[str, JSON] = {"category_of_edit": kind} if category else {}
    if left_out:
        evidence["aspects_not_asked"] = left_out
    caps = [by_aspect[name] for name in (category.caps if category else ()) if name in by_aspect]
    levels = [_level_of(one) for one in (whole, *caps)]
    for one, its_level in zip((whole, *caps), levels, strict=True):
        if its_level is None:  # the score must not be above a cap, and this cap is not known
            return RubricResult(no_score(rubric.dimension, one), evidence, rows)
    value = min(its_level.score for its_level in levels if its_level is not None)
    score = Score(rubric.dimension, Status.SCORED, unit_value(value))
    findings = whole.value.findings if whole.value else ()
    return RubricResult(score, evidence, rows, levels[0], findings)


def expected_level(stated: int, probabilities: Mapping[str, float]) -> ExpectedLevel:
    """Σ level·p(level) / Σ p(level); the stated level where the server gave no usable probabilities."""
    shares = {level: probabilities.get(str(level), 0.0) for level in LEVELS}
    total = sum(shares.values())
    if not total > 0:
        return ExpectedLevel(float(stated), stated, None, None)
    score = sum(level * share for level, share in shares.items()) / total
    return ExpectedLevel(score, stated, max(0.0, 1.0 - total), max(shares.values()) / total)


def unit_value(score: float) -> float:
    """A score in [1, 5] as a value in [0, 1]."""
    return (score - LEVELS[0]) / (LEVELS[-1] - LEVELS[0])


def _level_of(answer: Answer[LevelForm]) -> ExpectedLevel | None:
    return expected_level(answer.value.score, answer.reply.probabilities) if answer.value else None


def _row(what: str, answer: Answer[LevelForm]) -> dict[str, JSON]:
    """One row of the evidence."""
    level, notes = _level_of(answer), []
    if level is None:
        missing = dict.fromkeys(("expected", "stated", "leaked", "confidence"))
        return {"rubric": what, **missing, "note": "no reply"}
    if level.leaked is None:
        notes.append("no probabilities: the stated level")
    if answer.repaired or answer.calls > 1:
        notes.append("asked again" if answer.calls > 1 else "repaired")
    return {
        "rubric": what,
        "expected": round(level.score, 4),
        "stated": level.stated,
        "leaked": None if level.leaked is None else round(level.leaked, 4),
        "confidence": None if level.confidence is None else round(level.confidence, 4),
        "note": ", ".join(notes),
    }
