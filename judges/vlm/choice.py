"""Token probabilities of a choice: what the model would have said instead, at the token where the value begins."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evalkit.judges.vlm.reply import first_value

SUM_TOLERANCE = 1e-3
"""Log probabilities are rounded by servers; alternatives that sum to more than this above 1 are no probabilities."""


class Token(NamedTuple):
    """One token of a reply with its alternatives: (bytes, natural logarithm of the probability), itself included."""

    data: bytes
    alternatives: tuple[tuple[bytes, float], ...]


def choice_probabilities(
    text: str, tokens: Sequence[Token], name: str, options: Sequence[str | int]
) -> dict[str, float]:
    """Probability of each option (as JSON text) for property `name` of the reply `text`; empty where there is none.

    Tokens may straddle: `{"score":` + ` 4`, `":4,`, `"ye` + `s"`. So the token is found by its place in the text, and
    an alternative counts for the option that the text would go on with if it stood there. Alternatives that differ in
    leading blanks or the opening quote only are added up; what fits no option is left out: the leaked mass.
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
    begun = text[:value].rstrip().encode()  # up to the colon, so that blanks before the value may vary
    sums = dict.fromkeys(map(json.dumps, options), 0.0)
    for data, probability in alternatives:
        meant = _option(_value(begun, text.encode()[:start] + data), options)
        if meant is not None:
            sums[json.dumps(meant)] += probability
    return sums if any(sums.values()) else {}


def _token_at(text: str, tokens: Sequence[Token], offset: int) -> tuple[Token, int] | None:
    """The token that holds byte `offset` of the text, and the byte at which it starts."""
    told, start = text.encode(), 0
    for token in tokens:
        end = start + len(token.data)
        if told[start:end] != token.data:
            return None  # these are not the tokens of this text
        if start <= offset < end:
            return token, start
        start = end
    return None


def _value(begun: bytes, told: bytes) -> str:
    """What `told` says after `begun`, without leading blanks and quote; empty if it does not begin so."""
    if not told.startswith(begun):
        return ""
    rest = told[len(begun) :].decode("utf-8", errors="replace").lstrip()
    return rest.removeprefix('"')


def _option(said: str, options: Iterable[str | int]) -> str | int | None:
    """The one option that `said` is the beginning or the whole of."""
    fitting = [option for option in options if said and _fits(said, str(option))]
    return fitting[0] if len(fitting) == 1 else None


def _fits(said: str, option: str) -> bool:
    if option.startswith(said):
        return True
    return said.startswith(option) and not said[len(option)].isalnum() and said[len(option)] not in "._-"


def _probability(logarithm: float) -> float:
    """0 for -inf and the like; a server that gives more than 0 has given no logarithm of a probability."""
    return math.exp(logarithm) if math.isfinite(logarithm) and logarithm <= SUM_TOLERANCE else 0.0
