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


@pytest.mark.parametrize(("level", "code", "outcome"), [(60, 1, "failed"), (180, 0, "passed")])
def test_stops_when_the_gate_is_decided(tmp_path: Path, evalkit: Command, level: int, code: int, outcome: str) -> None:
    path = config(tmp_path, level)
    done = evalkit("run", path, "--cache", "none")
    assert done.returncode == code, done.stderr + done.stdout
    assert f"{outcome}: " in done.stdout
    assert "stopped early" in done.stdout
    drawn = (tmp_path / "log").read_text().splitlines()
    assert len(drawn) < N_CASES / 2
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
