"""Student against teacher, blind: the model sees two pictures, A and B, in both orders."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, NamedTuple

from evalkit.api.records import JSON, Case, Score, Status
from evalkit.judges.vlm.call import Call, ReplyForm, SentImage
from evalkit.judges.vlm.look import Look, RubricResult
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.reply import Asker, no_score
from evalkit.judges.vlm.rubric import Rubric

_STUDENT_AS_A: Mapping[str, float] = {"A": 1.0, "tie": 0.5, "B": 0.0}
_STUDENT_AS_B: Mapping[str, float] = {"A": 0.0, "tie": 0.5, "B": 1.0}


class PairForm(ReplyForm):
    """Which of two pictures is better."""

    form_name = "pairwise"
    choice = "better"
    better: Literal["A", "B", "tie"]


class Preference(NamedTuple):
    """`value`: 1 the student is better, 0.5 tie, 0 worse. `consistent`: both orders gave the same answer."""

    value: float
    consistent: bool


def pairwise_calls(
    rubric: Rubric, case: Case, student: SentImage, teacher: SentImage, source: SentImage | None
) -> tuple[Call[PairForm], Call[PairForm]]:
    """The question with the student as A, and with the student as B."""
    text = render("pairwise", look=rubric.look, asked=neutral(case.prompt), source=source is not None)
    before = () if source is None else (source,)

    def call(first: SentImage, second: SentImage) -> Call[PairForm]:
        return Call(render("system"), (*before, first, second), text, PairForm, 32)

    return call(student, teacher), call(teacher, student)


def preference(first: str, second: str) -> Preference:
    """From the answers with the student as A (`first`) and as B (`second`).

    If the answer changes with the order of the pictures, the pair counts as a tie.
    """
    one, other = _STUDENT_AS_A[first], _STUDENT_AS_B[second]
    return Preference(one, True) if one == other else Preference(0.5, False)


async def prefer(asker: Asker, rubric: Rubric, look: Look) -> RubricResult:
    """Whether the model prefers the student or the teacher, asked in both orders."""
    assert look.twin is not None
    calls = pairwise_calls(rubric, look.case, look.picture, look.twin, look.source)
    orders = ("student first", "teacher first")
    answers = await asyncio.gather(
        *(asker.ask(call, f"{rubric.name} {order}") for call, order in zip(calls, orders, strict=True))
    )
    better = [answer.value.better for answer in answers if answer.value is not None]
    if len(better) < len(answers):
        unusable = next(answer for answer in answers if answer.value is None)
        return RubricResult(no_score(rubric.dimension, unusable), {})
    result = preference(*better)
    evidence: dict[str, JSON] = {"pair": {**dict(zip(orders, better, strict=True)), "consistent": result.consistent}}
    return RubricResult(Score(rubric.dimension, Status.SCORED, result.value), evidence, consistent=result.consistent)
