"""The reply ladder: strict parse, repair, one re-ask, then no value at all. A failure is never a score.

Reply ─▶ parse ─▶ Parsed ─────────────▶ Answer(value)
           └─ reason ─▶ asked once more ─▶ … ─▶ Answer(None, reason, raw)
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from evalkit.api.records import JSON
from evalkit.judges.vlm.ask import Ask, Endpoint, Reply
from evalkit.judges.vlm.reply_schema import violation

MOST_CHARACTERS = 16_384
"""A longer reply is not looked into: every schema of ours is bounded far below."""
MOST_NESTING = 16
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(\s*[}\]])', re.DOTALL)


class Parsed(NamedTuple):
    """A value that fits the schema; `repaired` where something had to be taken off around or inside it."""

    value: dict[str, JSON]
    repaired: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question came to.

    Args:
        value: fits the ask's schema; `None` where the model gave no usable reply.
        reason: why there is no value.
        raw: text of the last reply as the model wrote it.
        reply: the last reply, with its probabilities and counts.
        repaired: the value was taken out of prose, a code fence, or had a comma too many.
        asked: 1, or 2 after a re-ask.
    """

    value: dict[str, JSON] | None
    reason: str
    raw: str
    reply: Reply
    repaired: bool = False
    asked: int = 1


async def answer(endpoint: Endpoint, ask: Ask) -> Answer:
    """Ask, parse, and ask once more if the reply can't be used. A call that failed for good is not asked again.

    Raises:
        UnavailableError: as `Endpoint.ask`.
    """
    reply = await endpoint.ask(ask)
    parsed, asked = parse(ask, reply), 1
    if isinstance(parsed, str) and not reply.error:
        reply, asked = await endpoint.ask(again(ask, parsed)), 2
        parsed = parse(ask, reply)
    if isinstance(parsed, str):
        return Answer(None, parsed, reply.text, reply, asked=asked)
    return Answer(parsed.value, "", reply.text, reply, parsed.repaired, asked)


def again(ask: Ask, reason: str) -> Ask:
    """The same question with what was wrong with the reply. `reason` is ours: no word of the model's goes back in."""
    text = f"{ask.text}\n\nYour last reply could not be used: {reason}. Reply with one JSON object of the schema only."
    return dataclasses.replace(ask, text=text)


def parse(ask: Ask, reply: Reply) -> Parsed | str:
    """The value of a reply, or why there is none. Nothing that was cut off is completed, nothing missing is guessed."""
    if reply.error:
        return reply.error
    if reply.finish != "stop":
        return _UNFINISHED.get(reply.finish, "the reply did not end by itself")
    text = reply.text.strip()
    if not text:
        return "the reply is empty"
    if len(text) > MOST_CHARACTERS:
        return f"the reply is longer than {MOST_CHARACTERS} characters"
    if "\N{REPLACEMENT CHARACTER}" in text:
        return "the reply holds bytes that are no UTF-8"
    try:
        found = _object(text)
    except _Refused as refused:
        return str(refused)
    wrong = violation(ask.schema, found.value)
    return wrong or found


_UNFINISHED = {
    "length": "the reply was cut off at the length limit",
    "content_filter": "the server's filter withheld the reply",
}


class _Refused(Exception):
    """Why a text is not taken for a value."""


def _object(text: str) -> Parsed:
    """The one JSON object of a text. Raises `_Refused`."""
    try:
        return Parsed(_load(text), repaired=False)
    except ValueError:
        pass  # not strict JSON: the repair below decides
    objects = _objects(text) or _objects(_STRING_OR_COMMA.sub(lambda m: m.group(1) or m.group(2), text))
    if len(objects) > 1:
        raise _Refused("the reply holds more than one JSON object")
    if not objects:
        raise _Refused("the reply holds no complete JSON object")
    return Parsed(objects[0], repaired=True)


def _objects(text: str) -> list[dict[str, JSON]]:
    """The outermost JSON objects in a text, at most two. Raises `_Refused` for one that is valid but not wanted."""
    found: list[dict[str, JSON]] = []
    start = text.find("{")
    while start >= 0 and len(found) < 2:
        _check_nesting(text[start:])
        try:
            value, length = _DECODER.raw_decode(text[start:])
        except ValueError:
            return []  # text that opens an object it does not close may hold anything: it is not searched for pieces
        found.append(value)
        start = text.find("{", start + length)
    return found


def _load(text: str) -> dict[str, JSON]:
    """Strict JSON, an object. Raises `ValueError` for what may be repaired, `_Refused` for what is not wanted."""
    _check_nesting(text)
    value = _DECODER.decode(text)
    if not isinstance(value, dict):
        raise _Refused("the reply is JSON but no object")
    return value


def _check_nesting(text: str) -> None:
    """Refuse before the parser recurses."""
    depth = 0
    for character in _STRING.sub("", text):
        depth += (character in "[{") - (character in "]}")
        if depth > MOST_NESTING:
            raise _Refused(f"the reply is nested deeper than {MOST_NESTING} levels")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Refused("the reply names a property twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise _Refused("the reply holds a number that JSON does not have (NaN or Infinity)")


def _integer(digits: str) -> int:
    if len(digits) > 18:
        raise _Refused("the reply holds an integer of more than 18 digits")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer)


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
