"""vLLM's sleep mode: the server stays, but frees the GPU's memory while a generator needs it.

At level 1 the weights move to the machine's memory and the cache is dropped. Waking takes about a
second. The server must have been started for it (`evalkit judge serve --sleep`, or `serve(…, sleep=True)`), with CUDA
or ROCm. Source: vLLM's documentation, "Sleep Mode", and `vllm/entrypoints/serve/dev/sleep` of vLLM 0.32.0.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from evalkit.api.errors import UnavailableError
from evalkit.formats.http_access import access_to

_SECONDS = 600.0
"""Time to move 60 GB of weights to memory that may have to swap."""


def sleep(url: str, api_key: str = "") -> None:
    """Let the calls under way end, then free the GPU's memory.

    Args:
        url: base of the API, ends in `/v1`.
        api_key: of the server.

    Raises:
        UnavailableError: no server answers, or it can't sleep.
    """
    _post(url, "sleep", api_key, {"level": "1", "mode": "wait"})


def wake(url: str, api_key: str = "") -> None:
    """Take the memory back; a server that is awake stays awake.

    Raises `UnavailableError` as `sleep`, and if the memory is taken.
    """
    _post(url, "wake_up", api_key, {})


def _post(url: str, what: str, api_key: str, parameters: dict[str, str]) -> None:
    import httpx

    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, f"/{what}", "", ""))
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        with httpx.Client(timeout=_SECONDS, headers=headers, **access_to(url).for_client()) as client:
            answer = client.post(address, params=parameters)
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"{type(error).__name__}: {error}", where=address, hint="is the server running?"
        ) from error
    if answer.status_code == 404:
        hint = "start it with `evalkit judge serve PROFILE --sleep`, or use `share_gpu: phases`"
        raise UnavailableError("this server can't be put to sleep", where=address, hint=hint)
    if answer.is_error:
        raise UnavailableError(f"HTTP {answer.status_code}: {answer.text[:200]}", where=address, hint="see its log")
