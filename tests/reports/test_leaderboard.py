"""The leaderboard file and its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.results import Interval
from reports.leaderboard.exporter import SCHEMA, LeaderboardExporter, leaderboard, schema_text
from tests.reports.conftest import FakeRunResults


def valid(content: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(content)


def test_one_entry_per_generator(demo: FakeRunResults, tmp_path: Path) -> None:
    path = LeaderboardExporter(LeaderboardExporter.Settings()).export(demo, tmp_path / "out")
    content = json.loads(path.read_text("utf-8"))
    student, teacher = content["entries"]
    assert (student["generator"], student["role"], student["nfe"], student["licence"]) == (
        "flash-mini",
        "student",
        4,
        "Apache-2.0",
    )
    assert (student["benchmark"], student["benchmark_version"]) == ("scenes-core", "1.2")
    words = student["dimensions"][0]
    assert {
        k: words[k] for k in ("value", "ci_low", "ci_high", "n_scored", "n_expected", "judge", "judge_version")
    } == {
        "value": 0.861,
        "ci_low": 0.839,
        "ci_high": 0.883,
        "n_scored": 7,
        "n_expected": 8,
        "judge": "typography",
        "judge_version": "2.1",
    }
    assert words["difference_to_teacher"]["value"] == -0.081
    assert teacher["dimensions"][0]["difference_to_teacher"] is None
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["leaderboard.json", SCHEMA]
    assert (tmp_path / "out" / content["$schema"]).read_text("utf-8") == schema_text()


def test_a_missing_figure_is_null_with_its_counts(demo: FakeRunResults) -> None:
    checklist = leaderboard(demo.summary())["entries"][0]["dimensions"][-1]
    assert (checklist["value"], checklist["ci_low"], checklist["ci_high"]) == (None, None, None)
    assert (checklist["n_scored"], checklist["n_expected"]) == (0, 8)


def test_obeys_its_schema(demo: FakeRunResults, hostile: FakeRunResults) -> None:
    valid(json.loads(json.dumps(leaderboard(demo.summary()))))
    valid(json.loads(json.dumps(leaderboard(hostile.summary()))))
    lone = replace(demo.run.dimensions[0], estimate=Interval(0.5, None, None, 1), difference=None)
    valid(leaderboard(replace(demo.run, dimensions=(lone,))))


def test_the_schema_refuses_a_zero_for_a_missing_figure(demo: FakeRunResults) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    content = leaderboard(demo.summary())
    content["entries"][0]["dimensions"][-1]["value"] = 0.0  # n_scored is 0: nothing was measured
    with pytest.raises(jsonschema.ValidationError):
        valid(content)
