"""Calls as the rubrics make them, for tests of endpoints."""

import dataclasses
from typing import Annotated

import numpy as np
from pydantic import Field

from evalkit.api.pictures import encode_png
from evalkit.judges.vlm.call import Call, ReplyForm, SentImage
from evalkit.judges.vlm.checklist import YesNoForm
from evalkit.judges.vlm.scale import level_form

SCALE = level_form(("typo", "grain"))


class ShortText(ReplyForm):
    """At most 20 characters."""

    form_name = "transcription"
    text: Annotated[str, Field(max_length=20)]


def shot(width=64, height=64, level=128):
    png = encode_png(np.full((height, width, 3), level, np.uint8))
    return SentImage(png, f"sha-{width}-{height}-{level}", width, height)


def scale(**over):
    return dataclasses.replace(Call("You judge.", (shot(),), "How good is it?", SCALE), **over)


def question(text="Is it grey?", **over):
    return dataclasses.replace(Call("You judge.", (shot(),), text, YesNoForm), **over)


def transcription(**over):
    return dataclasses.replace(Call("You read.", (shot(),), "What does it say?", ShortText), **over)
