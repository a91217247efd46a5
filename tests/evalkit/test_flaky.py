"""Unstable cases through the real commands: which lists a run takes, and which runs show chance at all."""

import json
from pathlib import Path

import pytest

from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

CASES = 40
STUDENT = "fake-flat:level=100,spread=60"
"""Some of its pictures are too dark, others are not, as the noise will have it."""


def run(student: str, out: str, *more: str) -> tuple[str, ...]:
    return (
        "run", "--benchmark", f"fake-benchmark:count={CASES}", "--judge", "fake-brightness", "--teacher", "none",
        "--student", student, "--out", out, *more,
    )  # fmt: skip


def gated(tmp_path: Path, level: int, flaky: object) -> Path:
    """A config whose gate fails, with a list of unstable cases."""
    (tmp_path / "list.json").write_text(json.dumps(flaky))
    path = tmp_path / f"evalkit{level}.yaml"
    path.write_text(
        f"benchmark: 'fake-benchmark:count={CASES}'\nout: gated{level}\njudges: [fake-brightness]\n"
        f"student: {{use: fake-flat, level: {level}, spread: 60}}\nflaky: list.json\n"
        "gates: [{finding: dark, max_rate: 0.01}]\n"
    )
    return path


def test_a_list_from_the_student_under_test_is_refused(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*run(STUDENT, "aa", "--seeds", "4")).returncode == 0
    done = evalkit("stability", "aa", "--out", "found.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found["cases"]) > CASES / 10
    assert found["runs"]
    refused = evalkit("run", gated(tmp_path, 100, found))
    assert refused.returncode == 2
    assert "made from the student under test" in refused.stderr
    assert not (tmp_path / "gated100" / "verdict.json").exists()
    taken = evalkit("run", gated(tmp_path, 101, found))
    assert taken.returncode in (1, 3), "another student: its own failures still count"
    assert f"{len(found['cases'])} of {CASES}" in taken.stdout, "the verdict names what is left out"


@pytest.mark.parametrize("forged", [False, True])
def test_a_long_list_needs_runs_of_a_student(tmp_path: Path, evalkit: Command, forged: bool) -> None:
    """Also if it claims runs, but not whose they were."""

    def listed(n: int) -> object:
        cases = [f"flat/{i:04d}" for i in range(n)]
        return {"cases": cases, "runs": ["a" * 64]} if forged else cases

    refused = evalkit("run", gated(tmp_path, 100, listed(CASES // 10 + 1)))
    assert refused.returncode == 2
    assert "at most" in refused.stderr or "may leave out 10%" in refused.stderr
    assert evalkit("run", gated(tmp_path, 100, listed(CASES // 10))).returncode == 1


def test_runs_that_share_pictures_show_no_chance(evalkit: Command) -> None:
    for out in ("one", "two"):
        assert evalkit(*run(STUDENT, out)).returncode == 0
    done = evalkit("stability", "one", "two")
    assert done.returncode == 2
    assert "40 of 40 pictures are the same in both runs" in done.stderr
