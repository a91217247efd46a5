"""Prompts from `prompts/*.jinja`. Text from a case is untrusted: it stands inside a tag that it can't close."""

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
"""Characters of one string of a case, at most: more than any suite has. The rest is replaced by "[…]"."""
_TAG = re.compile(r"<(?=\s*[/!?|A-Za-z])")
_JOINERS = "\u200c\u200d"  # zero-width, but part of how Persian, Hindi or emoji are written


def render(template: str, **values: JSON) -> str:
    """The text of a template with its values. Raises `jinja2.UndefinedError` for a value that is missing."""
    return _environment().get_template(f"{template}.jinja").render(**values).strip()


def neutral(text: str) -> str:
    """Text of a case made safe for a prompt: one line, no tags, no special tokens, no invisible characters."""
    shown = "".join(character if _visible(character) else " " for character in text[:LONGEST])
    if len(text) > LONGEST:
        shown += " […]"
    return _TAG.sub("‹", " ".join(shown.split()))


def _visible(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # no HTML escaping: this is plain text for a model, and `neutral` makes text from cases safe
    return Environment(loader=FileSystemLoader(PROMPTS), undefined=StrictUndefined, autoescape=False, trim_blocks=False)
