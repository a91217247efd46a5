"""One call to a vision-language model, and its reply: plain data, whoever serves the model.

rubric + case + picture ─▶ Call ─▶ Endpoint ─▶ Reply ─▶ reply.py ─▶ Answer: a value, or the reason why there is none
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from evalkit.api.records import JSON
from evalkit.formats.keys import digest


@dataclass(frozen=True, slots=True)
class SentImage:
    """A picture as it is sent: an encoded PNG with its SHA-256, width and height in px."""

    png: bytes
    sha256: str
    width: int
    height: int


class ReplyPart(BaseModel):
    """A JSON object of a reply: exactly these properties, of exactly these types (`4.0` and `true` are no integers)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ReplyForm(ReplyPart):
    """What a reply must look like: one JSON object.

    The model is held to `schema_of(form)` where its server can do that; the reply is checked against the form itself.
    Every field is bounded (`Literal`, `max_length`, `le`). A subclass has a name for the API and may have a `choice`:
    the property of which the token probabilities are wanted.
    """

    form_name: ClassVar[str]
    """Letters, digits and `_`."""
    choice: ClassVar[str] = ""
    """A property whose options each begin with a different token; empty where no probabilities are wanted."""


F = TypeVar("F", bound=ReplyForm, covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[F]):
    """One call: the pictures first and the question last, so that calls about one picture share a cached prefix.

    Args:
        system: the system message.
        images: in the order in which the text speaks of them.
        text: everything after the pictures.
        form: what the reply must look like.
        max_tokens: of the reply.
        repeat: 0, or the number of a repetition of the same question, which is a call of its own.
    """

    system: str
    images: tuple[SentImage, ...]
    text: str
    form: type[F]
    max_tokens: int = 256
    repeat: int = 0

    @property
    def name(self) -> str:
        """Name of the form."""
        return self.form.form_name

    @property
    def schema(self) -> Mapping[str, JSON]:
        """JSON schema of the reply."""
        return schema_of(self.form)

    @property
    def choice(self) -> str:
        """The property of which the token probabilities are wanted; empty if none are."""
        return self.form.choice

    @property
    def options(self) -> tuple[str | int, ...]:
        """The JSON values that the property `choice` may have."""
        return tuple(self.schema["properties"][self.choice]["enum"]) if self.choice else ()

    def key(self, model: str) -> str:
        """Key of the call in the journal: everything that `model` gets, pictures by content."""
        images = [image.sha256 for image in self.images]
        asked = [self.system, self.text, self.name, dict(self.schema), self.choice, list(self.options)]
        return digest("ask", model, images, *asked, self.max_tokens, self.repeat)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Where `error` is set, the call failed and the text must not be used.

    Args:
        text: the reply as the model wrote it.
        finish: `stop`, `length`, `content_filter`, … as the server says.
        probabilities: of `Call.options` (as JSON text) at the token where the choice begins. They are raw, so they sum
            to at most 1. Empty where the server gave none.
        prompt_tokens, completion_tokens: as the server counted.
        seconds: of the attempt that succeeded.
        attempts: 1, or more after retries.
        error: one line: the status, the timeout, the dropped connection.
    """

    text: str = ""
    finish: str = ""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    attempts: int = 1
    error: str = ""


class Endpoint(Protocol):
    """A model that can be asked. `model` names all that determines its replies; keys and fingerprints contain it.

    Calls run in one event loop; several may be under way at once.
    """

    model: str

    async def ask(self, call: Call[ReplyForm]) -> Reply:
        """The reply; one with `error` if this call failed for good.

        Raises:
            UnavailableError: no call can succeed (no server, wrong credentials, unknown model).
        """
        ...

    async def close(self) -> None: ...


@lru_cache(maxsize=256)
def schema_of(form: type[ReplyForm]) -> Mapping[str, JSON]:
    """JSON schema of a form, with nothing in it but rules.

    It is part of the key of each call in a journal, and judge-mini derives its grammar from it: it must stay the same,
    byte for byte, for the same form.

    Raises:
        ValueError: the form uses a keyword of JSON Schema that no server of ours has been tried with.
    """
    schema = form.model_json_schema()
    plain: dict[str, JSON] = _plain(schema, schema.get("$defs", {}))
    return plain


_KEYWORDS = (
    *("type", "enum", "items", "properties", "required", "additionalProperties"),
    *("minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"),
)
_NOT_SENT = {"title", "description", "$defs"}


def _plain(node: Mapping[str, JSON], definitions: Mapping[str, JSON]) -> dict[str, JSON]:
    """A schema without titles, references and `const`, its keywords in a fixed order."""
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "const" in node:
        node = {"enum": [node["const"]], **{name: value for name, value in node.items() if name != "const"}}
    if unknown := node.keys() - _NOT_SENT - {*_KEYWORDS}:
        raise ValueError(f"a form must not use {', '.join(sorted(unknown))} of JSON Schema")
    plain = {name: node[name] for name in _KEYWORDS if name in node}
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions)
    if "properties" in plain:
        plain["properties"] = {name: _plain(part, definitions) for name, part in plain["properties"].items()}
    return plain
