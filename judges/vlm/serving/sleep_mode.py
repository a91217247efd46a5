"""vLLM's sleep mode: a server that stays, but gives the GPU's memory back while a generator needs it.

At level 1 the weights wait in the machine's memory and the cache is forgotten; waking takes a second or so instead of
a start. The server must have been started for it (`evalkit judge serve --sleep`, or `serve(…, sleep=True)`), with CUDA
or ROCm. Source: vLLM's documentation, "Sleep Mode", and `vllm/entrypoints/serve/dev/sleep` of vLLM 0.32.0.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.client import is_local

_SECONDS = 600.0
"""For moving 60 GB of weights to memory that may have to swap."""


def sleep(url: str, api_key: str = "") -> None:
    """Let what is in hand be finished, then give the GPU's memory back.

    Args:
        url: base of the API, ends in `/v1`.
        api_key: of the server.

    Raises:
        UnavailableError: no server there, or one that can't sleep.
    """
    _post(url, "sleep", api_key, {"level": "1", "mode": "wait"})


def wake(url: str, api_key: str = "") -> None:
    """Take the memory again; one that is awake stays so. Raises `UnavailableError` as `sleep`, and if it is taken."""
    _post(url, "wake_up", api_key, {})


def _post(url: str, what: str, api_key: str, parameters: dict[str, str]) -> None:
    import httpx

    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, f"/{what}", "", ""))
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        with httpx.Client(timeout=_SECONDS, trust_env=not is_local(url), headers=headers) as client:
            answer = client.post(address, params=parameters)
    except httpx.HTTPError as error:
        raise UnavailableError(
            f"{type(error).__name__}: {error}", where=address, hint="is the server there?"
        ) from error
    if answer.status_code == 404:
        hint = "start it with `evalkit judge serve PROFILE --sleep`, or say `share_gpu: phases`"
        raise UnavailableError("this server can't be put to sleep", where=address, hint=hint)
    if answer.is_error:
        raise UnavailableError(f"HTTP {answer.status_code}: {answer.text[:200]}", where=address, hint="see its log")
