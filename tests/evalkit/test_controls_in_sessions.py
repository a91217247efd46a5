"""What controls say of a run that is made in several sessions: the same command again, by a judge that has changed.

`fake-brightness` keeps its fingerprint when it is `blind`: as a server behind whose address another model is put.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalkit.store.run_reader import RunReader
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

COUNT = 20
GATE = "fake.brightness"
CONTROL = "control/black"


def arguments(folder: Path, judge: str = "") -> list[str]:
    """A run of 20 dark pictures, which fail a gate unless the judge is blind."""
    (folder / "c.yaml").write_text(f"gates: [{{dimension: {GATE}, min_value: 0.5}}]\n")
    return [
        *("run", "c.yaml", "--benchmark", f"fake-benchmark:count={COUNT}", "--student", "fake-flat:level=40"),
        *("--teacher", "none", "--judge", f"fake-brightness:log=judge.log{judge}", "--out", "out", "--cache", "cache"),
    ]


def logged(folder: Path) -> list[str]:
    """What the judge has been shown, in order."""
    file = folder / "judge.log"
    return file.read_text().splitlines() if file.exists() else []


def values(folder: Path) -> set[bool]:
    """Whether the stored scores are those of a blind judge."""
    with sqlite3.connect(folder / "out" / "run.sqlite") as database:
        return {value == 1 for (value,) in database.execute("SELECT value FROM scores")}


def n_cached(folder: Path) -> int:
    with sqlite3.connect(folder / "cache" / "cache.sqlite") as database:
        return int(database.execute("SELECT COUNT(*) FROM verdicts").fetchone()[0])


def forget(folder: Path, n: int) -> None:
    """As if the run had been interrupted before the verdicts on the last `n` cases, and the cache were another."""
    with sqlite3.connect(folder / "out" / "run.sqlite") as database:
        for table in ("verdicts", "scores"):
            database.execute(f"DELETE FROM {table} WHERE idx >= ?", (COUNT - n,))
        database.execute("DELETE FROM meta WHERE key = 'summary'")
    with sqlite3.connect(folder / "cache" / "cache.sqlite") as database:
        database.execute("DELETE FROM verdicts")


def test_verdicts_made_while_a_control_failed_are_made_anew(tmp_path: Path, evalkit: Command) -> None:
    first = evalkit(*arguments(tmp_path, ",blind=true"))
    assert first.returncode == 3, first.stderr
    assert values(tmp_path) == {True}
    second = evalkit(*arguments(tmp_path))
    assert second.returncode == 1, second.stdout
    assert f"its {COUNT} verdicts are dropped, and it judges anew" in " ".join(second.stderr.split())
    assert values(tmp_path) == {False}
    assert n_cached(tmp_path) == COUNT
    shown = len(logged(tmp_path))
    assert evalkit(*arguments(tmp_path)).returncode == 1
    assert len(logged(tmp_path)) == shown, "a finished run asks nothing"


def test_a_judge_that_goes_on_failing_stays_invalid(tmp_path: Path, evalkit: Command) -> None:
    for _ in range(2):
        assert evalkit(*arguments(tmp_path, ",blind=true")).returncode == 3
        assert n_cached(tmp_path) == 0


@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGINT])
def test_a_failed_control_outlives_an_interruption(
    signalled: int, tmp_path: Path, environment: dict[str, str], evalkit: Command
) -> None:
    command = [sys.executable, "-m", "evalkit", *arguments(tmp_path, ",blind=true,seconds=0.1,concurrency=1")]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(logged(tmp_path)) < 6:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signalled)
    process.wait()
    assert values(tmp_path) == {True}, "some verdicts were stored"
    assert evalkit(*arguments(tmp_path)).returncode == 1
    assert values(tmp_path) == {False}


def test_controls_are_asked_again_when_an_unfinished_run_goes_on(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*arguments(tmp_path)).returncode == 1
    forget(tmp_path, 5)
    again = evalkit(*arguments(tmp_path, ",blind=true"))
    assert again.returncode == 3, again.stdout
    assert logged(tmp_path).count(CONTROL) == 2
    with RunReader(tmp_path / "out") as reader:
        assert [result.passed for _, result in reader.control_results()] == [False]
    assert n_cached(tmp_path) == 0
    assert evalkit(*arguments(tmp_path)).returncode == 1
    assert values(tmp_path) == {False}
    assert n_cached(tmp_path) == COUNT


def test_a_session_that_judges_nothing_asks_no_control(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*arguments(tmp_path)).returncode == 1
    done = evalkit(*arguments(tmp_path, ",blind=true"))
    assert done.returncode == 1, "the blind judge was asked nothing"
    assert logged(tmp_path).count(CONTROL) == 1
    forget(tmp_path, 3)
    assert evalkit(*arguments(tmp_path)).returncode == 1
    assert logged(tmp_path).count(CONTROL) == 2
    assert len(logged(tmp_path)) == COUNT + 3 + 2


def test_controls_may_be_asked_long_after_the_judge_has_started(tmp_path: Path, evalkit: Command) -> None:
    """The time limit on controls runs from when they are asked, not from when the judge was last heard of."""
    slow = [a.replace("level=40", "level=40,seconds=1,batch_size=5") for a in arguments(tmp_path)]
    slow = [a.replace(f"count={COUNT}", "count=5") for a in slow]
    (tmp_path / "c.yaml").write_text(f"stall_limit_s: 3\ngates: [{{dimension: {GATE}, min_value: 0.5}}]\n")
    assert evalkit(*slow).returncode == 1
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        for table in ("verdicts", "scores", "samples"):
            database.execute(f"DELETE FROM {table}")
    shutil.rmtree(tmp_path / "cache")
    done = evalkit(*slow)
    assert done.returncode == 1, done.stderr
    assert logged(tmp_path).count(CONTROL) == 2
