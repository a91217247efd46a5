"""What a judge may not say of a picture: that it does not apply, or a score worse than the `worst` it declares."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from evalkit.api.pictures import Picture
from evalkit.api.protocols import Judge
from evalkit.api.records import Dimension, Score, Status, Verdict
from evalkit.plugins.conformance import instance_problems
from evalkit.plugins.values import FaultyValue, checked_verdict
from tests.evalkit.conftest import Command

PICTURE = Picture.from_pixels(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize("status", ["not-applicable", "skipped"])
def test_excusing_bad_pictures_after_looking_passes_no_gate(status: str, tmp_path: Path, evalkit: Command) -> None:
    """Only `applies`, which has not seen the picture, may say that a case does not ask for something."""
    config = {
        "benchmark": {"use": "fake-questions", "count": 40, "textless": "30:40"},
        "student": {"use": "fake-painter", "name": "student", "bad": "0:15"},
        "teacher": None,
        "judges": [{"use": "fake-truth", "excuse_bad": status}],
        "exporters": [],
        "out": "out",
        "gates": [{"dimension": "fake.truth", "min_value": 0.9}, {"finding": "typo", "max_rate": 0.1}],
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    done = evalkit("run", "c.yaml")
    assert done.returncode == 3, done.stdout
    assert "0 of 2 gates passed" in done.stdout
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        query = "SELECT status, reason FROM scores WHERE dimension = 'fake.truth' ORDER BY idx"
        rows = database.execute(query).fetchall()
    assert [row[0] for row in rows] == ["error"] * 15 + ["scored"] * 15 + ["not-applicable"] * 10
    said = f"the judge says `{status}` after looking (nothing to see), which only its `applies` may say"
    assert {row[1] for row in rows[:15]} == {said}
    assert {row[1] for row in rows[30:]} == {"the case asks for no text"}


def judge_of(*dimensions: Dimension) -> Any:
    return SimpleNamespace(name="j", version="1", concurrency=1, dimensions=dimensions)


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        (Dimension("d", "", worst=0.9), "worst 0.9 is better than its low 0.0"),
        (Dimension("d", "", low=None, worst=1.0), "worst 1.0 is no worse than its high 1.0"),
        (Dimension("d", "", False, worst=0.9), "worst 0.9 is better than its high 1.0"),
        (Dimension("d", "", False, high=None, worst=0.0), "worst 0.0 is no worse than its low 0.0"),
        (Dimension("d", "", False, high=None, worst=-1.0), "worst -1.0 is no worse than its low 0.0"),
    ],
)
def test_a_worst_that_is_not_at_the_bad_end_is_refused(dimension: Dimension, said: str) -> None:
    assert instance_problems(judge_of(dimension), Judge) == [f"its `dimensions` holds a Dimension whose {said}"]


@pytest.mark.parametrize(
    "dimension",
    [
        Dimension("d", "", worst=0.0),
        Dimension("d", "", worst=-1.0),
        Dimension("d", "", False, worst=1.0),
        Dimension("d", "", False, high=None, worst=20.0),
        Dimension("d", "", False, low=None, high=None, worst=-3.0),
        Dimension("d", "", low=None, high=None, worst=-3.0),
    ],
)
def test_a_worst_at_the_bad_end_is_fine(dimension: Dimension) -> None:
    assert instance_problems(judge_of(dimension), Judge) == []


@pytest.mark.parametrize(
    ("dimension", "worse"),
    [
        (Dimension("d", "", False, high=None, worst=1.0), 50.0),
        (Dimension("d", "", low=None, high=None, worst=-3.0), -3.5),
    ],
)
def test_a_score_worse_than_the_worst_is_an_error(dimension: Dimension, worse: float) -> None:
    judge = judge_of(dimension)

    def verdict(value: float) -> Verdict:
        return Verdict("j", (Score("d", Status.SCORED, value),))

    assert dimension.worst is not None
    with pytest.raises(FaultyValue, match=r"the judge scores .* that it declares as `worst`"):
        checked_verdict(judge, verdict(worse), PICTURE)
    assert checked_verdict(judge, verdict(dimension.worst), PICTURE).scores[0].value == dimension.worst
    assert checked_verdict(judge, verdict(dimension.limited(worse)), PICTURE).scores[0].value == dimension.worst
    assert dimension.limited(0.5) == 0.5
