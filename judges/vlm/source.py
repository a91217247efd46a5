"""Whom the judge asks: judge-mini in this process, a server by its address, or one that is started here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from evalkit.api.errors import EvalkitError, UnavailableError
from evalkit.api.settings import ProgramPath
from evalkit.api.settings import Settings as BaseSettings
from evalkit.judges.vlm.ask import Ask, Endpoint, Reply
from evalkit.judges.vlm.scale import Coordinates

if TYPE_CHECKING:
    from evalkit.judges.vlm.serving.profiles import Profile

MINI = "judge-mini"


class EndpointSettings(BaseSettings):
    """Settings that say who is asked."""

    primary: ClassVar[str] = "model"
    model: str = ""
    """A name the server serves; for `serve`, a folder or hub id in place of the profile's own; in this process, a
    folder in place of the weights of judge-mini."""
    url: str = ""
    """Base of an OpenAI-compatible API, `http://host:8000/v1`. Its key comes from EVALKIT_JUDGE_API_KEY."""
    serve: str = ""
    """Name of a profile of `evalkit judge serve`: the server is started for the run and stopped after it."""
    vllm_python: ProgramPath | None = None
    """Python of the environment that has vLLM."""
    concurrency: int = Field(64, ge=1, le=1024)
    """Calls under way at once, at most."""
    timeout_s: float = Field(180.0, gt=0, le=3600, allow_inf_nan=False)
    """Seconds for one attempt of one call."""
    max_pixels: int = Field(4_194_304, ge=1024, le=64_000_000)
    """A picture with more pixels is sent smaller, and the evidence says so."""
    coordinates: Coordinates | None = None
    """What numbers the model gives boxes in; by default what its profile says, else thousandths."""
    share_gpu: Literal["none", "phases", "sleep"] = "none"
    """Where the judge's model and the generators are on one GPU. `phases`: it is asked (and its server started) when
    the generators are closed. `sleep`: so too, and the server at `url` sleeps until then."""
    replay: bool = False
    """Answer from the run's journal alone."""

    @model_validator(mode="after")
    def _one_source(self) -> EndpointSettings:
        if self.url and self.serve:
            raise ValueError("give `url` or `serve`, not both")
        if self.share_gpu == "sleep" and not self.url:
            raise ValueError("`share_gpu: sleep` is for a server at `url`; one started for the run has its phases")
        return self


def model_id(settings: EndpointSettings) -> str:
    """What determines the replies, for fingerprints and keys; starts and loads nothing."""
    if settings.url:
        return settings.model or MINI
    if settings.serve:
        from evalkit.judges.vlm.serving import profile

        return f"{settings.serve}={settings.model or profile(settings.serve).model}"
    return _mini(settings).model


def unfit(settings: EndpointSettings, own: Iterable[str] = ()) -> Mapping[str, str]:
    """Rubrics that the model that is asked does not answer, with the reason: known of judge-mini alone, which answers
    none of the user's `own`.
    """
    from evalkit.judges.vlm.mini.fit import unfit as unfit_of
    from evalkit.judges.vlm.mini.local import WEIGHTS

    named = settings.model not in ("", MINI)
    mini = settings.serve == MINI or not (settings.serve or (settings.url and named))
    if not mini:
        return {}
    learnt = "judge-mini has learnt the built-in rubrics alone"
    return {**unfit_of(Path(settings.model) if named else WEIGHTS), **dict.fromkeys(own, learnt)}


def profile_of(settings: EndpointSettings) -> Profile | None:
    """The profile by which the model is served: that of `serve`, or the one `url` names its model by, as
    `evalkit judge serve` does; `None` for any other server.
    """
    from evalkit.judges.vlm.serving.profiles import profile, profiles

    if settings.serve:
        return profile(settings.serve)
    return profiles().get(settings.model or MINI) if settings.url else None


def coordinates(settings: EndpointSettings) -> Coordinates:
    """What numbers the model gives boxes in: as its profile says, also where it is served under its hub id."""
    from evalkit.judges.vlm.serving.profiles import profiles

    if settings.coordinates:
        return settings.coordinates
    known = profile_of(settings)
    if known is None and settings.url:
        known = next((one for one in profiles().values() if one.model == settings.model), None)
    return known.coordinates if known else "relative-1000"


def seen_at(settings: EndpointSettings, sent: tuple[int, int]) -> tuple[int, int]:
    """(width, height) in which the model sees a picture that is sent so large: boxes in `pixels` count in these.

    Of a server that is started otherwise no processor is known: there it is what was sent.
    """
    known = profile_of(settings)
    return known.resized(*sent) if known else sent


def open_endpoint(settings: EndpointSettings, log: Path | None, stack: contextlib.ExitStack) -> Endpoint:
    """The endpoint; what was started for it ends with `stack`.

    Raises:
        ConfigError, UnknownNameError: what the settings name is not there.
        UnavailableError: it can't be had on this machine.
    """
    if not (settings.url or settings.serve):
        return _mini(settings)
    from evalkit.judges.vlm.client import Limits, OpenAIEndpoint
    from evalkit.judges.vlm.serving import serve, wake

    limits = Limits(concurrency=settings.concurrency, timeout_s=settings.timeout_s, max_pixels=settings.max_pixels)
    if settings.url:
        if settings.share_gpu == "sleep":
            wake(settings.url)
        known = profile_of(settings)
        patch = known.token_px if known else None
        return OpenAIEndpoint(settings.url, settings.model or MINI, limits=limits, patch=patch)
    server = stack.enter_context(serve(settings.serve, settings.model, settings.vllm_python, log=log))
    key, patch = server.api_key, server.profile.token_px
    return OpenAIEndpoint(server.url, server.model, api_key=key, limits=limits, patch=patch)


def check_source(settings: EndpointSettings) -> None:
    """Raise `UsageError` for a profile that is none, or an address or a key that nobody can be asked with.

    Starts nothing and connects to nothing.
    """
    if settings.serve:
        from evalkit.judges.vlm.serving import profile

        profile(settings.serve)
    if settings.url:
        from evalkit.judges.vlm.client import OpenAIEndpoint

        OpenAIEndpoint(settings.url, settings.model or MINI)


def problems(settings: EndpointSettings) -> list[tuple[str, str]]:
    """What would keep these settings from being asked, each with what to do: no vLLM, no room, no weights, a server
    that does not answer. Asks a server one question."""

    def tried(what: Callable[[], object]) -> list[tuple[str, str]]:
        try:
            what()
        except EvalkitError as error:
            return [(str(error), error.hint)]
        return []

    if settings.serve:
        return [*tried(lambda: _room(settings)), *tried(lambda: _vllm(settings))]
    return tried(lambda: _answers(settings) if settings.url else _mini(settings).model)


def _room(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.serving.flags import Wish, launch
    from evalkit.judges.vlm.serving.machine import machine
    from evalkit.judges.vlm.serving.profiles import profile

    known = profile(settings.serve)
    launch(known, machine(), Wish(known.where(settings.model), known.name, 1))


def _vllm(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.serving.environment import find
    from evalkit.judges.vlm.serving.profiles import profile

    find(settings.vllm_python, least=profile(settings.serve).min_vllm)


def _answers(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.client import Limits, OpenAIEndpoint

    schema = {"type": "object", "properties": {"answer": {"type": "string", "enum": ["yes"]}}}
    ask = Ask("", (), 'Reply {"answer": "yes"}.', "question", schema, max_tokens=32)

    async def once() -> Reply:
        limits = Limits(attempts=1, timeout_s=60)
        endpoint = OpenAIEndpoint(settings.url, settings.model or MINI, limits=limits)
        try:
            return await endpoint.ask(ask)
        finally:
            await endpoint.close()

    if error := asyncio.run(once()).error:
        raise UnavailableError(error, where=settings.url, hint="look at the server's log")


def _mini(settings: EndpointSettings) -> Endpoint:
    from evalkit.judges.vlm.mini.local import LocalEndpoint

    named = settings.model not in ("", MINI)
    endpoint: Endpoint = LocalEndpoint(Path(settings.model)) if named else LocalEndpoint()
    return endpoint
