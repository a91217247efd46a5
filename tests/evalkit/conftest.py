"""Running the real command, with the fake plug-ins on the path and a cache of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAKES = Path(__file__).parent.parent / "fakes"
Command = Callable[..., subprocess.CompletedProcess[str]]


def plugins_environment(cache: Path) -> dict[str, str]:
    """The environment of a command that finds the fake plug-ins and keeps its cache in this folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EVALKIT_", "GITHUB_"))}
    return {**kept, "PYTHONPATH": str(FAKES), "EVALKIT_CACHE": str(cache), "PYTHONUTF8": "1"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return plugins_environment(tmp_path / "cache")


@pytest.fixture
def evalkit(tmp_path: Path, environment: dict[str, str]) -> Command:
    """`evalkit(*arguments)` as a user would call it, in a folder of its own."""

    def call(
        *arguments: object, cwd: Path = tmp_path, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evalkit", *map(str, arguments)],
            cwd=cwd,
            env={**environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return call


FAKE_RUN = ("run", "--benchmark", "fake-benchmark", "--judge", "fake-brightness", "--teacher", "none", "--out", "out")
"""A run of the fakes, in well under a second of work; add `--student fake-flat…`."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the fakes, made once for a file of tests; copy it before you change it."""
    folder = tmp_path_factory.mktemp("finished")
    command = [sys.executable, "-m", "evalkit", *FAKE_RUN, "--student", "fake-flat", "--cache", "none"]
    subprocess.run(command, cwd=folder, env=plugins_environment(folder / "cache"), check=True, capture_output=True)
    return folder / "out"
