"""A run that may stop once its gates are decided: it does less work, and says the same when run again."""

import json
from pathlib import Path

import pytest

from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

N_CASES = 400


def config(tmp_path: Path, student_level: int, extra: str = "") -> Path:
    path = tmp_path / "evalkit.yaml"
    path.write_text(
        f"benchmark: 'fake-benchmark:count={N_CASES}'\nout: out\njudges: [fake-brightness]\n"
        f"student: {{use: fake-flat, level: {student_level}, log: {tmp_path / 'log'}}}\n"
        "teacher: {use: fake-flat, level: 180}\nstop_early: true\n"
        f"gates: [{{dimension: fake.brightness, max_drop: 0.1{extra}}}]\n"
    )
    return path


@pytest.mark.parametrize(("level", "code", "outcome", "share"), [(60, 1, "failed", 0.25), (180, 0, "passed", 0.8)])
def test_stops_when_the_gate_is_decided(
    tmp_path: Path, evalkit: Command, level: int, code: int, outcome: str, share: float
) -> None:
    path = config(tmp_path, level)
    done = evalkit("run", path, "--cache", "none")
    assert done.returncode == code, done.stderr + done.stdout
    assert f"{outcome}: " in done.stdout
    assert "stopped early" in done.stdout
    drawn = (tmp_path / "log").read_text().splitlines()
    assert len(drawn) < share * N_CASES
    assert drawn != sorted(drawn), "the cases are asked in random order"
    again = evalkit("run", path, "--cache", "none")
    assert again.returncode == code
    assert (tmp_path / "log").read_text().splitlines() == drawn, "nothing more is drawn"
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert verdict["coverage"] == 1.0, "what was not asked is not missing"


def test_only_gates_that_can_be_watched(tmp_path: Path, evalkit: Command) -> None:
    path = config(tmp_path, 60)
    path.write_text(path.read_text().replace("max_drop: 0.1", "min_value: 0.1"))
    done = evalkit("run", path)
    assert done.returncode == 2
    assert "can't be watched" in done.stderr


def test_it_can_not_pass_by_pictures_that_are_missing(tmp_path: Path, evalkit: Command) -> None:
    """One in five pictures is missing, only for the student; those that it drew are the teacher's equals."""
    path = config(tmp_path, 180)
    missing = "+".join(f"flat/{i:04d}" for i in range(0, N_CASES, 5))
    text = path.read_text().replace("level: 180, log", f"level: 180, fail_on: {missing}, log")
    path.write_text(text + "min_coverage: 0.5\n")
    done = evalkit("run", path, "--cache", "none")
    assert done.returncode == 3, done.stderr + done.stdout
    (gate,) = json.loads((tmp_path / "out" / "verdict.json").read_text())["gates"]
    assert "missing: no picture" in gate["detail"]


def test_it_does_not_stop_on_cells_that_would_not_suffice(tmp_path: Path, evalkit: Command) -> None:
    path = config(tmp_path, 60)
    missing = "+".join(f"flat/{i:04d}" for i in range(0, N_CASES, 10))
    path.write_text(path.read_text().replace("level: 60, log", f"level: 60, fail_on: {missing}, log"))
    done = evalkit("run", path, "--cache", "none")
    assert done.returncode == 3, "a tenth of the pictures is missing, and `min_coverage` allows a twentieth"
    assert "stopped early" not in done.stdout


@pytest.mark.nightly
def test_it_leaves_out_the_unstable_cases(tmp_path: Path, evalkit: Command) -> None:
    path = config(tmp_path, 180)
    (tmp_path / "flaky.json").write_text(json.dumps([f"flat/{i:04d}" for i in range(40)]))
    path.write_text(path.read_text().replace("max_drop: 0.1", "max_drop: 0.001") + "flaky: flaky.json\n")
    done = evalkit("run", path, "--cache", "none")
    assert done.returncode == 3, "360 equal cases can't exclude so small a drop"
    (gate,) = json.loads((tmp_path / "out" / "verdict.json").read_text())["gates"]
    assert "an e-process over 360 cases" in gate["detail"]
