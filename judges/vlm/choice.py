"""Probabilities of the options of a choice, from the alternatives of the token where its value begins."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SUM_TOLERANCE = 1e-3
"""Servers round log probabilities; alternatives that sum to more than 1 plus this are no probabilities."""


class Token(NamedTuple):
    """One token of a reply with its alternatives: (bytes, natural logarithm of the probability), itself included."""

    data: bytes
    alternatives: tuple[tuple[bytes, float], ...]


def choice_probabilities(
    text: str, tokens: Sequence[Token], name: str, options: Sequence[str | int]
) -> dict[str, float]:
    """Probability of each option (as JSON text) for property `name` of the reply `text`; empty where there is none.

    A token need not begin where the value begins: `{"score":` + ` 4`, `":4,`, `"ye` + `s"`. So the token is found by
    its place in the text, and an alternative counts for the option that would stand in the text if the alternative
    replaced the token. Alternatives that differ only in leading blanks or the opening quote are added up. What fits no
    option is left out: it is the leaked mass.
    """
    value = first_value(text, name)
    if value is None or not tokens:
        return {}
    quoted = text.startswith('"', value)
    at = _token_at(text, tokens, len(text[: value + quoted].encode()))
    if at is None:
        return {}
    token, start = at
    alternatives = [(data, _probability(logarithm)) for data, logarithm in token.alternatives]
    if sum(p for _, p in alternatives) > 1 + SUM_TOLERANCE:
        return {}
    before = text[:value].rstrip().encode()  # up to the colon, so that blanks before the value may vary
    sums = dict.fromkeys(map(json.dumps, options), 0.0)
    for data, probability in alternatives:
        meant = _option(_value(before, text.encode()[:start] + data), options)
        if meant is not None:
            sums[json.dumps(meant)] += probability
    return sums if any(sums.values()) else {}


def _token_at(text: str, tokens: Sequence[Token], offset: int) -> tuple[Token, int] | None:
    """The token that holds byte `offset` of the text, and the byte at which it starts."""
    data, start = text.encode(), 0
    for token in tokens:
        end = start + len(token.data)
        if data[start:end] != token.data:
            return None  # these are not the tokens of this text
        if start <= offset < end:
            return token, start
        start = end
    return None


def _value(before: bytes, text: bytes) -> str:
    """The rest of `text` after `before`, without leading blanks and quote; empty if `text` does not begin so."""
    if not text.startswith(before):
        return ""
    rest = text[len(before) :].decode("utf-8", errors="replace").lstrip()
    return rest.removeprefix('"')


def _option(value: str, options: Iterable[str | int]) -> str | int | None:
    """The one option that `value` is, or is the beginning of."""
    fitting = [option for option in options if value and _fits(value, str(option))]
    return fitting[0] if len(fitting) == 1 else None


def _fits(value: str, option: str) -> bool:
    if option.startswith(value):
        return True
    return value.startswith(option) and not value[len(option)].isalnum() and value[len(option)] not in "._-"


def _probability(logarithm: float) -> float:
    """0 for -inf and NaN, and for a number above 0, which is no logarithm of a probability."""
    return math.exp(logarithm) if math.isfinite(logarithm) and logarithm <= SUM_TOLERANCE else 0.0


def first_value(text: str, name: str) -> int | None:
    """Offset at which the value of property `name` of the first object in `text` begins; `None` if it has none."""
    return _value_offset(text, text.find("{") + 1, name) if "{" in text else None


def _value_offset(text: str, at: int, name: str) -> int | None:
    while True:
        at = _skip(text, at)
        if not text.startswith('"', at):
            return None
        try:
            key, at = json.JSONDecoder().raw_decode(text, at)
            at = _skip(text, at)
            if not text.startswith(":", at):
                return None
            at = _skip(text, at + 1)
            if key == name:
                return at if at < len(text) else None
            _, at = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        at = _skip(text, at)
        if not text.startswith(",", at):
            return None
        at += 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n\r":
        at += 1
    return at
