"""Finds the Python that has vLLM. It is in an environment of its own, because its pins conflict with ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import UnavailableError

FOLDER = ".venv-vllm"
_SECONDS = 120
_ASK = "import importlib.metadata as m; print(m.version('vllm'))"
_PROJECT = Path(__file__).resolve().parents[3]
INSTALL = f"python -m evalkit.judges.vlm.serving.install {FOLDER}"


class VllmPython(NamedTuple):
    """A Python with vLLM, and the version of its vLLM."""

    path: Path
    version: str


def find(wanted: Path | None, *, least: str = "") -> VllmPython:
    """`wanted`, or the Python of `.venv-vllm` (working folder, then project), or that of the `vllm` on PATH.

    Raises:
        UnavailableError: there is none, or it has no vLLM, or a vLLM older than `least`; the hint says what to type.
    """
    path = wanted.expanduser() if wanted else _search()
    if path is None:
        raise UnavailableError("vLLM was not found", where="judge server", hint=_hint())
    if path.is_dir():
        path /= "bin/python"
    try:
        asked = subprocess.run(
            [path, "-c", _ASK], capture_output=True, text=True, timeout=_SECONDS, check=False, env=clean_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"can't be run: {error}", where=str(path), hint=_hint()) from error
    if asked.returncode != 0:
        last = asked.stderr.strip().rpartition("\n")[2]
        raise UnavailableError(f"this Python has no vLLM ({last})", where=str(path), hint=_hint())
    version = asked.stdout.strip()
    if least and _numbers(version) < _numbers(least):
        raise UnavailableError(f"vLLM is {version}, and this model needs {least}", where=str(path), hint=_hint())
    return VllmPython(path, version)


def clean_environment(**variables: str) -> dict[str, str]:
    """Our environment variables without those that would make another Python import our packages, and with `variables`.

    PYTHONDONTWRITEBYTECODE is left out too: vLLM starts several processes, and each would compile all of it again.
    """
    ours = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in ours} | variables


def _search() -> Path | None:
    for folder in (Path.cwd(), _PROJECT):
        path = folder / FOLDER / "bin" / "python"
        if path.exists():
            return path
    command = shutil.which("vllm")
    return _interpreter(Path(command)) if command else None


def _interpreter(script: Path) -> Path | None:
    """The Python in the first line of an installed command."""
    with script.open("rb") as file:
        first = file.readline().decode(errors="replace")
    beside = script.resolve().with_name("python")
    named = Path(first.removeprefix("#!").strip())
    return named if first.startswith("#!") and named.exists() else beside if beside.exists() else None


def _hint() -> str:
    return f"make it with `make vllm` (or `{INSTALL}`), name one with --vllm-python, or give the judge a `url`"


def _numbers(version: str) -> tuple[int, ...]:
    """0.32.0+cpu -> (0, 32, 0); it ends at the first part that is no number."""
    parts = []
    for part in version.partition("+")[0].split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
