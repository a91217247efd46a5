"""A generator for HTTP endpoints with the OpenAI images API: hosted models, vLLM-Omni, SGLang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_validator

from evalkit.api.errors import GenerationError, PictureError, UnavailableError
from evalkit.api.pictures import decode
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import JSON, Case, Generated, Request, Task
from evalkit.api.settings import Settings
from evalkit.formats.api_keys import api_key, check_variable, secret_in_query
from evalkit.formats.http_access import access_to
from evalkit.formats.keys import digest
from evalkit.student import images_api
from evalkit.student.exchange import Exchange, ForbiddenError, Patience
from evalkit.student.images_api import parse_answer
from evalkit.student.pacer import Pacer
from evalkit.student.source import read_source

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$")]

T = TypeVar("T")

CONNECT_S = 10.0
SENT_SEEDS = 2**31
"""Seeds are sent modulo this: many servers keep them in a signed 32-bit integer."""


class HttpSettings(Settings):
    """The address of the endpoint, and how requests are sent.

    Args:
        url: base of the API (`https://host/v1`); `/images/generations` and `/images/edits` are added to it.
        model: the `model` field.
        api_key_env: NAME of the environment variable that holds the key; empty where none is needed. Which variable may
            go to which host: `evalkit.formats.api_keys`.
        size: `case` sends the case's own size, `auto` leaves it to the server, `omit` sends none; or the sizes the
            server knows, of which the closest is sent.
        extra: more request fields (`quality`, `num_inference_steps`, …).
        seed_field: name of the field that takes the seed; empty: no seed is sent.
        response_format: empty: the field is not sent (servers that always answer in base64 refuse it).
        declared_nfe: transformer evaluations as the provider states them; recorded as declared, never as a count.
        timeout_s: seconds for one whole attempt, from connecting to the last byte.
        retries: further attempts after 429, 5xx, a dropped connection, a timeout or an answer without a picture.
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
        if name := secret_in_query(url):
            raise ValueError(f"`{name}` in the address would end up in reports; put the key in api_key_env")
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


class _Outcome(NamedTuple):
    """The result of one request; `fatal` is set if the error concerns all other requests too."""

    result: Generated
    fatal: UnavailableError | None = None


class HttpGenerator:
    """An OpenAI-images-compatible HTTP endpoint (`/images/generations`, `/images/edits`).

    `seconds` is the wall time of the attempt that succeeded, including the network and the server's queue. `nfe` is
    set only if the answer has an `nfe` field. It is unknown whether the same request would give the same picture.

    Raises:
        ConfigError: the key may not go to this host.
    """

    Settings = HttpSettings

    def __init__(self, settings: HttpSettings) -> None:
        self.settings = settings
        self.batch_size = settings.concurrency
        if settings.api_key_env:
            check_variable(settings.api_key_env, settings.url)
        self._loop: asyncio.Runner | None = None
        self._exchange: Exchange | None = None
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

    def check(self) -> list[tuple[str, str]]:
        """What is missing: the key, a usable proxy or certificate, or a server that takes the connection."""
        import httpx

        try:
            self._key()
            access = access_to(self.settings.url)
        except UnavailableError as error:
            return [(str(error), error.hint)]
        try:
            with httpx.Client(timeout=CONNECT_S, **access.for_client()) as client:
                client.head(self.settings.url)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return [(f"no connection to {self.settings.url}", "start the server, or correct `url`")]
        except httpx.HTTPError:  # it took the connection: what it answers without a request is its own business
            pass
        return []

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        key = self._key()
        outcomes = self._run(self._all(requests, key))
        pictures = any(outcome.result.image is not None for outcome in outcomes)
        self._served = self._served or pictures
        for outcome in outcomes:
            # If the server has drawn other prompts, it refuses this prompt, not the key.
            if outcome.fatal and not pictures and not (isinstance(outcome.fatal, ForbiddenError) and self._served):
                raise outcome.fatal
        return [outcome.result for outcome in outcomes]

    def close(self) -> None:
        if self._loop is not None:
            if self._exchange is not None:
                self._loop.run(self._exchange.close())
            self._loop.close()
        self._loop = self._exchange = None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in one event loop for all batches, so that connections stay open between them."""
        self._loop = self._loop or asyncio.Runner()
        return self._loop.run(work)

    async def _all(self, requests: Sequence[Request], key: str) -> list[_Outcome]:
        s = self.settings
        slots = asyncio.Semaphore(s.concurrency)
        patience = Patience(s.timeout_s, s.retries, s.backoff_s, s.max_wait_s, s.concurrency)
        exchange = self._exchange or Exchange(s.url, key, self._key_hint(), patience, Pacer(s.requests_per_minute))
        self._exchange = exchange

        async def one(request: Request) -> _Outcome:
            async with slots:
                return await self._one(request, exchange, key)

        tasks = [asyncio.create_task(one(request)) for request in requests]
        try:
            return [await task for task in tasks]
        finally:
            for task in tasks:  # after an error or Ctrl-C; otherwise they have all finished
                task.cancel()

    def _key(self) -> str:
        name = self.settings.api_key_env
        key = api_key(name, self.settings.url) if name else ""
        if name and not key:
            raise UnavailableError(f"no API key: ${name} is not set", hint=f"export {name}=…")
        return key

    async def _one(self, request: Request, exchange: Exchange, key: str) -> _Outcome:
        try:
            return _Outcome(await self._picture(request, exchange, key))
        except UnavailableError as error:
            message = f"{error} ({error.hint})" if error.hint else str(error)
            return _Outcome(Generated(error=message), error)
        except (GenerationError, PictureError) as error:
            return _Outcome(Generated(error=str(error)))
        except UnicodeEncodeError:
            return _Outcome(Generated(error="the prompt is not valid Unicode (half of a surrogate pair)"))

    async def _picture(self, request: Request, exchange: Exchange, key: str) -> Generated:
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
        payload: dict[str, Any] = {"json": fields}
        if case.task is Task.EDIT:
            source = read_source(case)
            kind = decode(source, where=str(case.id)).format.lower()
            files = {"image": (f"source.{kind}", source, f"image/{kind}")}
            payload = {"data": images_api.form_fields(fields), "files": files}
        action = "edits" if case.task is Task.EDIT else "generations"
        reply = await exchange.ask("POST", self._endpoint(action), payload, lambda body: parse_answer(body, key))
        answer = reply.read
        data = answer.image
        if data is None:
            url = images_api.picture_url(answer.url, s.url, s.image_hosts)
            data = (await exchange.ask("GET", url, {}, bytes)).read
        await asyncio.to_thread(decode, data, where="the server's picture")
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

    def _key_hint(self) -> str:
        name = self.settings.api_key_env
        if name:
            return f"check the key in ${name}, and that it may use model {self.settings.model!r}"
        return "the server needs a key: put it in an environment variable and set api_key_env to the variable's name"
