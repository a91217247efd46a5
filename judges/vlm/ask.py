"""One question to a vision-language model, and its reply, as plain data: whoever serves the model.

Rubric + case + picture ─▶ Ask ─▶ Endpoint ─▶ Reply ─▶ ladder ─▶ answer, or the reason why there is none
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evalkit.api.records import JSON
from evalkit.formats.keys import digest


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as it is sent: PNG, native pixels."""

    png: bytes
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: pictures first, then the text with the question last, so that prefix and image caches work.

    Args:
        system: the system message.
        images: in the order in which the text speaks of them.
        text: everything after the pictures.
        name: of the reply's schema (letters, digits, `_`).
        schema: JSON schema of the reply, an object; every field is bounded (enum, maxItems, maximum).
        choice: the property of `schema` whose token probabilities are wanted; empty if none are.
        options: the JSON values that property may have, each a different first token.
        max_tokens: of the reply.
        repeat: 0, or the number of a repetition of the same question, which is a call of its own.
    """

    system: str
    images: tuple[Shot, ...]
    text: str
    name: str
    schema: Mapping[str, JSON]
    choice: str = ""
    options: tuple[str | int, ...] = ()
    max_tokens: int = 256
    repeat: int = 0

    def key(self, model: str) -> str:
        """Key of the call in the journal: everything that `model` is shown, pictures by content."""
        shown = [shot.sha256 for shot in self.images]
        asked = [self.system, self.text, self.name, dict(self.schema), self.choice, list(self.options)]
        return digest("ask", model, shown, *asked, self.max_tokens, self.repeat)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `error` is set where nothing usable did, and then there is no text to trust.

    Args:
        text: the reply as the model wrote it.
        finish: `stop`, `length`, `content_filter`, … as the server says.
        probabilities: of `Ask.options` (as JSON text) at the token where the choice begins, raw: they sum to at most 1.
            Empty where the server gave none.
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

    @property
    def leaked(self) -> float | None:
        """Probability mass outside the options, in [0, 1]; `None` where the server gave no probabilities."""
        return max(0.0, 1.0 - sum(self.probabilities.values())) if self.probabilities else None


class Endpoint(Protocol):
    """A model that can be asked. `model` is all that determines its replies and goes into keys and fingerprints.

    Calls run in one event loop; several at once are welcome.
    """

    model: str

    async def ask(self, ask: Ask) -> Reply:
        """The reply; one with `error` if this call failed for good.

        Raises:
            UnavailableError: no call can succeed (no server, wrong credentials, unknown model).
        """
        ...

    async def close(self) -> None: ...
