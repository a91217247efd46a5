"""Which model the judge asks: judge-mini in this process, a server at an address, or a server it starts."""

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
from evalkit.judges.vlm.call import Call, Endpoint, Reply, ReplyForm
from evalkit.judges.vlm.look import Coordinates

if TYPE_CHECKING:
    from evalkit.judges.vlm.serving.profiles import Profile

MINI = "judge-mini"


class _Hello(ReplyForm):
    """The reply to the question that shows whether a server answers."""

    form_name = "question"
    answer: Literal["yes"]


class EndpointSettings(BaseSettings):
    """Settings that say which model is asked."""

    primary: ClassVar[str] = "model"
    model: str = ""
    """A name the server serves; for `serve`, a folder or hub id in place of the profile's own; in this process, a
    folder in place of the weights of judge-mini."""
    url: str = ""
    """Base of an OpenAI-compatible API, `http://host:8000/v1`. Its key comes from EVALKIT_JUDGE_API_KEY."""
    served_as: tuple[str, ...] = ()
    """Other names under which the server may answer for `model`."""
    server_id: str = ""
    """What is behind `url`, if the server itself does not tell it: change it when another model is served there."""
    serve: str = ""
    """Name of a profile of `evalkit judge serve`: the server is started for the run and stopped after it."""
    vllm_python: ProgramPath | None = None
    """Python of the environment that has vLLM."""
    concurrency: int = Field(64, ge=1, le=1024)
    """Calls under way at once, at most."""
    timeout_s: float = Field(180.0, gt=0, le=3600, allow_inf_nan=False)
    """Seconds for one attempt of one call."""
    max_pixels: int = Field(4_194_304, ge=1024, le=64_000_000)
    """A picture with more pixels is sent smaller; the evidence says so."""
    coordinates: Coordinates | None = None
    """Unit in which the model states boxes; by default that of its profile, else thousandths."""
    share_gpu: Literal["none", "phases", "sleep"] = "none"
    """How the judge's model and the generators share one GPU. `phases`: the model is asked, and its server is started,
    once the generators are closed. `sleep`: the same, and the server at `url` sleeps until then."""
    replay: bool = False
    """Answer from the run's journal alone, without a model."""

    @model_validator(mode="after")
    def _one_source(self) -> EndpointSettings:
        if self.url and self.serve:
            raise ValueError("give `url` or `serve`, not both")
        if self.share_gpu == "sleep" and not self.url:
            raise ValueError(
                "`share_gpu: sleep` is for a server at `url`; for a server started for the run use `share_gpu: phases`"
            )
        return self


def model_id(settings: EndpointSettings) -> str:
    """The name that the model is asked by, for the journal and the evidence (fingerprints: `identity.py`). Starts and
    loads nothing."""
    if settings.url:
        return settings.model or MINI
    if settings.serve:
        from evalkit.judges.vlm.serving import profile

        return f"{settings.serve}={settings.model or profile(settings.serve).model}"
    return _mini(settings).model


def unfit(settings: EndpointSettings, own: Iterable[str] = ()) -> Mapping[str, str]:
    """Rubrics that the model is not fit to answer, with the reason. For judge-mini that includes the user's `own`."""
    from evalkit.judges.vlm.mini.fit import unfit as unfit_of
    from evalkit.judges.vlm.mini.local import WEIGHTS

    named = settings.model not in ("", MINI)
    mini = settings.serve == MINI or not (settings.serve or (settings.url and named))
    if not mini:
        return {}
    learnt = "judge-mini has learnt the built-in rubrics alone"
    return {**unfit_of(Path(settings.model) if named else WEIGHTS), **dict.fromkeys(own, learnt)}


def profile_of(settings: EndpointSettings) -> Profile | None:
    """The profile of the model: the one that `serve` names, or, with `url`, the one whose name is the model's, as
    `evalkit judge serve` names it. `None` for any other server.
    """
    from evalkit.judges.vlm.serving.profiles import profile, profiles

    if settings.serve:
        return profile(settings.serve)
    return profiles().get(settings.model or MINI) if settings.url else None


def coordinates(settings: EndpointSettings) -> Coordinates:
    """The unit in which the model states boxes: that of its profile, also where it is served under its hub id."""
    from evalkit.judges.vlm.serving.profiles import profiles

    if settings.coordinates:
        return settings.coordinates
    known = profile_of(settings)
    if known is None and settings.url:
        known = next((one for one in profiles().values() if one.model == settings.model), None)
    return known.coordinates if known else "relative-1000"


def seen_at(settings: EndpointSettings, sent: tuple[int, int]) -> tuple[int, int]:
    """(width, height) in which the model sees a picture of the size `sent`, px; boxes in `pixels` are in these.

    Without a profile the processor is not known, and the size is taken to be that of the picture that was sent.
    """
    known = profile_of(settings)
    return known.resized(*sent) if known else sent


def open_endpoint(settings: EndpointSettings, log: Path | None, stack: contextlib.ExitStack) -> Endpoint:
    """The endpoint; a server that is started for it ends with `stack`.

    Raises:
        ConfigError, UnknownNameError: the settings name something that does not exist.
        UnavailableError: the model can't be used on this machine.
    """
    if not (settings.url or settings.serve):
        return _mini(settings)
    from evalkit.judges.vlm.client import Limits, OpenAIEndpoint, key_for
    from evalkit.judges.vlm.serving import serve, wake

    limits = Limits(concurrency=settings.concurrency, timeout_s=settings.timeout_s, max_pixels=settings.max_pixels)
    if settings.url:
        if settings.share_gpu == "sleep":
            wake(settings.url, key_for(settings.url))
        known = profile_of(settings)
        patch = known.token_px if known else None
        name, also = settings.model or MINI, settings.served_as
        return OpenAIEndpoint(settings.url, name, limits=limits, patch=patch, served_as=also)
    server = stack.enter_context(serve(settings.serve, settings.model, settings.vllm_python, log=log))
    key, patch = server.api_key, server.profile.token_px
    return OpenAIEndpoint(server.url, server.model, api_key=key, limits=limits, patch=patch)


def check_source(settings: EndpointSettings) -> None:
    """Raise `UsageError` for an unknown profile, a malformed address or a malformed key.

    Starts nothing and connects to nothing.
    """
    if settings.serve:
        from evalkit.judges.vlm.serving import profile

        profile(settings.serve)
    if settings.url and not settings.replay:
        from evalkit.judges.vlm.client import OpenAIEndpoint

        OpenAIEndpoint(settings.url, settings.model or MINI)


def problems(settings: EndpointSettings) -> list[tuple[str, str]]:
    """What prevents the model from being asked, each with what to do about it: no vLLM, too little memory, no weights,
    a server that does not answer. Asks a server one question."""

    def problem(check: Callable[[], object]) -> list[tuple[str, str]]:
        try:
            check()
        except EvalkitError as error:
            return [(str(error), error.hint)]
        return []

    if settings.serve:
        return [*problem(lambda: _check_memory(settings)), *problem(lambda: _check_vllm(settings))]
    return problem(lambda: _check_answer(settings) if settings.url else _mini(settings).model)


def _check_memory(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.serving.flags import LaunchOptions, launch
    from evalkit.judges.vlm.serving.machine import machine
    from evalkit.judges.vlm.serving.profiles import profile

    known = profile(settings.serve)
    launch(known, machine(), LaunchOptions(known.where(settings.model), known.name, 1))


def _check_vllm(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.serving.environment import find
    from evalkit.judges.vlm.serving.profiles import profile

    find(settings.vllm_python, least=profile(settings.serve).min_vllm)


def _check_answer(settings: EndpointSettings) -> None:
    from evalkit.judges.vlm.client import Limits, OpenAIEndpoint, key_for
    from evalkit.judges.vlm.serving import wake

    if settings.share_gpu == "sleep":  # a run that was interrupted may have left it asleep
        wake(settings.url, key_for(settings.url))
    call: Call[ReplyForm] = Call("", (), 'Reply {"answer": "yes"}.', _Hello, max_tokens=32)

    async def once() -> Reply:
        limits = Limits(attempts=2, timeout_s=settings.timeout_s)
        endpoint = OpenAIEndpoint(settings.url, settings.model or MINI, limits=limits, served_as=settings.served_as)
        try:
            return await endpoint.ask(call)
        finally:
            await endpoint.close()

    if error := asyncio.run(once()).error:
        raise UnavailableError(error, where=settings.url, hint="look at the server's log")


def _mini(settings: EndpointSettings) -> Endpoint:
    from evalkit.judges.vlm.mini.local import LocalEndpoint

    named = settings.model not in ("", MINI)
    endpoint: Endpoint = LocalEndpoint(Path(settings.model)) if named else LocalEndpoint()
    return endpoint
