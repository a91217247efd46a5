"""The chat completions API: the body of a request, and a distrustful reading of an answer's body."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalkit.api.records import JSON
from evalkit.formats.api_keys import without_key
from evalkit.formats.foreign_text import clean
from evalkit.judges.vlm.call import Call, ReplyForm
from evalkit.judges.vlm.choice import Token

TOP_LOGPROBS = 20
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
MOST_MESSAGE = 200


class BadBody(Exception):
    """The body is no chat completion; the message is fit for a report."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `content` is empty where there is none."""

    id: str
    model: str
    content: str
    finish: str
    tokens: tuple[Token, ...]
    prompt_tokens: int | None
    completion_tokens: int | None


def request_fields(call: Call[ReplyForm], model: str) -> dict[str, Any]:
    """The body of a request: pictures first, then the text, so that questions about a picture share a prefix."""
    images = [{"type": "image_url", "image_url": {"url": _data_url(image.png)}} for image in call.images]
    content: list[JSON] = [*images, {"type": "text", "text": call.text}]
    system = [{"role": "system", "content": call.system}] if call.system else []
    schema = {"name": call.name, "schema": dict(call.schema), "strict": True}
    fields: dict[str, Any] = {
        "model": model,
        "messages": [*system, {"role": "user", "content": content}],
        "max_tokens": call.max_tokens,
        "temperature": 0,
        "seed": 0,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    return fields | ({"logprobs": True, "top_logprobs": TOP_LOGPROBS} if call.choice else {})


@lru_cache(maxsize=32)
def _data_url(png: bytes) -> str:
    """Cached, so that a picture is encoded once for all questions about it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def read_completion(body: bytes, secret: str = "") -> Completion:
    """The completion in an answer's body; `secret`, the key, is replaced where the model or the server repeats it.

    Raises:
        BadBody: the body is no completion. Counts and probabilities that make no sense count as missing.
    """
    try:
        answer = json.loads(body.decode("utf-8"), parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BadBody("the answer is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadBody("the answer is not JSON, or was cut off") from error
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise BadBody(f"the answer holds no choice{_message(answer, secret)}")
    content, usage = message.get("content"), answer.get("usage")
    if content is not None and not isinstance(content, str):
        raise BadBody("the answer's content is no text")
    usage = usage if isinstance(usage, dict) else {}
    return Completion(
        id=without_key(_text(answer.get("id")), secret),
        model=without_key(_text(answer.get("model")), secret),
        content=_without_key((content or "").encode("utf-8", errors="replace").decode(), secret),  # no lone surrogates
        finish=without_key(_text(choice.get("finish_reason")), secret),
        tokens=_tokens(choice.get("logprobs")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _without_key(content: str, secret: str) -> str:
    """The content without the key, also where JSON escapes stand for some of its letters."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), content)
    return without_key(plain if secret and secret in plain else content, secret)


def read_models(body: bytes) -> dict[str, str]:
    """Served name -> root, from the body of `/v1/models`; an empty root where none is told.

    Raises:
        ValueError: the body is no list of models.
    """
    try:
        listed = json.loads(body, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("no list of models") from error
    entries = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no list of models")
    told = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    return {one["id"]: one["root"] if isinstance(one.get("root"), str) else "" for one in told}


def _tokens(logprobs: JSON) -> tuple[Token, ...]:
    """Tokens with their alternatives; none if one can't be read, because the places of the others are then unknown."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    try:
        return tuple(map(_token, content)) if isinstance(content, list) else ()
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _token(entry: JSON) -> Token:
    data, logarithm = _alternative(entry)
    alternatives = [_alternative(each) for each in entry.get("top_logprobs") or ()]
    if all(data != other for other, _ in alternatives):
        alternatives.append((data, logarithm))
    return Token(data, tuple(alternatives))


def _alternative(entry: JSON) -> tuple[bytes, float]:
    logarithm = entry["logprob"]
    if isinstance(logarithm, bool) or not isinstance(logarithm, int | float):
        raise TypeError("no logarithm")
    given = entry.get("bytes")
    return (bytes(given) if isinstance(given, list) else entry["token"].encode("utf-8")), float(logarithm)


def error_message(body: bytes, secret: str = "") -> str:
    """The message in the body of an error answer, as one short printable line; empty if there is none."""
    try:
        answer = json.loads(body[:65_536])
    except (ValueError, RecursionError):
        return ""
    return _message(answer, secret).removeprefix(": ")


def _message(answer: JSON, secret: str = "") -> str:
    """`: ` and the message of an error object."""
    error = answer.get("error", answer) if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f": {clean(message, secret, MOST_MESSAGE)}" if isinstance(message, str) and message.strip() else ""


def _text(value: JSON) -> str:
    return clean(value) if isinstance(value, str) else ""


def _count(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _integer(digits: str) -> int | float:
    """An integer; a float if it has more than 18 digits, because converting thousands of digits is slow."""
    return int(digits) if len(digits) <= 18 else float(digits)
