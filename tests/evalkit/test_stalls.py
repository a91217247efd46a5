"""A generator or a judge that never answers costs its cells, not the run; signals end a run as they should."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

RUN = """
benchmark: {{use: fake-benchmark, count: {count}}}
student: {{use: fake-flat, batch_size: 1, {student}}}
teacher: null
judges: [{{use: fake-brightness, {judge}}}]
stall_limit_s: {limit}
cache: false
out: out
"""


def run(evalkit: Command, tmp_path: Path, student: str = "", judge: str = "", count: int = 4, limit: float = 4):
    config = tmp_path / "evalkit.yaml"
    config.write_text(RUN.format(count=count, student=student, judge=judge, limit=limit), encoding="utf-8")
    return evalkit("run", config)


def test_a_generator_that_hangs_costs_its_picture(evalkit: Command, tmp_path: Path) -> None:
    done = run(evalkit, tmp_path, student="hang_on: flat/0001, log: drawn.txt")
    assert done.returncode == 3, done.stderr
    assert "3/4 scored" in done.stdout
    assert "3/4" in done.stderr
    assert "1 missing" in done.stderr
    assert (tmp_path / "drawn.txt").read_text().split() == ["flat/0000", "flat/0002", "flat/0003"]


@pytest.mark.nightly
def test_a_generator_that_always_hangs_ends_the_run(evalkit: Command, tmp_path: Path) -> None:
    done = run(evalkit, tmp_path, student="hang_on: all", count=40, limit=0.5)
    assert done.returncode == 3, done.stderr
    assert "did not finish within 0.5 s" in done.stderr
    assert "3 times in a row" in done.stderr


def test_a_judge_that_is_stopped_costs_its_verdict(evalkit: Command, tmp_path: Path) -> None:
    done = run(evalkit, tmp_path, judge="stop_on: flat/0002, concurrency: 1")
    assert done.returncode == 3, done.stderr
    assert "3/4 scored" in done.stdout


@pytest.mark.nightly
def test_a_judge_that_is_stopped_when_it_has_nothing_in_hand_does_not_keep_the_run(
    evalkit: Command, tmp_path: Path
) -> None:
    done = run(evalkit, tmp_path, student="seconds: 1.5", judge="stop_after: flat/0001, concurrency: 1")
    assert done.returncode == 0, done.stderr
    assert "4/4 scored" in done.stdout


@pytest.mark.nightly
def test_a_judge_that_is_stopped_in_its_controls_ends_the_run(evalkit: Command, tmp_path: Path) -> None:
    done = run(evalkit, tmp_path, judge="stop_in_controls: true")
    assert done.returncode == 3, done.stderr
    assert "did not finish within 4 s" in done.stderr


def test_sigterm_to_all_processes_while_controls_are_judged_is_an_interruption(tmp_path: Path, environment) -> None:
    (tmp_path / "evalkit.yaml").write_text(
        RUN.format(count=4, student="", judge="seconds: 3", limit=60), encoding="utf-8"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "run", "evalkit.yaml"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / "run.sqlite").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said


def test_what_is_missing_is_found_before_the_first_picture(evalkit: Command, tmp_path: Path) -> None:
    student = "missing: no weights (fake), log: drawn.txt"
    done = run(evalkit, tmp_path, student=student, judge="missing: no server (fake)")
    assert done.returncode == 3, done.stderr
    assert "student: no weights (fake)" in done.stderr
    assert "judge fake-brightness: no server (fake)" in done.stderr
    assert "do something about it (fake)" in done.stderr
    assert not (tmp_path / "drawn.txt").exists()


def test_a_finished_run_is_summarised_again_without_what_made_it(evalkit: Command, tmp_path: Path) -> None:
    assert run(evalkit, tmp_path).returncode == 0
    (tmp_path / "out" / "report" / "index.html").unlink()
    assert run(evalkit, tmp_path, student="missing: gone (fake)").returncode in (0, 2)
