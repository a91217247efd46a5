"""An OpenAI-compatible server as an `Endpoint`: bounded in time, in bytes, in requests, and in how often it is asked.

Call ─▶ slot (adaptive limit) ─▶ attempt ─▶ body (bounded) ─▶ Completion ─▶ Reply
                  ▲                 │
                  └── back-off, Retry-After ◀── 429, 5xx, timeout, dropped connection
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import random
import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from evalkit.api.errors import ConfigError, UnavailableError
from evalkit.api.install import install_line
from evalkit.formats.api_keys import api_key, checked_key, goes_to, secret_in_query
from evalkit.formats.foreign_text import clean
from evalkit.formats.http_access import Access, access_to
from evalkit.formats.retry import RETRIED_STATUSES, backoff_seconds, retry_after_seconds
from evalkit.judges.vlm.call import Call, Reply, ReplyForm
from evalkit.judges.vlm.choice import choice_probabilities
from evalkit.judges.vlm.limiter import AdaptiveLimit, Slot
from evalkit.judges.vlm.pixels import patch_of, scaled_down, too_large
from evalkit.judges.vlm.wire import BadBody, Completion, error_message, read_completion, read_models, request_fields

if TYPE_CHECKING:
    import openai

KEY_VARIABLE = "EVALKIT_JUDGE_API_KEY"
OPENAI_VARIABLE = "OPENAI_API_KEY"
_NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the time, the bytes and the requests of one endpoint.

    Args:
        concurrency: requests under way at once, at most; the client finds out how many of them the server can take.
        timeout_s: seconds for one whole attempt, from the request to the last byte.
        connect_s: seconds to connect.
        attempts: of one call, at most, the first included.
        backoff_s: first wait; it doubles with each attempt, half of it is random.
        max_wait_s: longest single wait; a longer `Retry-After` ends the call.
        max_body: bytes of one answer, at most.
        give_up_after: calls in a row that fail through the server's fault before it counts as gone.
        max_pixels: of one picture; a larger one is refused (the caller makes it smaller with `pixels.fit`).
    """

    concurrency: int = 64
    timeout_s: float = 180.0
    connect_s: float = 10.0
    attempts: int = 5
    backoff_s: float = 0.5
    max_wait_s: float = 60.0
    max_body: int = 8_000_000
    give_up_after: int = 16
    max_pixels: int = 4_194_304


class _Failure(NamedTuple):
    """An attempt that failed.

    `again`: another attempt may succeed. `fault`: the cause is the server, not this question. `wait_s`: seconds that
    the server asked us to wait.
    """

    reason: str
    again: bool
    fault: bool
    wait_s: float = 0.0


class _TooLong(Exception):
    """The answer is longer than `Limits.max_body`."""


class OpenAIEndpoint:
    """Asks one model of an OpenAI-compatible server. Use it from one event loop.

    Args:
        url: base of the API, `http://host:port/v1`.
        model: the name it is served under.
        api_key: `None` takes it from EVALKIT_JUDGE_API_KEY, and for api.openai.com also from OPENAI_API_KEY.
        patch: pixels along a side of one vision token, to check that the server does not scale pictures down; `None`
            takes it from the model's name, and nothing is checked for an unknown name.
        served_as: other names under which the server may answer for this model.

    Raises:
        ConfigError: the address is not http(s), or the key may not go there.
        UnavailableError: the `openai` package is missing, or a proxy or certificate can't be used.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        limits: Limits | None = None,
        patch: int | None = None,
        served_as: Iterable[str] = (),
    ) -> None:
        self.url = base_url(url)
        self.model = model
        self.limits = limits or Limits()
        self._key = key_for(self.url) if api_key is None else checked_key(api_key, "api_key")
        self._access = access_to(self.url)
        self._served_as = frozenset(served_as)
        self._roots: dict[str, str] | None = None
        self._patch = patch or patch_of(model)
        self._limit = AdaptiveLimit(self.limits.concurrency)
        self._rng = random.Random()
        self._client: openai.AsyncOpenAI | None = None
        self._nonces: set[str] = set()
        self._answered = False
        self._failed_in_a_row = 0
        if importlib.util.find_spec("openai") is None:
            raise UnavailableError("asking a server needs the `openai` package", hint=install_line("vllm"))

    async def ask(self, call: Call[ReplyForm]) -> Reply:
        if refused := too_large(call, self.limits.max_pixels):
            return Reply(attempts=0, error=refused)
        failure = _Failure("not asked", again=True, fault=False)
        attempt = 0
        while failure.again and attempt < self.limits.attempts:
            if attempt:
                wait = backoff_seconds(attempt - 1, self.limits.backoff_s, self.limits.max_wait_s, self._rng)
                await asyncio.sleep(max(wait, failure.wait_s))
            attempt += 1
            outcome = await self._attempt(call, attempt)
            if isinstance(outcome, Reply):
                self._answered, self._failed_in_a_row = True, 0
                return outcome
            failure = outcome
        self._count(failure)
        tries = f" ({attempt} attempts)" if attempt > 1 else ""
        return Reply(attempts=attempt, error=f"{failure.reason}{tries}")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _count(self, failure: _Failure) -> None:
        """Raise `UnavailableError` for a server that has failed so often that it counts as gone."""
        self._failed_in_a_row = self._failed_in_a_row + 1 if failure.fault else 0
        if self._failed_in_a_row >= self.limits.give_up_after:
            raise UnavailableError(
                f"{self._failed_in_a_row} calls in a row failed, the last one: {failure.reason}",
                where=self.url,
                hint="look at the server's log; the same command continues where this run stopped",
            )

    async def _attempt(self, call: Call[ReplyForm], attempt: int) -> Reply | _Failure:
        fields = request_fields(call, self.model)
        async with self._limit.slot() as slot:
            started = time.perf_counter()
            nonce = uuid.uuid4().hex
            self._nonces.add(nonce)
            try:
                async with asyncio.timeout(self.limits.timeout_s):
                    body = await self._post(fields, nonce)
            except TimeoutError:
                slot.overloaded()
                return _Failure(f"no answer within {self.limits.timeout_s:g} s", again=True, fault=True)
            except Exception as error:  # the block is network alone, and the SDK and its transport raise many types
                return self._failure(error, slot, last=attempt >= self.limits.attempts)
            finally:
                asyncio.get_running_loop().call_later(self.limits.timeout_s, self._nonces.discard, nonce)
            try:
                completion = read_completion(body, self._key)
            except BadBody as error:
                return _Failure(str(error), again=True, fault=True)
            if foreign := await self._foreign(completion.model):
                return _Failure(foreign, again=True, fault=True)
            slot.succeeded()
            return self._reply(call, completion, nonce, attempt, time.perf_counter() - started)

    def _reply(
        self, call: Call[ReplyForm], completion: Completion, nonce: str, attempt: int, seconds: float
    ) -> Reply | _Failure:
        if crossed := self._crossed(completion, nonce):
            return _Failure(crossed, again=True, fault=True)
        shares: dict[str, float] = {}
        if call.choice:
            shares = choice_probabilities(completion.content, completion.tokens, call.choice, call.options)
        return Reply(
            text=completion.content,
            finish=completion.finish,
            probabilities=shares,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            seconds=seconds,
            attempts=attempt,
            error=scaled_down(call, completion.prompt_tokens, self._patch),
        )

    def _crossed(self, completion: Completion, nonce: str) -> str:
        """The error message if the answer provably belongs to another request; empty otherwise.

        vLLM makes the answer's id from the request's `X-Request-Id`: an id with the nonce of another request belongs to
        another question. Other servers ignore the header; with them only the controls would show a mix-up.
        """
        named = _NONCE.findall(completion.id)
        if nonce not in named and any(each in self._nonces for each in named):
            return "the server gave the answer to another question"
        return ""

    async def _foreign(self, answered: str) -> str:
        """The error message if another model answered; empty if it is ours, perhaps under another of its names.

        vLLM answers under the first of its served names. Names with the same root in `/models` are one model.
        """
        ours, theirs = (name.lower().rsplit("/", 1)[-1] for name in (self.model, answered))
        if not theirs or ours in theirs or theirs in ours or answered in self._served_as:
            return ""
        if self._roots is None:
            self._roots = await self._served_roots()
        root = self._roots.get(answered)
        if root and root == self._roots.get(self.model):
            return ""
        return f"the answer comes from another model (`{answered}`); if it is the same one, set `served_as: {answered}`"

    # --------------------------------------------------------------------------------------------------- the network

    async def _post(self, fields: dict[str, Any], nonce: str) -> bytes:
        answer = await self._sdk().chat.completions.with_raw_response.create(
            **fields, extra_headers={"X-Request-Id": nonce}
        )
        content: bytes = answer.content
        return content

    async def _served_roots(self) -> dict[str, str]:
        """Served name -> root, as the server lists them; empty if it lists none."""
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                return read_models((await self._sdk().models.with_raw_response.list()).content)
        except Exception:  # network alone, as in `_attempt`; the names then count as different models
            return {}

    def _sdk(self) -> openai.AsyncOpenAI:
        if self._client is None:
            import openai

            self._client = openai.AsyncOpenAI(
                base_url=self.url,
                api_key=self._key or "none",  # the SDK insists on one
                max_retries=0,  # attempts are counted in one place: here
                http_client=_http_client(self.limits, self._access),
            )
        return self._client

    def _failure(self, error: Exception, slot: Slot, *, last: bool) -> _Failure:
        import httpx2
        import openai

        cause = error.__cause__ or error
        if isinstance(error, openai.APIStatusError):
            return self._refusal(error, slot)
        if isinstance(cause, _TooLong):
            return _Failure(str(cause), again=False, fault=True)
        if isinstance(error, openai.APITimeoutError) and not isinstance(cause, httpx2.ConnectTimeout):
            slot.overloaded()
            return _Failure("the server stopped answering", again=True, fault=True)
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) and last:
            raise UnavailableError(
                "no connection to the judge's server",
                where=self.url,
                hint="`evalkit judge serve` starts one; `url:` of the judge says where it is",
            ) from error
        what = type(cause).__name__
        return _Failure(f"the connection failed ({what})", again=True, fault=True)

    def _refusal(self, error: openai.APIStatusError, slot: Slot) -> _Failure:
        status = error.status_code
        message = error_message(error.response.content, self._key)
        reason = f"HTTP {status}{': ' if message else ''}{message}"
        if status in (401, 404) or (status == 403 and not self._answered):
            raise UnavailableError(reason, where=self.url, hint=self._hint(status)) from error
        wait = retry_after_seconds(error.response.headers.get("retry-after"))
        if status in (429, 503):
            slot.overloaded(min(wait or 0.0, self.limits.max_wait_s))
        if wait is not None and wait > self.limits.max_wait_s:
            return _Failure(f"{reason}; it asks to wait {wait:.0f} s", again=False, fault=True)
        return _Failure(reason, again=status in RETRIED_STATUSES, fault=status in RETRIED_STATUSES, wait_s=wait or 0.0)

    def _hint(self, status: int) -> str:
        if status == 404:
            return f"`model:` must be a name the server serves (`{self.url}/models` lists them); this is `{self.model}`"
        return f"set {KEY_VARIABLE} to a key that may ask this server"


def _http_client(limits: Limits, access: Access) -> Any:
    """The SDK's HTTP client with bounded bodies and without redirects."""
    import httpx2
    import openai

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, stream: httpx2.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> Any:
            left = limits.max_body
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    raise _TooLong(f"the answer has more than {limits.max_body} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx2.Response) -> None:
        response.stream = Bounded(response.stream)  # type: ignore[arg-type]  # typed for both kinds; here: async

    return openai.DefaultAsyncHttpxClient(
        timeout=httpx2.Timeout(limits.timeout_s, connect=limits.connect_s),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=limits.concurrency),
        headers={"Accept-Encoding": "identity"},  # a compressed body would grow after its bytes are counted
        event_hooks={"response": [bound]},
        follow_redirects=False,
        **access.for_client(),
    )


def base_url(url: str) -> str:
    """The base of an API, without `/` at its end. Raises `ConfigError` if it is no http(s) address, or holds a key."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # a broken port, IPv6 address or name
        good = False
    if not good:
        raise ConfigError("not an http(s) address", where=clean(url), hint="http://host:8000/v1")
    if parts.username or parts.password or secret_in_query(url):
        raise ConfigError("a name or a key in the address would end up in reports", hint=f"use {KEY_VARIABLE}")
    return url.rstrip("/").removesuffix("/chat/completions")


def key_for(url: str) -> str:
    """The key for the server at `url` from the environment, empty if there is none for it.

    Raises:
        ConfigError: the key may not go to this host, or is malformed.
    """
    if os.environ.get(KEY_VARIABLE):
        return api_key(KEY_VARIABLE, url)
    return api_key(OPENAI_VARIABLE, url) if goes_to(OPENAI_VARIABLE, url) else ""
