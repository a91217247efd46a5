"""Asks as the rubrics make them, for tests of whoever answers."""

import dataclasses

import numpy as np

from evalkit.api.pictures import encode_png
from evalkit.judges.vlm.ask import Ask, Shot

SCALE = {
    "type": "object",
    "properties": {
        "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
        "findings": {
            "type": "array",
            "maxItems": 4,
            "items": {
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "enum": ["typo", "grain"]},
                    "box": {
                        "type": "array",
                        "items": {"type": "integer", "minimum": 0, "maximum": 1000},
                        "minItems": 4,
                        "maxItems": 4,
                    },
                },
                "required": ["kind", "box"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["score", "findings"],
    "additionalProperties": False,
}
ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 20}},
    "required": ["text"],
    "additionalProperties": False,
}


def shot(width=64, height=64, level=128):
    png = encode_png(np.full((height, width, 3), level, np.uint8))
    return Shot(png, f"sha-{width}-{height}-{level}", width, height)


def scale(**over):
    ask = Ask("You judge.", (shot(),), "How good is it?", "scale", SCALE, "score", (1, 2, 3, 4, 5))
    return dataclasses.replace(ask, **over)


def question(text="Is it grey?", **over):
    ask = Ask("You judge.", (shot(),), text, "question", ANSWER, "answer", ("yes", "no"))
    return dataclasses.replace(ask, **over)


def transcription(**over):
    return dataclasses.replace(Ask("You read.", (shot(),), "What does it say?", "transcription", TEXT), **over)
