"""`evalkit leaderboard` on real runs of the fake plug-ins."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evalkit.api.errors import EvalkitError, UsageError
from evalkit.cli.leaderboard import command
from evalkit.store.fingerprint import run_digest
from evalkit.store.run_reader import RunReader

pytestmark = pytest.mark.slow

FAKES = Path(__file__).parent.parent / "fakes"
Answer = tuple[int, str]


def test_every_option_has_a_variable() -> None:
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert [option.name for option in options if not str(option.envvar).startswith("EVALKIT_")] == []


def arguments(out: Path, level: int, count: int = 8, seconds: float = 0.0) -> list[str]:
    return [
        *(sys.executable, "-m", "evalkit", "run", "--out", str(out), "--cache", "none"),
        *("--benchmark", f"fake-benchmark:count={count}", "--judge", "fake-brightness"),
        *("--student", f"fake-flat:level={level},seconds={seconds}", "--teacher", "fake-flat:level=200"),
    ]


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EVALKIT_")}
    return {**kept, "PYTHONPATH": str(FAKES), "PYTHONUTF8": "1"}


def run(out: Path, level: int, **options: Any) -> Path:
    done = subprocess.run(
        arguments(out, level, **options), env=environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs. Tests that change one make their own copy."""
    folder = tmp_path_factory.mktemp("runs")
    run(folder / "dark", 60)
    run(folder / "light", 190)
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def evalkit() -> Callable[..., Answer]:
    """`evalkit leaderboard …` in this process: (exit code, output)."""

    def call(*given: object) -> Answer:
        done = CliRunner().invoke(command, [*map(str, given)], standalone_mode=False)
        if done.exception:
            raise done.exception
        return done.return_value, done.output

    return call


def read(folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((folder / "leaderboard.json").read_text())["entries"]
    return entries


def test_merges_runs_and_says_which_was_kept(runs: Path, evalkit: Callable[..., Answer]) -> None:
    code, said = evalkit(runs / "dark", runs / "light", "--out", runs / "board")
    assert code == 0
    assert "kept the newest" in said  # both students and both teachers are called the same
    assert str(runs / "board" / "leaderboard.html") in said
    assert sorted(entry["role"] for entry in read(runs / "board")) == ["student", "teacher"]
    with RunReader(runs / "light") as reader:
        assert read(runs / "board")[0]["run_digest"] == run_digest(reader)


def test_adds_a_run_to_a_file_and_checks_it(runs: Path, evalkit: Callable[..., Answer]) -> None:
    evalkit(runs / "dark", "--out", runs / "board")
    evalkit(runs / "board" / "leaderboard.json", runs / "light", "--out", runs / "board")
    code, said = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light", runs / "dark")
    assert code == 0, said
    assert "same figures and digest" in said
    assert "every picture is the one that was judged" in said


def test_a_tampered_entry_fails(runs: Path, evalkit: Callable[..., Answer]) -> None:
    evalkit(runs / "light", "--out", runs / "board")
    file = runs / "board" / "leaderboard.json"
    content = json.loads(file.read_text())
    content["entries"][0]["dimensions"][0]["value"] += 0.01
    file.write_text(json.dumps(content))
    code, said = evalkit("--verify", file, runs / "light")
    assert code == 1
    assert "MISMATCH" in said
    assert "fake.brightness.value" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE samples SET record = json_set(record, '$.sha256', printf('%064d', 0)) WHERE role = 'student'",
            "digest",
        ),
        ("UPDATE verdicts SET record = replace(record, '\"value\":0.', '\"value\":0.9')", "digest"),
        ("UPDATE scores SET value = 0.99 WHERE role = 'student'", "fake.brightness.value"),
        ("UPDATE samples SET record = json_set(record, '$.nfe', 1)", "MISMATCH"),
    ],
    ids=["picture hash", "verdict", "score", "nfe"],
)
def test_a_tampered_run_fails(change: str, said: str, runs: Path, evalkit: Callable[..., Answer]) -> None:
    evalkit(runs / "light", "--out", runs / "board")
    with sqlite3.connect(runs / "light" / "run.sqlite") as database:
        database.execute(change)
    database.close()
    code, text = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light")
    assert code == 1
    assert said in text


def test_a_made_up_summary_fails(runs: Path, evalkit: Callable[..., Answer]) -> None:
    edit_summary(runs / "light", "$.dimensions[0].estimate.value", 0.999)
    evalkit(runs / "light", "--out", runs / "board")
    code, said = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light")
    assert code == 1
    assert "fake.brightness.value is 0.999" in said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [("$.outcome", "passed", "outcome is 'passed'"), ("$.coverage", 0.5, "coverage is 0.5, not 1.0")],
)
def test_a_made_up_outcome_or_coverage_fails(
    path: str, value: object, said: str, runs: Path, evalkit: Callable[..., Answer]
) -> None:
    edit_summary(runs / "light", path, value)  # the true run had no gate: it was measured
    evalkit(runs / "light", "--out", runs / "board")
    code, text = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light")
    assert code == 1
    assert said in text


def test_says_what_it_can_not_check(runs: Path, evalkit: Callable[..., Answer]) -> None:
    evalkit(runs / "light", "--out", runs / "board")
    code, text = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light")
    assert code == 0
    assert "hardware, settings and command are as the run itself states them" in text
    assert "outcome" not in "".join(line for line in text.splitlines(True) if line.startswith("unchecked"))


def test_two_models_of_a_judge_are_refused(runs: Path, evalkit: Callable[..., Answer]) -> None:
    edit_summary(runs / "dark", "$.judges", "{}")
    with sqlite3.connect(runs / "dark" / "run.sqlite") as database:
        database.execute("UPDATE meta SET value = '{\"fake-brightness\": \"other model\"}' WHERE key = 'judges'")
        database.execute("UPDATE meta SET value = json_remove(value, '$.judges', '$.run_digest') WHERE key = 'summary'")
    database.close()
    with pytest.raises(UsageError, match="settings and model"):
        evalkit(runs / "light", runs / "dark", "--out", runs / "board")


def test_a_changed_picture_fails(runs: Path, evalkit: Callable[..., Answer]) -> None:
    evalkit(runs / "light", "--out", runs / "board")
    picture = next((runs / "light" / "pictures").rglob("*.png"))
    picture.chmod(0o644)
    picture.write_bytes(b"another")
    code, said = evalkit("--verify", runs / "board" / "leaderboard.json", runs / "light")
    assert code == 1
    assert "changed after judging, first flat/" in said


def test_another_suite_is_refused(runs: Path, evalkit: Callable[..., Answer]) -> None:
    edit_summary(runs / "dark", "$.benchmark_digest", "0" * 64)
    with pytest.raises(UsageError, match="benchmark digest") as refused:
        evalkit(runs / "light", runs / "dark", "--out", runs / "board")
    assert refused.value.where == str(runs / "dark")
    assert refused.value.exit_code == 2


def test_a_run_that_changed_since_it_finished_is_refused(runs: Path, evalkit: Callable[..., Answer]) -> None:
    with RunReader(runs / "light") as reader:
        edit_summary(runs / "light", "$.run_digest", run_digest(reader))
    assert evalkit(runs / "light", "--out", runs / "board")[0] == 0
    with sqlite3.connect(runs / "light" / "run.sqlite") as database:
        database.execute("UPDATE samples SET record = json_set(record, '$.nfe', 1)")
    database.close()
    with pytest.raises(UsageError, match="changed since it finished"):
        evalkit(runs / "light", "--out", runs / "board")


def edit_summary(folder: Path, path: str, value: object) -> None:
    with sqlite3.connect(folder / "run.sqlite") as database:
        database.execute("UPDATE meta SET value = json_set(value, ?, ?) WHERE key = 'summary'", (path, value))
    database.close()


def test_a_file_is_not_checked_by_a_file(runs: Path, evalkit: Callable[..., Answer]) -> None:
    board = runs / "light" / "leaderboard.json"  # the run's own, as its exporter wrote it
    assert evalkit("--verify", board, runs / "light")[0] == 0
    with pytest.raises(UsageError, match="verified by run folders"):
        evalkit("--verify", board, board)


def test_what_is_no_run_is_said(runs: Path, evalkit: Callable[..., Answer], tmp_path: Path) -> None:
    for given in ((tmp_path / "absent",), (runs,), (), (runs / "light", "--out", runs / "dark")):
        with pytest.raises(EvalkitError) as refused:
            evalkit(*given)
        assert refused.value.exit_code == 2


@pytest.mark.nightly
def test_a_killed_and_resumed_run_has_the_digest_of_an_undisturbed_one(tmp_path: Path) -> None:
    undisturbed = run(tmp_path / "undisturbed", 100, count=40, seconds=0.01)
    slow = arguments(tmp_path / "killed", 100, count=40, seconds=0.01)
    process = subprocess.Popen(
        slow, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while drawn(tmp_path / "killed") < 45:  # the teacher's 40, and some of the student's
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert drawn(tmp_path / "killed") < 80
    run(tmp_path / "killed", 100, count=40, seconds=0.01)
    with RunReader(undisturbed) as one, RunReader(tmp_path / "killed") as other:
        assert run_digest(one) == run_digest(other)


def drawn(out: Path) -> int:
    """Samples committed so far."""
    try:
        with sqlite3.connect(f"file:{out / 'run.sqlite'}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT COUNT(*) FROM samples").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
