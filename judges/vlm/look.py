"""One look at a picture: all that the model is shown, and what one rubric makes of its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from evalkit.api.pictures import Pixels
from evalkit.api.records import JSON, Box, Case, Score
from evalkit.judges.vlm.call import ReplyPart, SentImage

Coordinates = Literal["relative-1000", "pixels"]
"""In what unit the model states boxes."""


class Look(NamedTuple):
    """What the model is shown in one look at a picture.

    Args:
        case: of the picture.
        pixels: (H, W, 3) of the judged picture.
        picture, source, twin: as they are sent; `None` where there is none.
        text_boxes: where the texts are to be read on cut-outs, by index, in px of `pixels`.
        coordinates: the unit in which the model states boxes.
        max_pixels: of one image; a larger one is sent smaller.
    """

    case: Case
    pixels: Pixels
    picture: SentImage
    source: SentImage | None
    twin: SentImage | None
    text_boxes: Mapping[int, Box]
    coordinates: Coordinates
    max_pixels: int


class StatedFinding(ReplyPart):
    """A defect as the model states it: its kind, and a box [x0, y0, x1, y1] in the model's own unit."""

    kind: str
    box: list[int]


class ExpectedLevel(NamedTuple):
    """A level in [1, 5], expected from the probabilities of the tokens.

    Args:
        score: the expectation, or the stated level where the server gave no probabilities.
        stated: the level that the reply states.
        leaked: probability mass outside the levels; `None` without probabilities.
        confidence: renormalised probability of the likeliest level; `None` without probabilities.
    """

    score: float
    stated: int
    leaked: float | None
    confidence: float | None


class RubricResult(NamedTuple):
    """What one rubric says of a picture.

    Args:
        score: of the rubric's dimension.
        evidence: for the verdict.
        rows: one row of the evidence for each level that was asked for.
        level: of the whole picture, where the rubric asks for one.
        findings: that the reply stated with `level`.
        consistent: of a pair: whether both orders gave the same answer.
    """

    score: Score
    evidence: dict[str, JSON]
    rows: Sequence[dict[str, JSON]] = ()
    level: ExpectedLevel | None = None
    findings: Sequence[StatedFinding] = ()
    consistent: bool | None = None
