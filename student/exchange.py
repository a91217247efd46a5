"""Asks an HTTP server that may fail: bounded in time and in bytes, with further attempts where they can help.

ask ─▶ pacer ─▶ exchange (one deadline from connecting to the last byte) ─▶ redirect on the same host ─▶ read
          ▲                                                                                              │
          └────────────────── back-off, Retry-After ◀── 429, 5xx, timeout, dropped, unusable body ◀──────┘
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from urllib.parse import urljoin, urlsplit

from evalkit.api.errors import GenerationError, UnavailableError
from evalkit.formats.foreign_text import clean
from evalkit.formats.http_access import access_to
from evalkit.formats.retry import RETRIED_STATUSES, backoff_seconds, retry_after_seconds
from evalkit.student import images_api
from evalkit.student.images_api import UnusableAnswerError
from evalkit.student.pacer import Pacer

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 128_000_000
"""Largest answer that is read, bytes: a 2048x2048 RGBA picture takes at most 22 MB as base64."""
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request is waited for, and how often it is repeated.

    Args:
        timeout_s: seconds for one whole attempt, from connecting to the last byte.
        retries: further attempts.
        backoff_s: first wait between two attempts.
        max_wait_s: longest single wait; a longer `Retry-After` ends the request.
        connections: at the same time.
    """

    timeout_s: float
    retries: int
    backoff_s: float
    max_wait_s: float
    connections: int


class Reply(NamedTuple, Generic[T]):
    """What was read, the seconds of the attempt that succeeded, and how many attempts it took."""

    read: T
    seconds: float
    attempts: int


class ForbiddenError(UnavailableError):
    """Status 403: the key has no access, or this prompt is refused."""


class _Response(NamedTuple):
    status: int
    wait_s: float | None
    location: str
    body: bytes


class Exchange:
    """Sends requests to the hosts of one endpoint. Use it from one event loop.

    Args:
        base: the endpoint's address; the key goes to its origin alone.
        key: sent as a bearer token; empty for none.
        key_hint: what to do if the server refuses the key.
        patience: time and attempts.
        pacer: spaces the attempts.
    """

    def __init__(self, base: str, key: str, key_hint: str, patience: Patience, pacer: Pacer) -> None:
        self._base, self._key, self._key_hint = base, key, key_hint
        self._patience = patience
        self._pacer = pacer
        self._rng = random.Random()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def ask(self, method: str, url: str, payload: dict[str, Any], read: Callable[[bytes], T]) -> Reply[T]:
        """Send the request until `read` accepts an answer of status 2xx.

        Raises:
            GenerationError: this request can't be answered.
            UnavailableError: no request can be: there is no server, or it refuses the key.
        """
        patience, place = self._patience, urlsplit(url).netloc
        problem, connected = "", False
        for attempt in range(patience.retries + 1):
            wait_s = None
            await self._pacer.wait()
            started = time.monotonic()
            try:
                response = await self._follow(method, url, payload)
                connected, wait_s = True, response.wait_s
                if 200 <= response.status < 300:
                    return Reply(read(response.body), time.monotonic() - started, attempt + 1)
                problem = self._refusal(response, place)
            except UnusableAnswerError as error:
                problem = str(error)
                if not error.again:
                    raise GenerationError(problem, where=place) from error
            except _NoAnswerError as error:
                problem, connected = str(error), connected or error.connected
            if wait_s is not None and wait_s > patience.max_wait_s:
                raise GenerationError(f"{problem} (the server asks to wait {wait_s:g} s)", where=place)
            if attempt < patience.retries:
                backoff = backoff_seconds(attempt, patience.backoff_s, patience.max_wait_s, self._rng)
                await asyncio.sleep(max(backoff, wait_s or 0.0))
        problem += f" ({patience.retries + 1} attempts)"
        if not connected:
            raise UnavailableError(problem, where=place, hint=f"is the server up? try: curl -i {self._base}")
        raise GenerationError(problem, where=place)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _refusal(self, response: _Response, place: str) -> str:
        """The problem in words if the request may be repeated; else raised."""
        problem = f"HTTP {response.status}: {images_api.error_message(response.body, self._key)}"
        if response.status in (401, 403):
            kind = UnavailableError if response.status == 401 else ForbiddenError
            raise kind(problem, where=place, hint=self._key_hint)
        if response.status not in RETRIED_STATUSES:
            raise GenerationError(problem, where=place)
        return problem

    async def _follow(self, method: str, url: str, payload: dict[str, Any]) -> _Response:
        """The response after redirects on the same host; a redirect to another one is the response itself."""
        for _ in range(MAX_REDIRECTS):
            response = await self._exchange(method, url, payload)
            target = urljoin(url, response.location)
            if response.status not in REDIRECTS or not response.location or not images_api.same_host(url, target):
                return response
            if response.status == 303:
                method, payload = "GET", {}
            url = target
        raise GenerationError(f"more than {MAX_REDIRECTS} redirects", where=urlsplit(url).netloc)

    async def _exchange(self, method: str, url: str, payload: dict[str, Any]) -> _Response:
        import httpx

        key = self._key if images_api.same_host(self._base, url) else ""
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        body = bytearray()
        try:
            async with (
                asyncio.timeout(self._patience.timeout_s),
                self._client(url).stream(method, url, headers=headers, **payload) as response,
            ):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise GenerationError(f"answer of more than {MAX_ANSWER / 1e6:.0f} MB; not read")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _NoAnswerError(f"can't connect: {self._words(error)}", connected=False) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _NoAnswerError(f"no whole answer within {self._patience.timeout_s:g} s") from error
        except httpx.InvalidURL as error:
            raise GenerationError("the picture's address can't be read", where=urlsplit(url).netloc) from error
        except httpx.RequestError as error:
            raise _NoAnswerError(f"connection dropped: {self._words(error)}") from error
        location = response.headers.get("location", "")
        return _Response(
            response.status_code, retry_after_seconds(response.headers.get("retry-after")), location, bytes(body)
        )

    def _words(self, error: Exception) -> str:
        """The client's message, which may quote the answer."""
        return clean(str(error), self._key) or type(error).__name__

    def _client(self, url: str) -> httpx.AsyncClient:
        """The client for the host of `url`: each may be reached in another way."""
        import httpx

        host = url.partition("://")[0] + urlsplit(url).netloc
        if host not in self._clients:
            patience = self._patience
            self._clients[host] = httpx.AsyncClient(
                timeout=httpx.Timeout(patience.timeout_s, connect=min(10.0, patience.timeout_s)),
                limits=httpx.Limits(max_connections=patience.connections),
                **access_to(url).for_client(),
            )
        return self._clients[host]


class _NoAnswerError(Exception):
    """One attempt brought no answer. `connected`: the server was reached."""

    def __init__(self, what: str, *, connected: bool = True) -> None:
        super().__init__(what)
        self.connected = connected
