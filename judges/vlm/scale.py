"""Asking for a level from 1 to 5: the question, and the score expected from the probabilities of its tokens.

The expectation over score tokens is that of G-Eval (Liu et al., 2023, arXiv 2303.16634), renormalised over the options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from evalkit.api.records import JSON, Case
from evalkit.judges.vlm.ask import Ask, Shot
from evalkit.judges.vlm.render import neutral, render
from evalkit.judges.vlm.rubric import GROUNDS, LEVELS, Rubric, category_of

Coordinates = Literal["relative-1000", "pixels"]
UNITS: dict[Coordinates, str] = {
    "relative-1000": "thousandths of the width and height",
    "pixels": "pixels of the picture",
}
MOST_FINDINGS = 4
_FARTHEST: dict[Coordinates, int] = {"relative-1000": 1000, "pixels": 16_384}


class Expected(NamedTuple):
    """A score in [1, 5]. `leaked`: probability mass outside the levels, `None` where `stated` is all there is.

    `confidence`: renormalised probability of the likeliest level.
    """

    score: float
    stated: int
    leaked: float | None
    confidence: float | None


def scale_ask(
    rubric: Rubric, case: Case, images: Sequence[Shot], aspect: str = "", coordinates: Coordinates = "relative-1000"
) -> Ask:
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
    schema = scale_schema(rubric.kinds, coordinates)
    return Ask(render("system"), tuple(images), text, "scale", schema, "score", LEVELS)


def scale_schema(kinds: Sequence[str], coordinates: Coordinates = "relative-1000") -> dict[str, JSON]:
    """The reply: the score first, so that its token speaks for the picture and not for the findings."""
    number = {"type": "integer", "minimum": 0, "maximum": _FARTHEST[coordinates]}
    box = {"type": "array", "items": number, "minItems": 4, "maxItems": 4}
    finding = closed({"kind": {"type": "string", "enum": list(kinds)}, "box": box})
    findings = {"type": "array", "items": finding, "maxItems": MOST_FINDINGS}
    return closed({"score": {"type": "integer", "enum": list(LEVELS)}, "findings": findings})


def closed(properties: Mapping[str, JSON]) -> dict[str, JSON]:
    """JSON schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def expected(stated: int, probabilities: Mapping[str, float]) -> Expected:
    """The score: Σ level·p(level) / Σ p(level); the stated level where the server gave no usable probabilities."""
    shares = {level: probabilities.get(str(level), 0.0) for level in LEVELS}
    total = sum(shares.values())
    if not total > 0:
        return Expected(float(stated), stated, None, None)
    score = sum(level * share for level, share in shares.items()) / total
    return Expected(score, stated, max(0.0, 1.0 - total), max(shares.values()) / total)


def unit_value(score: float) -> float:
    """A score in [1, 5] as a value in [0, 1]."""
    return (score - LEVELS[0]) / (LEVELS[-1] - LEVELS[0])
