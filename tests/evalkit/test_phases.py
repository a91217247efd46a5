"""A judge that needs the generators' device: asked when they are done and closed, with the same result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evalkit.conftest import Command
from tests.evalkit.test_resume import contents

pytestmark = pytest.mark.slow


def arguments(out: Path, log: Path, *, late: bool, fail_on: str = "") -> list[str]:
    return [
        *("run", "--benchmark", "fake-benchmark:count=6", "--out", str(out), "--cache", "none"),
        *("--student", f"fake-flat:level=100,closed_log={log}{f',fail_on={fail_on}' * bool(fail_on)}"),
        *("--teacher", f"fake-flat:level=200,closed_log={log}"),
        *("--judge", f"fake-brightness:late={str(late).lower()},concurrency=1,log={log}"),
    ]


def test_it_looks_once_both_generators_are_closed(evalkit: Command, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = evalkit(*arguments(tmp_path / "late", log, late=True))
    assert done.returncode == 0, done.stderr
    said = log.read_text().splitlines()
    first = said.index("control/black")
    # asked to make room, then both are drawn and closed, then the controls, then the pictures
    assert said[:first] == ["release", "closed", "closed"]
    looked = [line for line in said[first + 1 :] if line != "closed"]
    assert looked == [f"flat/{i:04d}" for i in range(6)] * 2


def test_the_result_is_that_of_one_that_does_not_wait(evalkit: Command, tmp_path: Path) -> None:
    outs = {late: tmp_path / f"late-{late}" for late in (False, True)}
    for late, out in outs.items():
        evalkit(*arguments(out, tmp_path / "log", late=late, fail_on="flat/0003"))
    early, late_ = (contents(out) for out in outs.values())
    assert late_["scores"] == early["scores"]
    assert late_["verdicts"] == early["verdicts"]
    assert late_["summary"] == early["summary"]


@pytest.mark.nightly
def test_nothing_is_looked_at_twice(evalkit: Command, tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    evalkit(*arguments(out, log, late=True))
    first = log.read_text().splitlines()
    again = evalkit(*arguments(out, log, late=True))
    assert again.returncode == 0
    assert set(log.read_text().splitlines()[len(first) :]) <= {"release", "closed"}


@pytest.mark.nightly
@pytest.mark.parametrize("late", [False, True])
def test_one_that_is_gone_leaves_the_run_undecided(evalkit: Command, tmp_path: Path, late: bool) -> None:
    given = arguments(tmp_path / "out", tmp_path / "log", late=late)
    given[-1] += ",gone=true"
    done = evalkit(*given)
    assert done.returncode == 3
    assert "the judge server is gone" in done.stderr
