"""Cuts a long prompt into pieces that fit into a text encoder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?;:。！？；])\s*|\n+")
"""CJK sentences end without a space. `3.5` is cut too, which does no harm, because neighbours are joined again."""


def chunks(prompt: str, length: Callable[[str], int], most: int) -> list[str]:
    """Pieces of at most `most` tokens, filled one after the other and cut between sentences where possible.

    Args:
        length: counts the tokens of a text.
        most: number of tokens that fit, at least 1.

    Returns:
        At least one piece. Only white space at the cuts is lost. Cuts are between sentences, else between words, else
        (in Chinese or a very long word) between characters.
    """
    if length(prompt) <= most:
        return [prompt]
    pieces: list[str] = []
    for part in _small(prompt, length, most):
        if pieces and length(pieces[-1] + part) <= most:
            pieces[-1] += part
        else:
            pieces.append(part)
    return [piece.strip() for piece in pieces if piece.strip()] or [""]


def _small(text: str, length: Callable[[str], int], most: int) -> Iterator[str]:
    """Parts that fit, each with the white space that follows it."""
    for sentence in _cut(text, _SENTENCE_END):
        if length(sentence) <= most:
            yield sentence
            continue
        for word in re.findall(r"\s*\S+\s*", sentence):
            yield from [word] if length(word) <= most else word


def _cut(text: str, at: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in at.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]
