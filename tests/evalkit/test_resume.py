"""Nothing finished is lost or done twice: `kill -9`, the same command again, a second run from the cache."""

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.api.pictures import encode_png
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

N_CASES = 200
N_KILLS = int(os.environ.get("EVALKIT_KILLS", "4"))


def arguments(out: Path, log: Path, cache: str = "none") -> list[str]:
    """200 cases, student and teacher, drawn and judged slowly enough to be killed in the middle of anything."""
    return [
        *("run", "--benchmark", f"fake-benchmark:count={N_CASES}", "--out", str(out), "--cache", cache),
        *("--student", f"fake-flat:level=100,seconds=0.002,batch_size=3,log={log}.student"),
        *("--teacher", f"fake-flat:level=200,seconds=0.002,batch_size=3,log={log}.teacher"),
        *("--judge", f"fake-brightness:seconds=0.001,log={log}.judge"),
    ]


def lines(path: str) -> list[str]:
    """What was drawn or judged; controls apart, which every run shows its judges anew."""
    file = Path(path)
    logged = file.read_text().splitlines() if file.exists() else []
    return [line for line in logged if not line.startswith("control/")]


def contents(out: Path) -> dict[str, Any]:
    """A run store without its timings."""
    with sqlite3.connect(out / "run.sqlite") as database:
        rows = {
            "cases": database.execute("SELECT * FROM cases ORDER BY idx").fetchall(),
            "samples": database.execute(
                "SELECT role, idx, seed, key, ok, record FROM samples ORDER BY 1, 2, 3"
            ).fetchall(),
            "verdicts": database.execute(
                "SELECT role, idx, seed, judge, key, final, record FROM verdicts ORDER BY 1, 2, 3, 4"
            ).fetchall(),
            "scores": database.execute("SELECT * FROM scores ORDER BY 1, 2, 3, 5").fetchall(),
        }
        summary = json.loads(database.execute("SELECT value FROM meta WHERE key = 'summary'").fetchone()[0])
    for name in ("created", "command", "environment", "config"):
        del summary[name]
    pictures = sorted(str(path.relative_to(out)) for path in (out / "pictures").rglob("*") if path.is_file())
    return {**rows, "summary": summary, "pictures": pictures}


def finished(out: Path) -> tuple[set[str], set[tuple[str, str]]]:
    """What is committed: ids of (role/case) drawn, and of verdicts."""
    database = out / "run.sqlite"
    if not database.exists():
        return set(), set()
    with sqlite3.connect(database) as connection:
        try:
            samples = connection.execute("SELECT role, id FROM samples JOIN cases USING (idx)").fetchall()
            verdicts = connection.execute("SELECT role, id FROM verdicts JOIN cases USING (idx)").fetchall()
        except sqlite3.OperationalError:
            return set(), set()
    return {f"{role}/{case}" for role, case in samples}, set(verdicts)


def left_over(folder: Path) -> list[str]:
    """Command lines of processes that still work in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.nightly
def test_kill_9_again_and_again(tmp_path: Path, environment: dict[str, str], evalkit: Command) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "evalkit", *arguments(tmp_path / "out", log)]
    moments = sorted(random.Random(0).sample(range(1, 4 * N_CASES - 10), N_KILLS))
    in_flight = 0
    for moment in moments:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while sum(len(lines(f"{log}.{part}")) for part in ("student", "teacher", "judge")) < moment + in_flight:
            assert process.poll() is None, "the run ended before its moment came"
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done, judged = finished(tmp_path / "out")
        drawn = {role: lines(f"{log}.{role}") for role in ("student", "teacher")}
        in_flight = sum(map(len, drawn.values())) + len(lines(f"{log}.judge")) - len(done) - len(judged)

    deadline = time.monotonic() + 30  # a judge's process outlives its killed parent by the picture in hand
    while left_over(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left_over(tmp_path), "no process is left behind"
    before = {part: len(lines(f"{log}.{part}")) for part in ("student", "teacher", "judge")}
    done, judged = finished(tmp_path / "out")
    last = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    for role in ("student", "teacher"):
        again = lines(f"{log}.{role}")[before[role] :]
        assert not {f"{role}/{case}" for case in again} & done, "a stored picture was drawn again"
        # a batch in hand (3) and one being filed (3) may be lost with each kill, and no more
        assert len(lines(f"{log}.{role}")) <= N_CASES + 6 * N_KILLS
    assert len(lines(f"{log}.judge")) - before["judge"] == 2 * N_CASES - len(judged), "a stored verdict was made again"

    undisturbed = evalkit(*arguments(tmp_path / "calm", tmp_path / "calmlog"))
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert contents(tmp_path / "out") == contents(tmp_path / "calm")
    assert not list((tmp_path / "out" / "pictures").rglob(".part-*")), "half-written files are swept"


def test_a_finished_run_repeats_nothing_and_says_the_same(tmp_path: Path, evalkit: Command) -> None:
    log = tmp_path / "log"
    assert evalkit(*arguments(tmp_path / "out", log)).returncode == 0
    before, drawn = contents(tmp_path / "out"), {p: lines(f"{log}.{p}") for p in ("student", "teacher", "judge")}
    assert evalkit(*arguments(tmp_path / "out", log)).returncode == 0
    assert contents(tmp_path / "out") == before
    assert {p: lines(f"{log}.{p}") for p in drawn} == drawn


def test_a_second_run_takes_pictures_and_verdicts_from_the_cache(tmp_path: Path, evalkit: Command) -> None:
    log, cache = tmp_path / "log", str(tmp_path / "shared")
    assert evalkit(*arguments(tmp_path / "one", log, cache)).returncode == 0
    drawn = {p: lines(f"{log}.{p}") for p in ("student", "teacher", "judge")}
    done = evalkit(*arguments(tmp_path / "two", log, cache))
    assert done.returncode == 0, done.stderr
    assert {p: lines(f"{log}.{p}") for p in drawn} == drawn
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    new_student = [a.replace("level=100", "level=90") for a in arguments(tmp_path / "three", log, cache)]
    assert evalkit(*new_student).returncode == 0
    assert len(lines(f"{log}.teacher")) == N_CASES, "the teacher is generated once"
    assert len(lines(f"{log}.student")) == 2 * N_CASES


@pytest.mark.nightly
def test_a_damaged_cache_picture_is_made_again(tmp_path: Path, evalkit: Command) -> None:
    log, cache = tmp_path / "log", tmp_path / "shared"
    assert evalkit(*arguments(tmp_path / "one", log, str(cache))).returncode == 0
    victim = next((cache / "pictures").rglob("*.png"))
    victim.unlink()
    victim.write_bytes(b"damaged")
    assert evalkit(*arguments(tmp_path / "two", log, str(cache))).returncode == 0
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_an_overwritten_picture_gives_no_verdict_under_the_good_hash(tmp_path: Path, evalkit: Command) -> None:
    log, cache = tmp_path / "log", tmp_path / "shared"
    assert evalkit(*arguments(tmp_path / "one", log, str(cache))).returncode == 0
    before = contents(tmp_path / "one")
    black = encode_png(np.zeros((16, 16, 3), np.uint8))
    for victim in (tmp_path / "one" / "pictures").rglob("*.png"):  # hard links of the files in the cache
        victim.chmod(0o644)
        victim.write_bytes(black)
    with sqlite3.connect(cache / "cache.sqlite") as database:
        database.execute("DELETE FROM verdicts")
    with sqlite3.connect(tmp_path / "one" / "run.sqlite") as database:
        database.execute("DELETE FROM verdicts WHERE role = 'student'")
    assert evalkit(*arguments(tmp_path / "two", log, str(cache))).returncode == 0
    assert contents(tmp_path / "two") == before
    assert evalkit(*arguments(tmp_path / "one", log, str(cache))).returncode == 0, "its own pictures are made again"
    assert contents(tmp_path / "one") == before
    for folder in (tmp_path / "one", tmp_path / "two", cache):
        for path in (folder / "pictures").rglob("*.png"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


@pytest.mark.nightly
def test_verdicts_of_a_judge_that_fails_its_controls_stay_out_of_the_cache(tmp_path: Path, evalkit: Command) -> None:
    log, cache = tmp_path / "log", tmp_path / "shared"
    bad = [
        f"{a},broken_controls=true" if a.startswith("fake-brightness") else a
        for a in arguments(tmp_path / "bad", log, str(cache))
    ]
    assert evalkit(*bad).returncode == 3
    with sqlite3.connect(cache / "cache.sqlite") as database:
        counts = [database.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in ("pictures", "verdicts")]
    assert counts == [2 * N_CASES, 0]
    assert evalkit(*arguments(tmp_path / "good", log, str(cache))).returncode == 0
    with sqlite3.connect(cache / "cache.sqlite") as database:
        assert database.execute("SELECT COUNT(*) FROM verdicts").fetchone() == (2 * N_CASES,)


@pytest.mark.nightly
def test_a_cache_entry_of_another_version_is_made_again(tmp_path: Path, evalkit: Command) -> None:
    log, cache = tmp_path / "log", tmp_path / "shared"
    assert evalkit(*arguments(tmp_path / "one", log, str(cache))).returncode == 0
    with sqlite3.connect(cache / "cache.sqlite") as database:
        database.execute("""UPDATE pictures SET record = '{"of": "another version"}'""")
        database.execute("""UPDATE verdicts SET record = '{"of": "another version"}'""")
    assert evalkit(*arguments(tmp_path / "two", log, str(cache))).returncode == 0
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_errors_are_tried_again_and_then_healed(tmp_path: Path, evalkit: Command) -> None:
    """The same folder and command, after what failed works again (a file put right, a server back)."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(6):
        (pictures / f"flat-{i:04d}.png").write_bytes(encode_png(np.full((16, 16, 3), 10 * i, np.uint8)))
    broken = pictures / "flat-0003.png"
    good = broken.read_bytes()
    broken.write_bytes(b"")
    run = ["run", "--benchmark", "fake-benchmark", "--student", "folder:pictures", "--teacher", "none"]
    run += ["--judge", "fake-brightness", "--out", "out"]
    first = evalkit(*run)
    assert first.returncode == 3
    assert "is 83.3%" in first.stdout
    broken.write_bytes(good)
    assert evalkit(*run).returncode == 0


def test_two_runs_never_write_one_folder(tmp_path: Path, environment: dict[str, str], evalkit: Command) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "evalkit", *arguments(tmp_path / "out", log)]
    first = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not lines(f"{log}.teacher"):
        time.sleep(0.01)
    second = evalkit(*arguments(tmp_path / "out", log))
    assert second.returncode == 2
    assert "another evalkit is writing" in second.stderr
    assert first.wait() == 0
