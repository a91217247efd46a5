"""Prompts from `prompts/*.jinja`. Whatever comes from a case is untrusted: it stands in a tag it can't close."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from evalkit.api.records import JSON
from evalkit.judges.vlm.rubric import PROMPTS

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 8000
"""Characters of one string of a case; more than any suite has. The rest is cut off, and "[…]" says so."""
_TAG = re.compile(r"<(?=\s*[/!?|A-Za-z])")
_JOINERS = "\u200c\u200d"  # zero-width, but part of how Persian, Hindi or emoji are written


def render(template: str, **values: JSON) -> str:
    """The text of a template. Raises `jinja2.UndefinedError` for a value that is missing."""
    return _environment().get_template(f"{template}.jinja").render(**values).strip()


def neutral(text: str) -> str:
    """Text of a case as it may stand in a prompt: one line, no tag, no special token, nothing that can't be seen."""
    shown = "".join(character if _visible(character) else " " for character in text[:LONGEST])
    if len(text) > LONGEST:
        shown += " […]"
    return _TAG.sub("‹", " ".join(shown.split()))


def _visible(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # no escaping: this is plain text for a model; `neutral` keeps strangers' text in its place
    return Environment(loader=FileSystemLoader(PROMPTS), undefined=StrictUndefined, autoescape=False, trim_blocks=False)
