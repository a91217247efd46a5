"""`kill -9` while reports, a leaderboard or the cache are written: the same command finishes, nothing is lost.

Baselines have their own test (`tests/evalkit/test_baselines.py`), pictures and verdicts theirs (`test_resume.py`).
Set EVALKIT_KILLS to try more often.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evalkit.conftest import FAKE_RUN, Command

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("EVALKIT_KILLS", "1"))
RUN = (*FAKE_RUN, "--student", "fake-flat")


def seconds_of(command: list[str], cwd: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
    return time.monotonic() - started


def kill_at_random(
    arguments: tuple[str, ...],
    cwd: Path,
    environment: dict[str, str],
    prepare: Callable[[], None],
    check: Callable[[], None],
) -> None:
    """Start the command and kill it at a random moment of its second half, where it writes; then look."""
    command = [sys.executable, "-m", "evalkit", *arguments]
    prepare()
    whole = seconds_of(command, cwd, environment)
    rng = random.Random(0)
    for _ in range(KILLS):
        prepare()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(whole * rng.uniform(0.5, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        check()


@pytest.mark.nightly
def test_reports(evalkit: Command, tmp_path: Path, finished: Path, environment: dict[str, str]) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    wanted = json.loads((out / "verdict.json").read_text())

    def prepare() -> None:
        for name in ("junit.xml", "leaderboard.json", "summary.md", "verdict.json"):
            (out / name).unlink(missing_ok=True)

    def check() -> None:
        for path in out.glob("*.json"):
            json.loads(path.read_text())  # whole or not there
        assert evalkit("report", "out").returncode == 0
        assert json.loads((out / "verdict.json").read_text()) == wanted
        assert (out / "junit.xml").is_file()

    kill_at_random(("report", "out"), tmp_path, environment, prepare, check)


@pytest.mark.nightly
def test_a_leaderboard(evalkit: Command, tmp_path: Path, finished: Path, environment: dict[str, str]) -> None:
    shutil.copytree(finished, tmp_path / "out")
    arguments = ("leaderboard", "out", "--out", "board")

    def prepare() -> None:
        shutil.rmtree(tmp_path / "board", ignore_errors=True)

    def check() -> None:
        for path in (tmp_path / "board").glob("*.json"):
            json.loads(path.read_text())
        done = evalkit(*arguments)
        assert done.returncode == 0, done.stderr
        assert evalkit("leaderboard", "--verify", "board/leaderboard.json", "out").returncode == 0

    kill_at_random(arguments, tmp_path, environment, prepare, check)


@pytest.mark.nightly
def test_the_cache(evalkit: Command, tmp_path: Path, environment: dict[str, str]) -> None:
    def prepare() -> None:
        for folder in ("out", "cache"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)

    def check() -> None:
        done = evalkit(*RUN)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(tmp_path / "out")
        again = evalkit(*RUN)
        assert again.returncode == 0, again.stderr
        assert "6 from cache" in again.stderr
        assert "can't be used" not in again.stderr

    kill_at_random(RUN, tmp_path, environment, prepare, check)
