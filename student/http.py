"""A generator for HTTP endpoints with the OpenAI images API: hosted models, vLLM-Omni, SGLang."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_validator

from evalkit.api.errors import ConfigError, GenerationError, PictureError, UnavailableError
from evalkit.api.pictures import decode
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import JSON, Case, Generated, Request, Task
from evalkit.api.settings import Settings
from evalkit.formats.foreign_text import clean
from evalkit.formats.keys import digest
from evalkit.formats.retry import RETRIED_STATUSES, backoff_seconds, retry_after_seconds
from evalkit.student import images_api
from evalkit.student.pacer import Pacer
from evalkit.student.source import read_source

if TYPE_CHECKING:
    import httpx

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]

MAX_ANSWER = 128_000_000
"""Largest answer that is read, bytes: a 2048x2048 RGBA picture takes at most 22 MB as base64."""
SENT_SEEDS = 2**31
"""Seeds are sent modulo this: many servers keep them in a signed 32-bit integer."""


class HttpSettings(Settings):
    """The address of the endpoint, and how requests are sent.

    Args:
        url: base of the API (`https://host/v1`); `/images/generations` and `/images/edits` are added to it.
        model: the `model` field.
        api_key_env: NAME of the environment variable that holds the key; empty where none is needed.
        size: `case` sends the case's own size, `auto` leaves it to the server, `omit` sends none; or the sizes the
            server knows, of which the closest is sent.
        extra: more request fields (`quality`, `num_inference_steps`, …).
        seed_field: name of the field that takes the seed; empty: no seed is sent.
        response_format: empty: the field is not sent (servers that always answer in base64 refuse it).
        declared_nfe: transformer evaluations as the provider states them; recorded as declared, never as a count.
        timeout_s: seconds for one whole answer.
        retries: further attempts after 429, 5xx, a dropped connection or a timeout.
        max_wait_s: longest single wait; a longer `Retry-After` makes the request fail.
        requests_per_minute: starts of requests, including repeated attempts.
        concurrency: number of requests at the same time.
        image_hosts: other hosts that a `url` answer may point to.
    """

    primary: ClassVar[str] = "url"

    url: str
    model: str = ""
    api_key_env: str = Field("", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")
    size: Literal["case", "auto", "omit"] | Size | tuple[Size, ...] = "case"
    extra: dict[str, Any] = Field(default_factory=dict)
    seed_field: str = ""
    response_format: Literal["b64_json", "url", ""] = "b64_json"
    declared_nfe: int | None = Field(None, ge=1)
    timeout_s: float = Field(180.0, gt=0)
    retries: int = Field(4, ge=0, le=20)
    backoff_s: float = Field(1.0, gt=0)
    max_wait_s: float = Field(120.0, gt=0)
    requests_per_minute: float | None = Field(None, gt=0)
    concurrency: int = Field(4, ge=1, le=256)
    image_hosts: tuple[str, ...] = ()
    name: str = ""
    licence: str = ""

    @field_validator("url")
    @classmethod
    def _base(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http(s) address")
        if parts.username or parts.password:
            raise ValueError("a name or password in the address would end up in reports; use api_key_env")
        path = parts.path.rstrip("/").removesuffix("/images/generations") or "/v1"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    @field_validator("extra")
    @classmethod
    def _not_reserved(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(images_api.RESERVED_FIELDS & extra.keys()):
            raise ValueError(f"{', '.join(taken)}: set by evalkit, not by extra")
        try:
            json.dumps(extra, allow_nan=False)
        except TypeError as error:  # YAML has dates, JSON has not
            raise ValueError(f"not JSON: {error}") from error
        return extra


class _Reply(NamedTuple):
    body: bytes
    seconds: float
    attempts: int


class _Outcome(NamedTuple):
    """The result of one request; `fatal` is set if the error concerns all other requests too."""

    result: Generated
    fatal: UnavailableError | None = None


class _ForbiddenError(UnavailableError):
    """Status 403: the key has no access, or this prompt is refused."""


class _StopRequested(Exception):
    """Another thread failed, or the user pressed Ctrl-C: stop waiting."""


class HttpGenerator:
    """An OpenAI-images-compatible HTTP endpoint (`/images/generations`, `/images/edits`).

    `seconds` is the wall time of the attempt that succeeded, including the network and the server's queue. `nfe` is
    set only if the answer has an `nfe` field. It is unknown whether the same request would give the same picture.

    Raises:
        ConfigError: the key in the environment has characters that no key has.
    """

    Settings = HttpSettings

    def __init__(self, settings: HttpSettings) -> None:
        self.settings = settings
        self.batch_size = settings.concurrency
        self._pacer = Pacer(settings.requests_per_minute)
        self._stop = threading.Event()
        self._rng = random.Random()
        self._client: httpx.Client | None = None
        self._served = False

    def info(self) -> GeneratorInfo:
        s = self.settings
        settings = s.model_dump(mode="json", exclude={"name", "licence"})
        name = s.name or s.model or str(urlsplit(s.url).hostname)
        return GeneratorInfo(name, s.licence, f"HTTP endpoint {urlsplit(s.url).netloc}", settings)

    def fingerprint(self, case: Case) -> str:
        """Covers address, model and the fields that are sent; not the key, the rate limit, retries and timeouts.

        If a server changes behind the same address and model name, the fingerprint does not.
        """
        keys = {"url", "model", "size", "extra", "seed_field", "response_format"}
        return digest("http/1", self.settings.model_dump(mode="json", include=keys))

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        key = self._key()
        self._stop.clear()
        self._connection()
        pool = ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="evalkit-http")
        try:
            outcomes = list(pool.map(lambda request: self._one(request, key), requests))
        finally:
            # After an error or Ctrl-C the threads stop waiting at once; otherwise they have all finished.
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        pictures = any(outcome.result.image is not None for outcome in outcomes)
        self._served = self._served or pictures
        for outcome in outcomes:
            # If the server has drawn other prompts, it refuses this prompt, not the key.
            if outcome.fatal and not pictures and not (isinstance(outcome.fatal, _ForbiddenError) and self._served):
                raise outcome.fatal
        return [outcome.result for outcome in outcomes]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _key(self) -> str:
        name = self.settings.api_key_env
        if not name:
            return ""
        key = os.environ.get(name, "").strip()
        if not key:
            raise UnavailableError(f"no API key: ${name} is not set", hint=f"export {name}=…")
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(f"${name} holds characters that no API key has", hint=f"export {name}=… once more")
        return key

    def _one(self, request: Request, key: str) -> _Outcome:
        try:
            return _Outcome(self._picture(request, key))
        except UnavailableError as error:
            message = f"{error} ({error.hint})" if error.hint else str(error)
            return _Outcome(Generated(error=message), error)
        except (GenerationError, PictureError) as error:
            return _Outcome(Generated(error=str(error)))
        except UnicodeEncodeError:
            return _Outcome(Generated(error="the prompt is not valid Unicode (half of a surrogate pair)"))
        except _StopRequested:
            return _Outcome(Generated(error="stopped before an answer came"))

    def _picture(self, request: Request, key: str) -> Generated:
        s, case = self.settings, request.case
        seed = {s.seed_field: request.noise_seed % SENT_SEEDS} if s.seed_field else {}
        fields = images_api.request_fields(
            case,
            model=s.model,
            size=images_api.choose_size(s.size, case.width, case.height),
            response_format=s.response_format,
            seed=seed,
            extra=s.extra,
        )
        if case.task is Task.EDIT:
            source = read_source(case)
            kind = decode(source, where=str(case.id)).format.lower()
            files = {"image": (f"source.{kind}", source, f"image/{kind}")}
            form = images_api.form_fields(fields)
            reply = self._ask("POST", self._endpoint("edits"), key, {"data": form, "files": files})
        else:
            reply = self._ask("POST", self._endpoint("generations"), key, {"json": fields})
        answer = images_api.parse_answer(reply.body, key)
        data = answer.image
        if data is None:
            url = images_api.picture_url(answer.url, s.url, s.image_hosts)
            data = self._ask("GET", url, key if images_api.same_origin(url, s.url) else "", {}).body
        decode(data, where="the server's picture")
        notes: dict[str, JSON] = {"attempts": reply.attempts}
        if seed:
            notes["seed_sent"] = seed[s.seed_field]
        if s.declared_nfe is not None:
            notes["declared_nfe"] = s.declared_nfe
        if answer.revised_prompt:
            notes["revised_prompt"] = answer.revised_prompt
        return Generated(image=data, nfe=answer.nfe, seconds=reply.seconds, notes=notes)

    def _endpoint(self, action: str) -> str:
        parts = urlsplit(self.settings.url)
        return urlunsplit(parts._replace(path=f"{parts.path}/images/{action}"))

    def _ask(self, method: str, url: str, key: str, payload: dict[str, Any]) -> _Reply:
        """Send the request until an answer has status 200, with at most `retries` further attempts."""
        import httpx

        s = self.settings
        place = urlsplit(url).netloc
        problem, connected = "", False
        for attempt in range(s.retries + 1):
            asked_wait = None
            if not self._pacer.wait(self._stop):
                raise _StopRequested
            started = time.monotonic()
            try:
                status, asked_wait, body = self._exchange(method, url, key, payload)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem = f"can't connect: {clean(str(error)) or type(error).__name__}"
            except httpx.TimeoutException:
                connected, problem = True, f"no whole answer within {s.timeout_s:g} s"
            except httpx.InvalidURL as error:
                raise GenerationError("the picture's address can't be read", where=place) from error
            except httpx.RequestError as error:
                connected, problem = True, f"connection dropped: {clean(str(error)) or type(error).__name__}"
            else:
                connected = True
                if status == 200:
                    return _Reply(body, time.monotonic() - started, attempt + 1)
                problem = f"HTTP {status}: {images_api.error_message(body, key)}"
                if status in (401, 403):
                    kind = UnavailableError if status == 401 else _ForbiddenError
                    raise kind(problem, where=place, hint=self._key_hint())
                if status not in RETRIED_STATUSES:
                    raise GenerationError(problem, where=place)
            if asked_wait is not None and asked_wait > s.max_wait_s:
                raise GenerationError(f"{problem} (the server asks to wait {asked_wait:g} s)", where=place)
            if attempt < s.retries:
                wait = backoff_seconds(attempt, s.backoff_s, s.max_wait_s, self._rng)
                if self._stop.wait(max(wait, asked_wait or 0.0)):
                    raise _StopRequested
        problem += f" ({s.retries + 1} attempts)"
        if not connected:
            raise UnavailableError(problem, where=place, hint=f"is the server up? try: curl -i {s.url}")
        raise GenerationError(problem, where=place)

    def _exchange(self, method: str, url: str, key: str, payload: dict[str, Any]) -> tuple[int, float | None, bytes]:
        """Status, requested wait and body of one exchange, which is limited in bytes and in total time."""
        import httpx

        deadline = time.monotonic() + self.settings.timeout_s
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        body = bytearray()
        with self._connection().stream(method, url, headers=headers, **payload) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise GenerationError(f"answer of more than {MAX_ANSWER / 1e6:.0f} MB; not read")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("deadline")
            return answer.status_code, retry_after_seconds(answer.headers.get("retry-after")), bytes(body)

    def _connection(self) -> httpx.Client:
        import httpx

        if self._client is None:
            s = self.settings
            self._client = httpx.Client(
                timeout=httpx.Timeout(s.timeout_s, connect=min(10.0, s.timeout_s)),
                limits=httpx.Limits(max_connections=s.concurrency),
            )
        return self._client

    def _key_hint(self) -> str:
        name = self.settings.api_key_env
        if name:
            return f"check the key in ${name}, and that it may use model {self.settings.model!r}"
        return "the server needs a key: put it in an environment variable and set api_key_env to the variable's name"
