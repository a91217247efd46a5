"""Unstable cases through the real commands: which lists a run takes, and which runs show chance at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evalkit.api.errors import ConfigError
from evalkit.api.records import Case
from evalkit.verdict.flaky import FlakyList, check_flaky
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


@pytest.mark.nightly
@pytest.mark.parametrize("runs", [None, "a" * 64, "x"])
def test_a_long_list_needs_runs_of_a_student(tmp_path: Path, evalkit: Command, runs: str | None) -> None:
    """Also if it claims runs, but not whose they were, or if what it claims is no digest of a run."""

    def listed(n: int) -> object:
        cases = [f"flat/{i:04d}" for i in range(n)]
        whose = {"student": {case: ["z"] for case in cases}} if runs == "x" else {}
        return {"cases": cases, "runs": [runs], **whose} if runs else cases

    refused = evalkit("run", gated(tmp_path, 100, listed(CASES // 10 + 1)))
    assert refused.returncode == 2
    assert "at most" in refused.stderr or "may leave out 10%" in refused.stderr
    assert evalkit("run", gated(tmp_path, 100, listed(CASES // 10))).returncode == 1


@pytest.mark.nightly
def test_runs_that_share_pictures_show_no_chance(evalkit: Command) -> None:
    for out in ("one", "two"):
        assert evalkit(*run(STUDENT, out)).returncode == 0
    done = evalkit("stability", "one", "two")
    assert done.returncode == 2
    assert "40 of 40 pictures are the same in both runs" in done.stderr


def fill(folder: Path, bad: range, seed: int, shade: int) -> None:
    """A picture of every case of `fake-benchmark`, those of `bad` too dark."""
    (folder / "flat").mkdir(parents=True, exist_ok=True)
    for i in range(CASES):
        pixels = np.full((16, 16, 3), 10 if i in bad else 200, np.uint8)
        pixels[0, 0] = (i, seed, shade)
        Image.fromarray(pixels).save(folder / "flat" / f"{i:04d}-{seed}.png")


def config_of(tmp_path: Path, out: str, more: str = "") -> Path:
    path = tmp_path / f"{out}.yaml"
    path.write_text(
        f"benchmark: 'fake-benchmark:count={CASES}'\nout: {out}\njudges: [fake-brightness]\nstudent: ./stu\n"
        f"gates: [{{finding: dark, max_rate: 0.01}}]\n{more}"
    )
    return path


def test_a_folder_that_was_filled_anew_is_another_student(tmp_path: Path, evalkit: Command) -> None:
    """A good and a failing content of one folder show no chance, so no list comes of them."""
    fill(tmp_path / "stu", range(0), seed=0, shade=1)
    assert evalkit("run", config_of(tmp_path, "good")).returncode == 3, "nothing fails; too few cases for a pass"
    fill(tmp_path / "stu", range(16), seed=0, shade=2)
    assert evalkit("run", config_of(tmp_path, "bad")).returncode == 1
    for order in (("bad", "good"), ("good", "bad")):
        done = evalkit("stability", *order, "--out", "found.json")
        assert done.returncode == 2
        assert f"the student has changed between the runs: its fingerprint differs in {CASES} of {CASES}" in done.stderr
    assert not (tmp_path / "found.json").exists()


def test_a_list_from_the_pictures_under_test_is_refused(tmp_path: Path, evalkit: Command) -> None:
    """Also if the fingerprint is another one: the failing pictures were one draw of two, beside a good one."""
    fill(tmp_path / "stu", range(0), seed=0, shade=1)
    fill(tmp_path / "stu", range(16), seed=1, shade=2)
    evalkit("run", config_of(tmp_path, "both"), "--seeds", "2")
    done = evalkit("stability", "both", "--out", "found.json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "found.json").read_text())["cases"]) == 16
    for path in (tmp_path / "stu" / "flat").glob("*-1.png"):
        path.replace(path.with_name(path.name.replace("-1.png", "-0.png")))
    refused = evalkit("run", config_of(tmp_path, "bad", "flaky: found.json\n"))
    assert refused.returncode == 2
    assert "made from the pictures under test (16 of its 16 cases)" in refused.stderr
    assert not (tmp_path / "bad" / "verdict.json").exists()


def test_every_run_counts_as_the_source_of_a_list() -> None:
    flaky = FlakyList(("a",), ("0" * 64, "1" * 64), {"a": ("first", "last")})
    case = Case("a", "a prompt")
    for fingerprint in ("first", "last"):
        with pytest.raises(ConfigError, match="made from the student under test"):
            check_flaky(flaky, [case], lambda _, made_by=fingerprint: made_by, None)
    check_flaky(flaky, [case], lambda _: "another", None)
