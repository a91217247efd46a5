"""The leaderboard file of one run, and its schema."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.api.results import Interval
from evalkit.formats.leaderboard import read_board
from evalkit.reports.leaderboard.board import SCHEMA, board_json, schema_text
from evalkit.reports.leaderboard.exporter import LeaderboardExporter, leaderboard
from tests.reports.conftest import FakeRunResults
from tests.reports.leaderboard_runs import valid

jsonschema = pytest.importorskip("jsonschema")


def test_one_entry_per_generator(demo: FakeRunResults, tmp_path: Path) -> None:
    path = LeaderboardExporter(LeaderboardExporter.Settings()).export(demo, tmp_path / "out")
    content = json.loads(path.read_text("utf-8"))
    student, teacher = content["entries"]
    facts = {
        "generator": "flash-mini",
        "role": "student",
        "nfe": 4,
        "licence": "Apache-2.0",
        "hardware": "2× EPYC vCPU",
    }
    facts |= {"benchmark": "scenes-core", "benchmark_version": "1.2", "seconds_per_picture": 0.21, "outcome": "failed"}
    assert {key: student[key] for key in facts} == facts
    words = student["dimensions"][0]
    figures = {"value": 0.861, "ci_low": 0.839, "ci_high": 0.883, "n_scored": 7, "n_expected": 8, "n_cases": 4}
    figures |= {
        "judge": "typography",
        "judge_version": "2.1",
        "low": 0.0,
        "high": 1.0,
        "rank_best": 2,
        "rank_worst": 2,
        "worse_than_teacher": True,
    }
    assert {key: words[key] for key in figures} == figures
    assert words["difference_to_teacher"]["value"] == -0.081
    assert teacher["dimensions"][0]["difference_to_teacher"] is None
    assert teacher["dimensions"][0]["rank_best"] == 1
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["leaderboard.json", SCHEMA]
    assert (tmp_path / "out" / content["$schema"]).read_text("utf-8") == schema_text()


def test_carries_the_digest_of_the_run(demo: FakeRunResults) -> None:
    board = leaderboard(replace(demo.run, run_digest="c0" * 32))
    assert [entry.run_digest for entry in board.entries] == ["c0" * 32] * 2
    valid(board)


def test_a_missing_figure_is_null_with_its_counts(demo: FakeRunResults) -> None:
    checklist = leaderboard(demo.summary()).entries[0].dimensions[-1]
    assert (checklist.value, checklist.ci_low, checklist.ci_high, checklist.rank_best) == (None, None, None, None)
    assert (checklist.n_scored, checklist.n_expected) == (0, 8)


def test_obeys_its_schema(demo: FakeRunResults, hostile: FakeRunResults) -> None:
    valid(leaderboard(demo.summary()))
    valid(leaderboard(hostile.summary()))
    lone = replace(demo.run.dimensions[0], estimate=Interval(0.5, None, None, 1), difference=None)
    valid(leaderboard(replace(demo.run, dimensions=(lone,))))


def test_what_is_written_is_what_is_read(demo: FakeRunResults, tmp_path: Path) -> None:
    path = LeaderboardExporter(LeaderboardExporter.Settings()).export(demo, tmp_path)
    assert board_json(read_board(path)) == json.loads(path.read_text("utf-8"))


def test_the_schema_refuses_a_zero_for_a_missing_figure(demo: FakeRunResults) -> None:
    content = board_json(leaderboard(demo.summary()))
    content["entries"][0]["dimensions"][-1]["value"] = 0.0  # n_scored is 0: nothing was measured
    with pytest.raises(jsonschema.ValidationError):
        valid(content)


def test_the_schema_refuses_what_it_does_not_know(demo: FakeRunResults) -> None:
    content = board_json(leaderboard(demo.summary()))
    content["entries"][0]["elo"] = 1500
    with pytest.raises(jsonschema.ValidationError, match="elo"):
        valid(content)
