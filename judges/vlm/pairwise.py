"""Student against teacher, blind: the model sees two pictures, A and B, in both orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evalkit.api.records import Case
from evalkit.judges.vlm.ask import Ask, Shot
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.rubric import Rubric
from evalkit.judges.vlm.scale import closed

A, B, TIE = "A", "B", "tie"
_OPTIONS = (A, B, TIE)


class Preference(NamedTuple):
    """`value`: 1 the student is better, 0.5 tie, 0 worse. `consistent`: both orders said the same."""

    value: float
    consistent: bool


def pairwise_asks(rubric: Rubric, case: Case, student: Shot, teacher: Shot, source: Shot | None) -> tuple[Ask, Ask]:
    """The question with the student as A, and with the student as B."""
    text = render("pairwise", look=rubric.look, asked=neutral(case.prompt), source=source is not None)
    schema = closed({"better": {"type": "string", "enum": list(_OPTIONS)}})
    before = () if source is None else (source,)

    def ask(first: Shot, second: Shot) -> Ask:
        return Ask(render("system"), (*before, first, second), text, "pairwise", schema, "better", _OPTIONS, 32)

    return ask(student, teacher), ask(teacher, student)


def preference(first: str, second: str) -> Preference:
    """From the answers with the student as A (`first`) and as B (`second`). What depends on the order is a tie."""
    as_a: Mapping[str, float] = {A: 1.0, TIE: 0.5, B: 0.0}
    as_b: Mapping[str, float] = {A: 0.0, TIE: 0.5, B: 1.0}
    one, other = as_a[first], as_b[second]
    return Preference(one, True) if one == other else Preference(0.5, False)
