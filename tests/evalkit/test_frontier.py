"""`evalkit frontier`: a sweep as ordinary runs that share their pictures, and what is Pareto-optimal in it."""

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from evalkit.api.frontier import Offer, pareto
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow

SWEEP = (
    "frontier", "--benchmark", "fake-benchmark:count=5", "--judge", "fake-brightness",
    "--student-nfe", "1,4", "--teacher-steps", "2,40", "--out", "out",
)  # fmt: skip
STUDENT = "fake-steps:ceiling=240,gap=100"
TEACHER = "fake-steps:true_cfg_scale=4.0"


def figure(point: dict, name: str = "fake.brightness") -> dict:
    (found,) = [figure for figure in point["figures"] if figure["dimension"]["name"] == name]
    return found


def test_nothing_beaten_is_on_the_front() -> None:
    offers = [Offer("cheap", 1, 0.5), Offer("dear", 8, 0.9), Offer("waste", 4, 0.4), Offer("twin", 1, 0.5)]
    assert pareto(offers, higher_is_better=True) == ("cheap", "twin", "dear")
    assert pareto(offers, higher_is_better=False) == ("cheap", "twin", "waste")
    assert pareto([Offer("a", 4, 0.7), Offer("b", 4, 0.8), Offer("c", 5, 0.8)], higher_is_better=True) == ("b",)
    assert pareto([], higher_is_better=True) == ()


@pytest.mark.nightly
def test_a_sweep_and_the_same_with_one_point_more(evalkit: Command, tmp_path: Path) -> None:
    log = tmp_path / "drawn"
    generators = ("--student", f"{STUDENT},log={log}", "--teacher", f"{TEACHER},log={log}")
    done = evalkit(*SWEEP, *generators)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out" / "frontier" / "index.html")
    frontier = json.loads((tmp_path / "out" / "frontier.json").read_text("utf-8"))
    jsonschema.validate(frontier, json.loads((tmp_path / "out" / "frontier.schema.json").read_text("utf-8")))
    points = {point["name"]: point for point in frontier["points"]}
    assert list(points) == ["student-01", "student-04", "teacher-02", "teacher-40"]
    nfes = {name: point["nfe"] for name, point in points.items()}
    assert nfes == {"student-01": 1, "student-04": 4, "teacher-02": 4, "teacher-40": 80}, "counted, not the steps"
    assert points["student-04"]["seconds"] == pytest.approx(0.04)
    assert points["teacher-02"]["sigmas"] == [1.0, 0.5, 0.0]
    # ceiling - gap / steps, the same jitter for all: the pairs differ by exactly these levels
    reference = 250 - 200 // 40
    for name, level in {"student-01": 140, "student-04": 215, "teacher-02": 150}.items():
        change = figure(points[name])["change"]
        assert change["difference"]["value"] == pytest.approx((level - reference) / 255)
        assert change["difference"]["n"] == 5
        assert change["p_value"] <= change["p_adjusted"] <= 1
    assert points["teacher-40"]["reference"]
    assert figure(points["teacher-40"])["change"] is None
    fronts = {front["cost"]: front["points"] for front in frontier["fronts"]}
    assert fronts["nfe"] == ["student-01", "student-04", "teacher-40"], "teacher-02 costs as much as student-04"

    drawn = log.read_text().splitlines()
    assert set(Counter(drawn).values()) == {1}, "nothing is drawn twice"
    assert len(drawn) == 4 * 5
    done = evalkit(*SWEEP, "--student-nfe", "4", "--teacher-steps", "10,40", *generators)
    assert done.returncode == 0, done.stderr
    new = log.read_text().splitlines()[len(drawn) :]
    assert sorted(new) == [f"250 10 flat/{i:04d}" for i in range(5)], "only the new point"
    again = json.loads((tmp_path / "out" / "frontier.json").read_text("utf-8"))
    kept = {point["name"]: figure(point)["estimate"] for point in frontier["points"]}
    for point in again["points"]:
        assert kept.get(point["name"]) in (None, figure(point)["estimate"])
    assert [point["name"] for point in again["points"]] == ["student-04", "teacher-10", "teacher-40"]


@pytest.mark.nightly
def test_without_a_shared_cache_the_teacher_is_still_drawn_once(evalkit: Command, tmp_path: Path) -> None:
    log = tmp_path / "drawn"
    done = evalkit(*SWEEP, "--cache", "none", "--limit", "2", "--student", STUDENT, "--teacher", f"{TEACHER},log={log}")
    assert done.returncode == 0, done.stderr
    assert set(Counter(log.read_text().splitlines()).values()) == {1}


def test_interrupted_it_says_how_to_go_on(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "evalkit", *SWEEP, "--student", STUDENT, "--teacher", TEACHER]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert "point 1 of 3" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
        assert running.wait(60) == 130, said
    assert "to continue, run the same command again: evalkit frontier" in said
    assert not (tmp_path / "out" / "frontier.json").exists()


def test_a_generator_without_steps_is_named(evalkit: Command, tmp_path: Path) -> None:
    done = evalkit(*SWEEP, "--student", "fake-flat", "--teacher", TEACHER)
    assert done.returncode == 2
    assert "student: the generator `fake-flat` has no setting `num_inference_steps`" in done.stderr
    assert not (tmp_path / "out").exists(), "nothing was started"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--teacher", "none"), "needs a teacher"),
        (("--teacher", TEACHER, "--student-nfe", "1,x"), "--student-nfe"),
        (("--teacher", TEACHER, "--teacher-steps", "0"), "--teacher-steps"),
        (("--teacher", "fake-stepz"), "fake-steps"),
    ],
)
def test_a_wrong_command_starts_nothing(evalkit: Command, tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    done = evalkit(*SWEEP, "--student", STUDENT, *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_broken_judge_makes_the_sweep_undecided(evalkit: Command, tmp_path: Path) -> None:
    blind = ("--judge", "fake-brightness:blind=true")
    command = [part for part in SWEEP if part not in ("--judge", "fake-brightness")]
    done = evalkit(
        *command, *blind, "--student-nfe", "1", "--teacher-steps", "40", "--student", STUDENT, "--teacher", TEACHER
    )
    assert done.returncode == 3, done.stderr
    assert "judge invalid" in done.stdout
    assert "Don’t rely on these points" in (tmp_path / "out" / "frontier" / "index.html").read_text("utf-8")


def test_own_sigmas_stay_where_they_are_as_many() -> None:
    from evalkit.plugins.registry import PluginSpec
    from evalkit.studies.sweep import with_steps

    spec = PluginSpec("qwen-image-2.1-turbo")
    assert with_steps(spec, 8, "student") == spec
    assert with_steps(spec, 4, "student").settings == {"num_inference_steps": 4, "sigmas": None}
