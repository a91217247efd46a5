"""Starts vLLM, waits until it answers, and always ends it.

    with serve("judge-mini") as server:
        server.url, server.model, server.api_key

    this process ─pipe─▶ supervisor ─▶ vLLM ─▶ its workers

When the pipe breaks, all processes end (`supervisor.py`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.serving import supervisor
from evalkit.judges.vlm.serving.environment import clean_environment, find
from evalkit.judges.vlm.serving.flags import Launch, LaunchOptions, launch
from evalkit.judges.vlm.serving.machine import Machine, machine
from evalkit.judges.vlm.serving.profiles import Profile, profile

if TYPE_CHECKING:
    import httpx

START_SECONDS = 900.0
"""Time that a server has to answer: loading 60 GB from a slow disk takes minutes."""
_GRACE = 15.0
"""Seconds that vLLM has to end by itself."""
_TAIL = 25
"""Lines of the log that are shown if it does not start."""
_MODULE = "vllm.entrypoints.openai.api_server"
_CAUSES = (
    ("out of memory", "another process holds memory of the GPU: end it, or use a smaller profile"),
    ("less than desired", "less memory is free than at planning time: end the processes that took it"),
    ("No available memory for the cache blocks", "the model leaves no room for its cache: use a smaller profile"),
    ("couldn't find them in the cached files", "the weights are not on this machine: download them, or give a folder"),
    ("LocalEntryNotFoundError", "the weights are not on this machine: download them, or give a folder"),
    ("Address already in use", "the port is taken: give another one, or none"),
)
"""Known messages in the log, and what to do about them."""


@dataclass(frozen=True, slots=True)
class Server:
    """A vLLM server that answers.

    Args:
        url: base of the OpenAI-compatible API, ends in `/v1`.
        model: the name to ask for.
        api_key: made for this run, so that the server answers no one else on this machine.
        profile: the profile it was started with.
        vllm: its version.
        log: file with its output.
        seconds: the time that the start took.
        alive: whether it is still running.
    """

    url: str
    model: str
    api_key: str
    profile: Profile
    vllm: str
    log: Path
    seconds: float
    alive: Callable[[], bool]


@contextlib.contextmanager
def serve(
    which: str | Profile,
    model: str = "",
    python: Path | None = None,
    *,
    port: int = 0,
    sleep: bool = False,
    download: bool = False,
    log: Path | None = None,
    timeout: float = START_SECONDS,
    on: Machine | None = None,
) -> Iterator[Server]:
    """Serve a profile's model on vLLM for as long as the context lasts.

    Args:
        which: a profile, or the name of one.
        model: a folder or hub id to load in place of the profile's own.
        python: of the environment that has vLLM; `None`: it is searched for.
        port: on 127.0.0.1; 0: a free one.
        sleep: start it so that it can be put to sleep.
        download: whether the hub may be used; otherwise only files on this machine are loaded.
        log: file for its output; `None`: a temporary file, kept only if something fails.
        timeout: s until it must answer.
        on: the machine to plan for; `None`: this machine as it is now.

    Raises:
        UnknownNameError: no such profile.
        UnavailableError: no vLLM, too little memory, no weights, or it did not start; then with the end of its log.
    """
    known = profile(which) if isinstance(which, str) else which
    name = known.name
    if sys.platform != "linux":
        raise UnavailableError("evalkit starts vLLM on Linux only", where=name, hint="start it, and give its `url`")
    options = LaunchOptions(known.where(model), name, port or _free_port(), sleep=sleep, download=download)
    if not model and known.model.startswith(".") and not Path(options.model).is_dir():
        raise UnavailableError("its weights are not here", where=options.model, hint="give --model FOLDER")
    plan = launch(known, on or machine(), options)
    found = find(python, least=known.min_vllm)
    path = log or Path(tempfile.mkstemp(prefix="evalkit-vllm-", suffix=".log")[1])
    started = time.monotonic()
    process = _start(found.path, plan, key := secrets.token_urlsafe(24), path)
    try:
        url = f"http://127.0.0.1:{options.port}/v1"
        _wait(url, key, name, timeout, path, process.poll)
        took = time.monotonic() - started
        yield Server(url, name, key, known, found.version, path, took, lambda: process.poll() is None)
    except BaseException:
        _stop(process)
        raise
    _stop(process)
    if log is None:
        path.unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(python: Path, plan: Launch, key: str, log: Path) -> subprocess.Popen[bytes]:
    # the key is a variable, not an argument: everybody on the machine can read arguments
    environment = clean_environment(**plan.variables, VLLM_API_KEY=key, PYTHONUNBUFFERED="1")
    command = [sys.executable, "-I", supervisor.__file__, str(_GRACE), str(python), "-m", _MODULE, *plan.arguments]
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=tempfile.gettempdir(),
            start_new_session=True,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Break the pipe and wait until all processes behind it have ended."""
    if process.stdin:
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs, see below
        process.wait(_GRACE + 10)
    if process.returncode in (None, -signal.SIGKILL):  # the supervisor hangs or was killed: end its session
        with contextlib.suppress(ProcessLookupError):  # all its processes have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, key: str, model: str, timeout: float, log: Path, ended: Callable[[], int | None]) -> None:
    """Wait until the server lists `model`. Raises `UnavailableError` with the end of the log if it does not start."""
    import httpx

    deadline = time.monotonic() + timeout
    with _client(key) as client:
        while True:
            if (status := ended()) is not None:
                raise _failed(f"the server ended with status {status} before it answered", log)
            with contextlib.suppress(httpx.HTTPError):  # the server does not listen yet
                # the request has our key: another vLLM on this port refuses it
                if _lists(client.get(f"{url}/models"), model):
                    return
            if time.monotonic() > deadline:
                raise _failed(f"the server did not answer within {timeout:g} s", log)
            time.sleep(0.25)


def _lists(answer: httpx.Response, model: str) -> bool:
    """Whether an answer is a list of models with `model`; another program on the port gives another answer."""
    if answer.status_code != 200:
        return False
    try:
        return model in {entry["id"] for entry in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return False


def _client(key: str) -> httpx.Client:
    import httpx

    # trust_env: no proxy may be used for an address on this machine
    return httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=10, trust_env=False)


def _failed(what: str, log: Path) -> UnavailableError:
    text = log.read_text(encoding="utf-8", errors="replace")
    tail = "\n".join(f"  | {line}" for line in text.splitlines()[-_TAIL:]) or "  | (it printed nothing)"
    advice = [advice for cause, advice in _CAUSES if cause in text]
    return UnavailableError(f"{what}; the end of its log:\n{tail}", where=str(log), hint=advice[0] if advice else "")
