"""Which figures of real runs a leaderboard ranks: none of a judge that failed its controls, all with a known worst."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.errors import ConfigError
from evalkit.verdict.aggregate import read_aggregate
from tests.evalkit.conftest import Command

pytestmark = pytest.mark.slow


def config_of(tmp_path: Path, out: str, judges: str, more: str = "") -> Path:
    path = tmp_path / f"{out}.yaml"
    path.write_text(
        f"benchmark: fake-questions\nout: {out}\nexporters: [leaderboard]\njudges: {judges}\n"
        f"{more or 'student: fake-painter'}\n"
    )
    return path


def entries(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["entries"]
    return found


def test_a_judge_that_failed_its_controls_gives_no_rank(tmp_path: Path, evalkit: Command) -> None:
    """Also where the run passed, since no gate rests on that judge."""
    two = "student: {use: fake-painter, bad: '0:30'}\nteacher: {use: fake-painter, name: t}"
    gate = two + "\ngates: [{dimension: fake.content, min_value: 0.8}]"
    judges = "[{use: fake-truth, lying: true}, fake-content]"
    done = evalkit("run", config_of(tmp_path, "lied", judges, gate))
    assert done.returncode == 0, done.stderr
    assert evalkit("leaderboard", "lied", "--out", "board").returncode == 0
    for file in (tmp_path / "lied" / "leaderboard.json", tmp_path / "board" / "leaderboard.json"):
        entry = next(entry for entry in entries(file) if entry["role"] == "student")
        assert entry["outcome"] == "passed"
        ranks = {figure["dimension"]: (figure["rank_best"], figure["not_ranked"]) for figure in entry["dimensions"]}
        assert ranks["fake.truth"] == (None, "its judge failed the control `black is good`")
        assert ranks["fake.content"] == (1, "")
        assert not any(figure["worse_than_teacher"] for figure in entry["dimensions"])
    file = tmp_path / "board" / "leaderboard.json"
    assert evalkit("leaderboard", "--verify", "board/leaderboard.json", "lied").returncode == 0
    with pytest.raises(ConfigError, match=r"judge of `fake\.truth` failed the control `black is good`"):
        read_aggregate(file).figure("fake.truth")
    text = file.read_text()
    file.write_text(text.replace('"failed_control": "black is good"', '"failed_control": ""'))
    assert file.read_text() != text
    done = evalkit("leaderboard", "--verify", "board/leaderboard.json", "lied")
    assert done.returncode == 1
    assert "fake.truth.failed_control is" in done.stdout


def test_a_perfect_sample_is_ranked_by_the_declared_worst(tmp_path: Path, evalkit: Command) -> None:
    """All its values are equal and the dimension has no upper bound, but the judge says what the worst is."""
    for out, bad in (("perfect", ""), ("defective", "0:15")):
        student = f"student: {{use: fake-painter, name: {out}, bad: '{bad}'}}"
        done = evalkit("run", config_of(tmp_path, out, "[fake-slips]", student))
        assert done.returncode == 0, done.stderr
    assert evalkit("leaderboard", "defective", "perfect", "--out", "board").returncode == 0
    found = {entry["generator"]: entry["dimensions"][0] for entry in entries(tmp_path / "board" / "leaderboard.json")}
    best, other = found["fake painter perfect"], found["fake painter defective"]
    assert best["value"] == 0
    assert (best["ci_low"], other["ci_low"] > 0) == (0, True)
    assert 0 < best["ci_high"] < 20, "the next case may be as bad as 20"
    assert (best["rank_best"], best["rank_worst"], other["rank_best"], other["rank_worst"]) == (1, 1, 2, 2)
    done = evalkit("leaderboard", "--verify", "board/leaderboard.json", "defective", "perfect")
    assert done.returncode == 0, done.stdout
