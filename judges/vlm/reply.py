"""From a reply to a value: strict JSON, else a repair, else one re-ask, else no value. A failure is never a score.

Reply ─▶ parse ─▶ ParsedReply ─────────────▶ Answer(value)
           └─ reason ─▶ asked once more ─▶ … ─▶ Answer(None, reason, raw)
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evalkit.api.records import JSON, Score, Status
from evalkit.judges.vlm.call import Call, Endpoint, F, Reply, ReplyForm, schema_of

MOST_CHARACTERS = 16_384
"""A longer reply is not parsed: every form of ours is bounded far below."""
MOST_NESTING = 16
RAW_CHARACTERS = 400
"""Characters of an unusable reply that the evidence keeps; the journal has all of it."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(\s*[}\]])', re.DOTALL)


class ParsedReply(NamedTuple, Generic[F]):
    """A value that fits the form; `repaired` where something had to be removed around or inside it."""

    value: F
    repaired: bool


@dataclass(frozen=True, slots=True)
class Answer(Generic[F]):
    """The outcome of a call, after a re-ask if there was one.

    Args:
        value: fits the form of the call; `None` where the model gave no usable reply.
        reason: why there is no value.
        raw: text of the last reply as the model wrote it.
        reply: the last reply, with its probabilities and counts.
        repaired: the value was taken out of prose or a code fence, or had a comma too many.
        calls: 1, or 2 after a re-ask.
    """

    value: F | None
    reason: str
    raw: str
    reply: Reply
    repaired: bool = False
    calls: int = 1


@dataclass
class Asker:
    """Asks the questions of one look at a picture, some of them twice, and keeps what the evidence needs.

    Args:
        endpoint: the model that is asked.
        repeats: share of the questions that are asked twice, chosen by the key of the call.
        same: one entry for each question that was asked twice: was the answer the same?
        unusable: the replies that could not be used, with the reason.
    """

    endpoint: Endpoint
    repeats: float = 0.0
    same: list[bool] = field(default_factory=list)
    unusable: list[dict[str, JSON]] = field(default_factory=list)

    async def ask(self, call: Call[F], about: str) -> Answer[F]:
        """The answer; one without value if no reply could be used. `about` names the question in the evidence."""
        first = await answer(self.endpoint, call)
        if first.value is None:
            self.unusable.append({"about": about, "reason": first.reason, "raw": first.raw[:RAW_CHARACTERS]})
        elif call.choice and _is_repeated(call, self.endpoint.model, self.repeats):
            second = await answer(self.endpoint, dataclasses.replace(call, repeat=call.repeat + 1))
            if second.value is not None:
                self.same.append(getattr(first.value, call.choice) == getattr(second.value, call.choice))
        return first


def _is_repeated(call: Call[F], model: str, share: float) -> bool:
    """Whether a call is in the `share` of those that are made twice: the same ones in every run."""
    return int(call.key(model)[:8], 16) < share * 2**32


def no_score(dimension: str, answer: Answer[F]) -> Score:
    """The score of a question without a usable answer: `error` if the call failed, so that the same command asks
    again, and `unscored` if the reply could not be used."""
    status = Status.ERROR if answer.reply.error else Status.UNSCORED
    return Score(dimension, status, reason=f"no usable reply: {answer.reason}")


async def answer(endpoint: Endpoint, call: Call[F]) -> Answer[F]:
    """Ask, parse, and ask once more if the reply can't be used. A call that failed for good is not repeated.

    Raises:
        UnavailableError: as `Endpoint.ask`.
    """
    reply = await endpoint.ask(call)
    parsed, calls = parse(call, reply), 1
    if isinstance(parsed, str) and not reply.error:
        reply, calls = await endpoint.ask(_with_complaint(call, parsed)), 2
        parsed = parse(call, reply)
    if isinstance(parsed, str):
        return Answer(None, parsed, reply.text, reply, calls=calls)
    return Answer(parsed.value, "", reply.text, reply, parsed.repaired, calls)


def _with_complaint(call: Call[F], reason: str) -> Call[F]:
    """The same question, and what was wrong with the reply. `reason` is ours: the model's words must not go back in."""
    text = f"{call.text}\n\nYour last reply could not be used: {reason}. Reply with one JSON object of the schema only."
    return dataclasses.replace(call, text=text)


def parse(call: Call[F], reply: Reply) -> ParsedReply[F] | str:
    """The value of a reply, or the reason why there is none. A reply that was cut off is not completed, and a property
    that is missing is not guessed."""
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
        value, repaired = _object(text)
    except _Refused as refused:
        return str(refused)
    try:
        return ParsedReply(call.form.model_validate(value), repaired)
    except ValidationError as error:
        return _misfit(call.form, value, error)


_UNFINISHED = {
    "length": "the reply was cut off at the length limit",
    "content_filter": "the server's filter withheld the reply",
}
_BOUNDS = {
    "too_short": ("the number of items of ", "below", "minItems"),
    "too_long": ("the number of items of ", "above", "maxItems"),
    "string_too_short": ("the length of ", "below", "minLength"),
    "string_too_long": ("the length of ", "above", "maxLength"),
    "greater_than_equal": ("", "below", "minimum"),
    "less_than_equal": ("", "above", "maximum"),
}


def _misfit(form: type[ReplyForm], value: dict[str, JSON], error: ValidationError) -> str:
    """The first thing in `value` that does not fit the form, in words of ours alone.

    The words are part of the re-ask, and so of its key in the journal: pydantic's own could change with its version.
    """
    first = min(error.errors(include_url=False), key=lambda one: _position(one, value))
    rule: Mapping[str, JSON] = schema_of(form)
    where = outer = "the reply"
    inner: JSON = value
    for part in first["loc"]:
        outer = where
        if isinstance(part, str):
            rule, where = rule["properties"].get(part, {}), f"`{part}`"
            inner = inner.get(part)
            continue
        if len(inner) < rule.get("minItems", 0):  # pydantic complains of the items only
            return f"the number of items of {where} is below {rule['minItems']}"
        rule, where, inner = rule["items"], f"an item of {where}", inner[part]
    if first["type"] == "missing":
        return f"{where} is missing in {outer}"
    if first["type"] == "extra_forbidden":
        return f"{outer} has a property that was not asked for"
    if first["type"] in _BOUNDS:
        what, side, bound = _BOUNDS[first["type"]]
        return f"{what}{where} is {side} {rule[bound]}"
    if "enum" in rule and type(inner) is type(rule["enum"][0]):
        return f"{where} is none of {', '.join(map(repr, rule['enum']))}"
    if first["type"] == "string_unicode":
        return f"{where} holds bytes that are no UTF-8"
    return f"{where} is not of type {rule['type']}"


def _position(error: ErrorDetails, value: JSON) -> list[tuple[int, int]]:
    """Sorts errors: in each object first what is missing, then what is too much, then the values as they come."""
    rank = {"missing": (0, 0), "extra_forbidden": (1, 0)}.get(error["type"])
    places = []
    for part in error["loc"] if rank is None else error["loc"][:-1]:
        places.append((2, part if isinstance(part, int) else list(value).index(part)))
        value = value[part]
    return places if rank is None else [*places, rank]


class _Refused(Exception):
    """Why a text gives no value."""


def _object(text: str) -> tuple[dict[str, JSON], bool]:
    """The one JSON object of a text, and whether the text had to be repaired. Raises `_Refused`."""
    try:
        return _load(text), False
    except ValueError:
        pass  # not strict JSON: the repair below decides
    objects = _objects(text) or _objects(_STRING_OR_COMMA.sub(lambda m: m.group(1) or m.group(2), text))
    if len(objects) > 1:
        raise _Refused("the reply holds more than one JSON object")
    if not objects:
        raise _Refused("the reply holds no complete JSON object")
    return objects[0], True


def _objects(text: str) -> list[dict[str, JSON]]:
    """The outermost JSON objects in a text, at most two. Raises `_Refused` for valid JSON that is not accepted."""
    found: list[dict[str, JSON]] = []
    start = text.find("{")
    while start >= 0 and len(found) < 2:
        _check_nesting(text[start:])
        try:
            value, length = _DECODER.raw_decode(text[start:])
        except ValueError:
            return []  # an object that is never closed may hold anything: its pieces are not searched
        found.append(value)
        start = text.find("{", start + length)
    return found


def _load(text: str) -> dict[str, JSON]:
    """An object in strict JSON. Raises `ValueError` for text that may be repaired, `_Refused` for other JSON."""
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
