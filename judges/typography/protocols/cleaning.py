"""Cleans texts as OneIG-Bench and LongText-Bench do before they compare them."""

from __future__ import annotations

import re

_LATIN = "a-zA-Z0-9àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ"
_DROPPED = re.compile(rf"[^\u4e00-\u9fa5{_LATIN}\s]")
_WHITE = re.compile(r"\s+")
_HAN = re.compile("[\u4e00-\u9fff]")
HALLUCINATIONS = ("addCriterion", "No text recognized.")
"""Phrases that their reader (Qwen2.5-VL-7B) outputs by itself when there is no text."""


def kept_characters(text: str) -> str:
    """Keep Han up to U+9FA5, ASCII letters and digits, letters with French accents, and white space; drop the rest.

    For example, `$9.99` becomes `999` and `Ñandú` becomes `and`.
    """
    return _DROPPED.sub("", text)


def one_space(text: str) -> str:
    """White space collapsed and stripped."""
    return _WHITE.sub(" ", text).strip()


def no_space(text: str) -> str:
    """White space removed."""
    return _WHITE.sub("", text)


def has_han(text: str) -> bool:
    """Whether there is any Han character (up to U+9FFF)."""
    return bool(_HAN.search(text))
