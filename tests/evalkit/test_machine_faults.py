"""Faults of the machine: full and read-only disks, a cache that can't be used, output that can't be written."""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evalkit.conftest import FAKE_RUN, Command

pytestmark = pytest.mark.slow
RUN = (*FAKE_RUN, "--student", "fake-flat")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def spoil_garbage(cache: Path) -> None:
    cache.mkdir()
    (cache / "cache.sqlite").write_bytes(b"no database" * 1000)


def spoil_file(cache: Path) -> None:
    cache.write_text("a file, not a folder")


def spoil_loop(cache: Path) -> None:
    cache.symlink_to(cache)


def spoil_pages(cache: Path) -> None:
    """A cache that opens and is damaged further in."""
    (cache / "cache.sqlite-wal").unlink(missing_ok=True)
    data = bytearray((cache / "cache.sqlite").read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    (cache / "cache.sqlite").write_bytes(data)


@pytest.mark.parametrize("spoil", [spoil_garbage, spoil_file, spoil_loop])
def test_a_run_goes_on_without_its_cache(evalkit: Command, tmp_path: Path, spoil) -> None:
    spoil(tmp_path / "cache")
    done = evalkit(*RUN, "--cache", "cache")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("can't be used, so that nothing is reused") == 1


def test_a_run_goes_on_when_its_cache_turns_out_damaged(evalkit: Command, tmp_path: Path) -> None:
    assert evalkit(*RUN, "--cache", "cache").returncode == 0
    spoil_pages(tmp_path / "cache")
    shutil.rmtree(tmp_path / "out")
    done = evalkit(*RUN, "--cache", "cache")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("can't be used") == 1


def test_a_user_without_a_home_has_no_cache_but_a_run(evalkit: Command) -> None:
    done = evalkit(*RUN, env={"HOME": "/proc/nowhere", "XDG_CACHE_HOME": ""})
    assert done.returncode == 0, done.stderr


def limited(tmp_path: Path, environment: dict[str, str], size: int) -> subprocess.CompletedProcess[str]:
    """The run where no file may become larger than `size` bytes, as under `ulimit -f`."""
    return subprocess.run(
        [sys.executable, "-m", "evalkit", *RUN, "--cache", "none"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


@pytest.mark.parametrize("size", [0, 20_000, 60_000])
def test_a_limit_on_file_sizes_is_named_and_the_same_command_goes_on(
    evalkit: Command, tmp_path: Path, environment: dict[str, str], size: int
) -> None:
    done = limited(tmp_path, environment, size)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "the same command continues" in done.stderr
    again = evalkit(*RUN, "--cache", "none")
    assert again.returncode == 0, again.stderr


def test_a_run_folder_that_is_removed_is_no_success(tmp_path: Path, environment: dict[str, str]) -> None:
    student = "fake-flat:seconds=0.3,log=drawn.txt"
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", *FAKE_RUN, "--student", student, "--cache", "none"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not (tmp_path / "drawn.txt").exists():
        pass
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3, said
    assert "Traceback" not in said


def test_a_legacy_code_page_is_no_bug(evalkit: Command) -> None:
    done = evalkit("list", "judges", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    done = evalkit(*RUN, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_bug(tmp_path: Path, environment: dict[str, str]) -> None:
    command = f"{sys.executable} -m evalkit list judges | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() in ("0", "141")
    assert "Traceback" not in done.stderr


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[: len(data) // 2]
    elif how == "garbage":
        data = bytearray(b"no database" * 500)
    else:
        data[2048:] = b"\xff" * (len(data) - 2048)
    path.with_name("run.sqlite-wal").unlink(missing_ok=True)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "garbage", "pages"])
@pytest.mark.parametrize("verb", [("report", "out"), ("compare", "out", "out"), ("leaderboard", "out"), RUN])
def test_a_damaged_run_is_named(
    evalkit: Command, tmp_path: Path, finished: Path, how: str, verb: tuple[str, ...]
) -> None:
    shutil.copytree(finished, tmp_path / "out")
    damage(tmp_path / "out" / "run.sqlite", how)
    done = evalkit(*verb)
    assert done.returncode in (2, 3), (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    assert "evalkit: " in done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET value = '{\"a\": 1}' WHERE key = 'summary'",
        "UPDATE meta SET value = '{' WHERE key = 'summary'",
        "UPDATE meta SET value = '99999999999' WHERE key = 'seeds'",
        "UPDATE cases SET record = '{\"id\": 5}'",
        "UPDATE samples SET record = '{}'",
        "UPDATE verdicts SET record = substr(record, 1, 20)",
        "UPDATE scores SET value = 'abc'",
        "UPDATE scores SET status = 'bogus'",
        "DROP TABLE verdicts",
    ],
)
@pytest.mark.parametrize(
    "verb",
    [
        ("report", "out"),
        pytest.param(("compare", "out", "out"), marks=pytest.mark.nightly),
        pytest.param(("leaderboard", "out"), marks=pytest.mark.nightly),
    ],
)
def test_a_run_with_damaged_rows_is_named(
    evalkit: Command, tmp_path: Path, finished: Path, statement: str, verb: tuple[str, ...]
) -> None:
    shutil.copytree(finished, tmp_path / "out")
    with contextlib.closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as database, database:
        database.execute(statement)
    done = evalkit(*verb)
    assert done.returncode in (0, 2, 3), (done.returncode, done.stderr)  # 0: the verb does not need that row
    assert "Traceback" not in done.stderr
    assert done.returncode or verb[0] != "report" or "scores" in statement, "a report needs every other row"


@as_user
def test_a_read_only_run_is_named(evalkit: Command, tmp_path: Path) -> None:
    assert evalkit(*RUN).returncode == 0
    for path in [*(tmp_path / "out").rglob("*"), tmp_path / "out"]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        done = evalkit("report", "out")
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
    finally:
        for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
            path.chmod(0o700)
