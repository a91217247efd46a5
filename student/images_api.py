"""The OpenAI images API as pure functions: the fields of a request, and what an untrusted answer contains."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from evalkit.api.errors import GenerationError
from evalkit.api.records import JSON, Case
from evalkit.formats.foreign_text import clean
from evalkit.formats.retry import RETRIED_STATUSES

MOST_NFE = 1_000_000
_STANDARD = str.maketrans("-_", "+/")
RESERVED_FIELDS = frozenset({"prompt", "model", "n", "size", "image", "response_format"})


class UnusableAnswerError(GenerationError):
    """The server answered, but not with what was asked for. `again`: another attempt may succeed."""

    def __init__(self, what: str, *, again: bool = True) -> None:
        super().__init__(what)
        self.again = again


class Answer(NamedTuple):
    """A picture as bytes, or its address; and NFE and revised prompt, if the server states them."""

    image: bytes | None
    url: str
    nfe: int | None
    revised_prompt: str


def request_fields(
    case: Case,
    *,
    model: str,
    size: str | None,
    response_format: str,
    seed: Mapping[str, int],
    extra: Mapping[str, JSON],
) -> dict[str, JSON]:
    """The fields of one request; an empty `model` or `response_format` and a size of `None` are left out."""
    fields: dict[str, JSON] = {"prompt": case.prompt, "n": 1, **extra, **seed}
    optional = {"model": model, "size": size, "response_format": response_format}
    return fields | {key: value for key, value in optional.items() if value}


def form_fields(fields: Mapping[str, JSON]) -> dict[str, str]:
    """The same fields for a multipart form: text as it is, other values as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in fields.items()}


def choose_size(policy: str | Sequence[str], width: int, height: int) -> str | None:
    """The `size` field for a case of `width` x `height` px, or `None` to send none.

    Args:
        policy: `case` (the case's own size), `auto` (the server's choice), `omit`, or the sizes the server knows, of
            which the one with the closest aspect ratio is taken, and among those the closest area.
        width: pixels.
        height: pixels.
    """
    if policy == "case":
        return f"{width}x{height}"
    if policy == "omit":
        return None
    if policy == "auto":
        return "auto"
    allowed = [policy] if isinstance(policy, str) else policy

    def distance(size: str) -> tuple[float, float]:
        w, h = map(int, size.split("x"))
        return abs(math.log(w / h) - math.log(width / height)), abs(math.log(w * h) - math.log(width * height))

    return min(allowed, key=distance)


def parse_answer(body: bytes, secret: str = "") -> Answer:
    """The first picture of an answer of status 2xx; `secret` is kept out of error messages.

    The picture may be base64 in any usual form (standard or URL alphabet, wrapped, unpadded, behind `data:…;base64,`).

    Raises:
        UnusableAnswerError: the answer is not JSON, is an error, or has no picture.
    """
    try:
        answer = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise UnusableAnswerError(f"the answer is not JSON: {clean(body, secret, 200)}") from error
    answer = answer if isinstance(answer, dict) else {}
    item = _first(answer.get("data")) or _first(answer.get("images"))
    if item is None:
        again = not _is_refusal(answer.get("error"))
        raise UnusableAnswerError(f"the answer has no picture: {clean(body, secret, 200)}", again=again)
    nfe = _positive(item.get("nfe") or answer.get("nfe"))
    revised = item.get("revised_prompt")
    revised_prompt = clean(revised, secret, 2_000) if isinstance(revised, str) else ""
    encoded, url = item.get("b64_json"), item.get("url")
    if isinstance(encoded, str) and encoded:
        return Answer(_bytes_of(encoded), "", nfe, revised_prompt)
    if isinstance(url, str) and url[:5].lower() == "data:":
        return Answer(_bytes_of(url), "", nfe, revised_prompt)
    if isinstance(url, str) and url:
        return Answer(None, url, nfe, revised_prompt)
    raise UnusableAnswerError(f"the answer has neither b64_json nor url: {clean(body, secret, 200)}")


def _integer(digits: str) -> int | None:
    """`None` for a number of more digits than Python converts: no number here is that large."""
    return int(digits) if len(digits) <= 18 else None


def _first(listed: JSON) -> dict[str, JSON] | None:
    item = listed[0] if isinstance(listed, list) and listed else listed
    return item if isinstance(item, dict) else None


def _is_refusal(error: JSON) -> bool:
    """Whether an error object speaks of this request, so that it would be refused again."""
    if not isinstance(error, dict):
        return False
    code = error.get("code")
    if isinstance(code, int) and 400 <= code < 500:
        return code not in RETRIED_STATUSES
    return error.get("type") == "invalid_request_error"


def _bytes_of(encoded: str) -> bytes:
    """The bytes of base64 in any usual form."""
    if encoded[:5].lower() == "data:":
        head, comma, encoded = encoded.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise UnusableAnswerError("the picture's `data:` address is not base64")
    letters = "".join(encoded.split()).rstrip("=").translate(_STANDARD)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableAnswerError(f"b64_json is not base64: {error}") from error


def picture_url(url: str, base: str, allowed_hosts: Sequence[str]) -> str:
    """`url`, absolute, if it is http(s) on the host of `base` or on one of `allowed_hosts`.

    A server must not make evalkit fetch any address: it could be one that only this machine can reach.

    Raises:
        GenerationError: any other address.
    """
    try:
        target = urlsplit(urljoin(base, url))
        host = target.hostname
        _ = target.port  # raises for a port that is not a number
    except ValueError as error:
        raise GenerationError("the picture's address can't be read") from error
    if target.scheme not in ("http", "https") or not host or target.username or target.password:
        raise GenerationError(f"the picture's address is no plain http(s) address ({clean(target.scheme, limit=20)}:…)")
    if host not in {urlsplit(base).hostname, *allowed_hosts}:
        raise GenerationError(f"the picture lies on another host, {clean(host)}; and is not fetched (see image_hosts)")
    return target.geturl()


def same_host(one: str, other: str) -> bool:
    """Whether what is meant for one address may go to the other: same scheme, host and port, or its secured form."""
    try:
        (scheme, host, port), (scheme_, host_, port_) = _origin(one), _origin(other)
    except ValueError:  # an address of a server that can't be read
        return False
    secured = (scheme, port, scheme_, port_) == ("http", 80, "https", 443)
    return host == host_ and (secured or (scheme, port) == (scheme_, port_))


def error_message(body: bytes, secret: str = "") -> str:
    """The server's error message: `error.message`, `message` or `detail` of a JSON body, or else its text.

    `secret` is removed: some servers repeat the key in the message that refuses it.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return clean(body, secret)
    if isinstance(answer, dict):
        error = answer.get("error")
        found = error.get("message") if isinstance(error, dict) else error
        return clean(str(found or answer.get("message") or answer.get("detail") or answer), secret)
    return clean(str(answer), secret)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_NFE else None
