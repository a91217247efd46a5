"""`--time N`: the seconds per picture and their ratio come from cases drawn anew, never from the cache."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import encode_png
from evalkit.api.results import RunSummary
from evalkit.api.timing import times_as_fast
from evalkit.store.run_reader import RunReader
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

STUDENT = "fake-flat:level=150,seconds=0.02,batch_size=3"
TEACHER = "fake-flat:level=190,seconds=0.08,batch_size=2"


def run(evalkit: Command, *more: str, student: str = STUDENT, teacher: str = TEACHER, code: int = 0) -> str:
    done = evalkit(
        "run", "--benchmark", "fake-benchmark:count=6", "--judge", "fake-brightness", "--student", student,
        "--teacher", teacher, *more,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


def summary(out: Path) -> RunSummary:
    with RunReader(out) as reader, StoredResults(reader) as results:
        return results.summary()


def drawn(log: Path) -> Counter[str]:
    return Counter(log.read_text("utf-8").splitlines()) if log.exists() else Counter()


def test_a_cached_run_is_timed_on_cases_drawn_anew(evalkit: Command, tmp_path: Path) -> None:
    logs = [tmp_path / "student.log", tmp_path / "teacher.log"]
    generators = {"student": f"{STUDENT},log={logs[0]}", "teacher": f"{TEACHER},log={logs[1]}"}
    run(evalkit, "--out", "first", **generators)
    assert [sum(drawn(log).values()) for log in logs] == [6, 6]
    with sqlite3.connect(tmp_path / "cache" / "cache.sqlite") as cache:  # as if drawn on a slow machine
        for key, record in cache.execute("SELECT key, record FROM pictures").fetchall():
            slow = json.dumps({**json.loads(record), "seconds": 100.0})
            cache.execute("UPDATE pictures SET record = ? WHERE key = ?", (slow, key))
    cache.close()
    said = run(evalkit, "--out", "timed", "--time", "4", **generators)
    assert [sum(drawn(log).values()) for log in logs] == [6 + 2 + 4, 6 + 2 + 4], "a batch to warm up, then 4 cases"
    found = summary(tmp_path / "timed")
    by_role = {generator.role.value: generator for generator in found.generators}
    assert {role: result.n_timed for role, result in by_role.items()} == {"student": 4, "teacher": 4}
    assert by_role["student"].seconds_per_picture == pytest.approx(0.02)
    assert by_role["teacher"].seconds_per_picture == pytest.approx(0.08)
    assert by_role["student"].timed_on == by_role["teacher"].timed_on
    assert by_role["student"].timed_on["hardware"] == "fake"
    assert times_as_fast(found) == pytest.approx(4.0)
    assert "measured: teacher 0.08 s per picture (n = 4), student 0.02 s per picture (n = 4): 4 times as fast" in said
    page = (tmp_path / "timed/report/index.html").read_text("utf-8")
    assert "4.0× as fast as the teacher, measured on 4 cases drawn anew" in page
    verdict = json.loads((tmp_path / "timed/verdict.json").read_text("utf-8"))
    assert [(each["n_timed"], each["seconds_per_picture"]) for each in verdict["generators"]] == [(4, 0.08), (4, 0.02)]
    board = tmp_path / "timed/leaderboard.json"
    assert {entry["seconds_per_picture"] for entry in json.loads(board.read_text("utf-8"))["entries"]} == {0.02, 0.08}
    assert evalkit("leaderboard", "--verify", board, "timed").returncode == 0


def test_without_the_option_nothing_is_drawn_anew(evalkit: Command, tmp_path: Path) -> None:
    said = run(evalkit, "--out", "out", "--time", "2")
    assert "timing   measured" in said
    said = run(evalkit, "--out", "out")
    assert "timing" not in said
    assert all(generator.n_timed == 0 for generator in summary(tmp_path / "out").generators)


def test_timing_keeps_the_run_as_it_is(evalkit: Command, tmp_path: Path) -> None:
    run(evalkit, "--out", "plain")
    run(evalkit, "--out", "timed", "--time", "50", "--cache", "none")
    plain, timed = summary(tmp_path / "plain"), summary(tmp_path / "timed")
    assert plain.run_digest == timed.run_digest
    assert {generator.n_timed for generator in timed.generators} == {6}, "no more than there are cases"


def test_recorded_pictures_are_not_timed(evalkit: Command, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    lines = []
    for i in range(6):
        (folder / f"flat-{i:04d}.png").write_bytes(encode_png(np.full((16, 16, 3), 200, np.uint8)))
        lines.append(json.dumps({"id": f"flat/{i:04d}", "image": f"flat-{i:04d}.png", "seconds": 3.5, "nfe": 4}))
    said = run(evalkit, "--out", "untold", "--time", "2", student=f"folder:{folder}")
    assert "the student was not timed: it does not say how long a picture takes" in said
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    said = run(evalkit, "--out", "told", "--time", "2", student=f"folder:{folder}")
    assert "the student was not timed: it tells seconds of another time" in said
    assert times_as_fast(summary(tmp_path / "told")) is None


def test_a_frontier_is_timed_point_by_point(evalkit: Command, tmp_path: Path) -> None:
    said = evalkit(
        "frontier", "--benchmark", "fake-benchmark:count=4", "--judge", "fake-brightness", "--student-nfe", "1,4",
        "--teacher-steps", "2,4", "--student", "fake-steps:sleeps=true", "--teacher", "fake-steps:sleeps=true",
        "--time", "3", "--out", "out",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    points = {point["name"]: point for point in json.loads((tmp_path / "out/frontier.json").read_text())["points"]}
    assert {name: (point["n_timed"], point["seconds"]) for name, point in points.items()} == {
        "student-01": (3, pytest.approx(0.01)),
        "student-04": (3, pytest.approx(0.04)),
        "teacher-02": (3, pytest.approx(0.02)),
        "teacher-04": (3, pytest.approx(0.04)),
    }
