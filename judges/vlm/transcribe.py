"""Reading a picture aloud: the question for the text in a cut-out."""

from __future__ import annotations

from evalkit.judges.vlm.ask import Ask, Shot
from evalkit.judges.vlm.render import render
from evalkit.judges.vlm.scale import closed

LONGEST = 200


def transcribe_ask(shot: Shot) -> Ask:
    """The question for all text in `shot`, at most `LONGEST` characters of it."""
    schema = closed({"text": {"type": "string", "maxLength": LONGEST}})
    return Ask(render("system"), (shot,), render("transcribe"), "transcription", schema)
