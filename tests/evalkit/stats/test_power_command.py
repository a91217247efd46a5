"""`evalkit power` as a user calls it."""

import re

import pytest

from evalkit.cli import main
from tests.evalkit.conftest import FAKE_RUN, Command, environment, evalkit

pytestmark = pytest.mark.slow

__all__ = ["environment", "evalkit"]


def test_graded_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--sd", "0.1", "--effect", "0.02"]) == 0
    said = capsys.readouterr().out
    needed = re.search(r"(\d+) +\d+ +0.02 +80%  <- needed", said)
    assert needed
    assert 197 <= int(needed[1]) <= 215, "197 by the normal approximation"


def test_binary_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--discordant", "0.13", "--effect", "0.07"]) == 0
    few = capsys.readouterr().out
    assert main(["power", "--rate", "0.9", "--effect", "0.07"]) == 0
    assert "<- needed" in few
    assert capsys.readouterr().out != few


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--sd", "0.1", "--rate", "0.9"],
        ["--rate", "0.9"],
        ["--rate", "0.1", "--effect", "0.2"],
        ["--discordant", "0.1", "--effect", "0.2"],
        ["--sd", "-1"],
        ["--sd", "nan"],
        ["--sd", "0.1", "--effect", "inf"],
        ["--run", "nowhere"],
    ],
)
def test_nonsense_is_a_users_mistake(arguments: list[str]) -> None:
    assert main(["power", *arguments]) == 2


def test_a_run_plans_the_next(evalkit: Command) -> None:
    run = [*FAKE_RUN, "--student", "fake-flat:level=180", "--seeds", "3"]
    run[run.index("none")] = "fake-flat:spread=10"
    assert evalkit(*run).returncode in (0, 1)
    done = evalkit("power", "--run", "out", "--effect", "0.01")
    assert done.returncode == 0, done.stderr
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("fake.brightness"))
    assert row[1:3] == ["6", "3"]
    assert all(float(figure.replace(",", "")) > 0 for figure in row[4:])
    assert "A gate's own range of cases" in done.stdout, "why a gate names other numbers"


def test_nothing_scored_is_not_all_alike(evalkit: Command) -> None:
    cases = "+".join(f"flat/{i:04d}" for i in range(6))
    run = [*FAKE_RUN, "--student", "fake-flat:level=180"]
    run[run.index("none")] = "fake-flat:level=180,spread=0"
    run[run.index("fake-brightness")] = f"fake-brightness:abstain_on={cases}"
    evalkit(*run)
    done = evalkit("power", "--run", "out")
    assert "none: 0 of 6 cells of the student scored" in done.stdout
    assert "alike" not in done.stdout
