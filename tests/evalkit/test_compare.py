"""A run against a baseline: buckets, dimensions, gates, named baselines, through the real command."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import encode_png
from evalkit.api.records import Case, Role, SourceImage, Task
from evalkit.api.results import Bucket, Interval
from evalkit.store.run_reader import RunReader
from evalkit.verdict.aggregate import at_confidence
from evalkit.verdict.compare import Baseline, bucket_of
from evalkit.verdict.question import same_question
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

JUDGE = "fake-brightness"


def pictures(folder: Path, levels: list[int]) -> Path:
    """Flat pictures; below 128 the fake judge finds them too dark, which fails the case."""
    folder.mkdir()
    for i, level in enumerate(levels):
        (folder / f"flat-{i:04d}.png").write_bytes(encode_png(np.full((16, 16, 3), level, np.uint8)))
    return folder


def run(evalkit: Command, out: str, levels: list[int], tmp_path: Path, *more: object) -> int:
    folder = pictures(tmp_path / f"pictures-{out}", levels)
    done = evalkit(
        "run", "--benchmark", f"fake-benchmark:count={len(levels)}", "--student", f"folder:{folder}",
        "--judge", JUDGE, "--out", out, *more,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.mark.parametrize(
    ("before", "now", "bucket"),
    [
        (False, True, Bucket.REGRESSED),
        (True, False, Bucket.FIXED),
        (True, True, Bucket.STILL_FAILING),
        (False, False, Bucket.UNCHANGED),
    ],
)
def test_buckets(before: bool, now: bool, bucket: Bucket) -> None:
    assert bucket_of(before, now) is bucket


def test_compare_says_what_became_of_every_case(tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, "base", [200, 200, 50, 50, 200], tmp_path)
    run(evalkit, "new", [200, 60, 210, 40, 190, 30], tmp_path)
    done = evalkit("compare", "base", "new")
    assert done.returncode == 0, done.stderr
    counts = dict(line.rsplit(None, 1) for line in done.stdout.splitlines()[:6])
    assert {name.strip(): int(n) for name, n in counts.items()} == {
        "regressed": 1,
        "fixed": 1,
        "new failure": 1,
        "still failing": 1,
        "unchanged": 2,
        "incomparable": 0,
    }
    assert "fake.brightness" in done.stdout
    gated = evalkit("compare", "base", "new", "--max-drop", "fake.brightness=1")
    assert gated.returncode == 3, gated.stdout
    assert "the baseline does not have 1 of the 6 cases" in gated.stdout
    assert evalkit("compare", "base", "base", "--max-drop", "fake.brightness=0.6").returncode == 0
    assert evalkit("compare", "base", "new", "--max-drop", "fake.nothing=0.5").returncode == 2
    assert evalkit("compare", "nowhere", "new").returncode == 2


@pytest.mark.nightly
def test_what_is_inherited_fails_in_neither_run_unless_a_gate_counted_it(tmp_path: Path, evalkit: Command) -> None:
    dark = [50, 50, 200]  # the teacher's; it is right where the student of `own` is wrong
    teacher = ("--teacher", f"folder:{pictures(tmp_path / 'teacher', dark)}")
    run(evalkit, "alone", dark, tmp_path)
    run(evalkit, "inherited", dark, tmp_path, *teacher)
    run(evalkit, "own", [50, 200, 50], tmp_path, *teacher)
    config = tmp_path / "gated.yaml"
    config.write_text("gates: [{finding: dark, max_rate: 0.0}]\nstudent: x\n")
    run(evalkit, "counted", dark, tmp_path, *teacher, config)

    def buckets(base: str, new: str) -> dict[str, int]:
        done = evalkit("compare", base, new)
        assert done.returncode == 0, done.stderr
        counts = (line.rsplit(None, 1) for line in done.stdout.splitlines()[:6])
        return {name.strip(): int(n) for name, n in counts if int(n)}

    assert buckets("inherited", "inherited") == {"unchanged": 3}
    assert buckets("inherited", "own") == {"regressed": 1, "unchanged": 2}
    assert buckets("alone", "inherited") == {"unchanged": 3}, "the same pictures; only one run knows the teacher"
    assert buckets("inherited", "alone") == {"still failing": 2, "unchanged": 1}
    assert buckets("counted", "counted") == {"still failing": 2, "unchanged": 1}


def test_a_gate_on_the_command_line_fails(tmp_path: Path, evalkit: Command) -> None:
    levels = list(range(200, 230))
    run(evalkit, "base", levels, tmp_path)
    run(evalkit, "new", [level - 60 - level % 7 for level in levels], tmp_path)
    done = evalkit("compare", "base", "new", "--max-drop", "fake.brightness=0.05", "--report")
    assert done.returncode == 1, done.stderr
    summary = json.loads((tmp_path / "new" / "leaderboard.json").read_text())
    assert summary
    with RunReader(tmp_path / "new") as reader, StoredResults(reader) as results:
        comparison = results.summary().comparison
        assert comparison is not None
        assert comparison.baseline == "base"
        change = next(iter(results.cases())).change
        assert change is not None
        assert change.baseline_sample is not None
        assert results.picture_path(change.baseline_sample).is_file()


def test_changed_cases_are_incomparable_with_the_reason(tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, "base", [200, 200], tmp_path)
    with RunReader(tmp_path / "base") as reader:
        baseline = Baseline(reader)
        case = next(reader.cases()).case
        import dataclasses

        other = dataclasses.replace(case, prompt="another question")
        change = baseline.change(other, 0, (), baseline.judges)
        assert (change.bucket, change.reason) == (Bucket.INCOMPARABLE, "the case has changed")
        change = baseline.change(case, 0, (), {JUDGE: "a newer version"})
        assert (change.bucket, change.reason) == (Bucket.INCOMPARABLE, f"changed: judge {JUDGE}")
        assert (
            baseline.change(dataclasses.replace(case, tags=("x",)), 0, (), baseline.judges).reason
            == "not judged in this run"
        )


def test_an_edit_is_the_same_question_wherever_its_source_lies() -> None:
    def edit(path: str, sha256: str) -> Case:
        return Case("edit", "make it red", task=Task.EDIT, source=SourceImage(path, sha256))

    assert same_question(edit("here.png", "a" * 64), edit("there.png", "a" * 64))
    assert not same_question(edit("here.png", "a" * 64), edit("here.png", "b" * 64))


@pytest.mark.nightly
def test_a_named_baseline_is_set_on_purpose(tmp_path: Path, evalkit: Command) -> None:
    levels = list(range(200, 230))
    run(evalkit, "base", levels, tmp_path)
    assert evalkit("baseline", "set", "main", "base").returncode == 2, "a reason is required"
    done = evalkit("baseline", "set", "main", "base", "--reason", "v1 shipped", "--author", "Ada")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "base")
    done = evalkit("baseline", "list")
    assert "Ada: v1 shipped" in done.stdout
    config = tmp_path / "evalkit.yaml"
    config.write_text(
        f"benchmark: 'fake-benchmark:count={len(levels)}'\nstudent: {{use: folder, path: worse}}\njudges: [{JUDGE}]\n"
        "baseline: main\nout: new\ngates: [{dimension: fake.brightness, max_drop: 0.05, against: baseline}]\n"
    )
    pictures(tmp_path / "worse", [level - 60 - level % 7 for level in levels])
    done = evalkit("run", "evalkit.yaml")
    assert done.returncode == 1, done.stderr
    assert "regressed" in json.dumps(json.loads((tmp_path / "new" / "verdict.json").read_text()))
    config.write_text(config.read_text().replace("baseline: main", "baseline: mian"))
    assert evalkit("run", "evalkit.yaml", "--out", "other").returncode == 2


@pytest.mark.nightly
def test_a_leaderboard_file_is_a_baseline_too(tmp_path: Path, evalkit: Command) -> None:
    levels = list(range(150, 180))
    run(evalkit, "base", levels, tmp_path)
    pictures(tmp_path / "worse", [level - 60 - level % 7 for level in levels])
    pictures(tmp_path / "same", levels)
    text = (
        f"benchmark: 'fake-benchmark:count={len(levels)}'\nstudent: {{use: folder, path: worse}}\njudges: [{JUDGE}]\n"
        "baseline: base/leaderboard.json\nout: new\n"
        "gates: [{dimension: fake.brightness, max_drop: 0.05, against: baseline}]\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    assert evalkit("run", "a.yaml").returncode == 1
    (tmp_path / "b.yaml").write_text(text.replace("path: worse", "path: same").replace("out: new", "out: same-run"))
    assert evalkit("run", "b.yaml").returncode == 0
    board = json.loads((tmp_path / "base" / "leaderboard.json").read_text())
    student = next(entry for entry in board["entries"] if entry["role"] == "student")
    changes = [
        (student["dimensions"][0], "judge_fingerprint", "0" * 64, "other settings or another model"),
        (student["dimensions"][0], "judge_fingerprint", "", "is not told"),
        (student, "benchmark_digest", "0" * 64, "another benchmark"),
        (student, "outcome", "splendid", "entries.0.outcome"),
    ]
    for place, key, value, said in changes:
        right, place[key] = place[key], value
        (tmp_path / "base" / "leaderboard.json").write_text(json.dumps(board))
        place[key] = right
        done = evalkit("run", "b.yaml")
        assert done.returncode == 2, done.stdout
        assert said in " ".join(done.stderr.split())


def test_the_interval_of_a_leaderboard_file_is_taken_at_the_confidence_of_the_gate() -> None:
    stated = Interval(0.9, 0.8, 0.94, 50, 0.95)
    assert at_confidence(stated, 0.95, 0.0, 1.0) == stated
    wider = at_confidence(stated, 0.99, 0.0, 1.0)  # 2.576 / 1.960 = 1.314 times as wide
    assert (wider.low, wider.high) == (pytest.approx(0.9 - 0.1314, abs=1e-4), pytest.approx(0.9 + 0.0526, abs=1e-4))
    assert at_confidence(stated, 1 - 1e-9, 0.0, 1.0).high == 1.0


@pytest.mark.nightly
def test_flaky_cases_do_not_fail_a_gate(tmp_path: Path, evalkit: Command) -> None:
    levels = [200] * 180 + [30] * 20
    pictures(tmp_path / "p", levels)
    ids = [f"flat/{i:04d}" for i in range(180, 200)]
    (tmp_path / "flaky.json").write_text(json.dumps(ids))
    text = (
        f"benchmark: 'fake-benchmark:count={len(levels)}'\nstudent: {{use: folder, path: p}}\njudges: [{JUDGE}]\n"
        "out: OUT\ngates: [{finding: dark, max_rate: 0.04}]\n"
    )
    (tmp_path / "a.yaml").write_text(text.replace("OUT", "strict"))
    assert evalkit("run", "a.yaml").returncode == 1
    (tmp_path / "b.yaml").write_text(text.replace("OUT", "lenient") + "flaky: flaky.json\n")
    done = evalkit("run", "b.yaml")
    assert done.returncode == 0, done.stdout
    assert "20 of 200 cases are listed as unstable and left out of the gates" in done.stdout
    (tmp_path / "flaky.json").write_text('{"not": "a list"}')
    assert evalkit("run", "b.yaml", "--out", "third").returncode == 2


def test_a_baseline_is_judged_anew_by_the_judges_of_today(tmp_path: Path, evalkit: Command) -> None:
    levels = list(range(200, 206))
    run(evalkit, "base", levels, tmp_path)
    assert evalkit("baseline", "set", "main", "base", "--reason", "v1", "--author", "Ada").returncode == 0
    database = tmp_path / ".evalkit" / "baselines" / "main" / "run.sqlite"
    with RunReader(database.parent) as reader:
        judges = reader.meta("judges")
    with sqlite3.connect(database) as connection:  # as if another version of the judge had judged it
        connection.execute("UPDATE meta SET value = ? WHERE key = 'judges'", (json.dumps({JUDGE: "old"}),))
        connection.execute("UPDATE scores SET value = 0.5")
    connection.close()
    lost = evalkit("baseline", "rejudge", "main")
    assert lost.returncode == 2
    assert "pictures are not found by their hash" in " ".join(lost.stderr.split())
    assert sqlite3.connect(database).execute("SELECT DISTINCT value FROM scores").fetchall() == [(0.5,)]
    shutil.move(tmp_path / "base" / "pictures", tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "base")
    done = evalkit("baseline", "rejudge", "main", "--pictures", "elsewhere", "--reason", "new judge", "--author", "Ada")
    assert done.returncode == 0, done.stderr
    with RunReader(database.parent) as reader:
        assert reader.meta("judges") == judges
        assert len({value for _, _, value in reader.scores(Role.STUDENT, "fake.brightness")}) == len(levels)
    assert "new judge" in evalkit("baseline", "list").stdout
    assert [path.name for path in database.parent.parent.iterdir()] == ["main"], "nothing is left over"
