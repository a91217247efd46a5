"""What the report says about the faults a judge detects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.api.ability import Ability, FalseAlarms, Sight, SizeFound
from evalkit.api.results import Interval
from evalkit.reports import detection as detection_module
from evalkit.reports.ci.summary import render_summary
from evalkit.reports.detection import detection_of
from evalkit.reports.html.judge_ability import judge_rows
from tests.reports.conftest import FakeRunResults
from tests.reports.test_case_page import page_of

HALF = (SizeFound(1.0, 10, 0), SizeFound(4.0, 10, 10))


def seen(fault: str, found: float, smallest: float | None, *sizes: SizeFound) -> Sight:
    auc = Interval(0.9, 0.8, 0.97, 20)
    return Sight(fault, "levels RMS", 20, 20, auc, 0.5, found, 0.8, 0.9, smallest, sizes or HALF)


GRAIN = Ability(
    "grain",
    "1",
    "2026-11-20T10:00:00Z",
    "evalkit faults",
    512,
    (seen("grain-white", 0.7, 4.0), seen("mottle", 0.6, None), seen("banding<b>", 0.05, None)),
    (FalseAlarms("scenes", 40, 1, 0), FalseAlarms("photos", 8, 0, 8)),
)


def test_faults_are_sorted_by_how_reliably_they_are_found() -> None:
    found = detection_of(GRAIN, "1")
    assert found.reliably == ("grain-white from 4 levels RMS",)
    assert found.sometimes == ("mottle 60%",)
    assert found.rarely == ("banding<b> 5%",)
    assert found.false_alarms == ("1 of 40 scenes", "0 of 8 photos (abstains)")
    assert found.is_current
    assert "2026-11-20" in found.note


def test_figures_of_another_version_say_so() -> None:
    found = detection_of(GRAIN, "2")
    assert not found.is_current
    assert "version 1; this run has 2" in found.note


def test_the_page_shows_what_was_measured_and_nothing_else(
    compared: FakeRunResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection_module, "ability_of", lambda name: GRAIN if name == "grain" else None)
    rows = {row.name: row for row in judge_rows(compared.run, None)}
    assert rows["typography"].detection is None
    text = page_of(compared, tmp_path / "with").text
    for said in (
        "What each judge can detect",
        "grain-white from 4 levels RMS",
        "mottle 60%",
        "banding<b> 5%",
        "1 of 40 scenes",
    ):
        assert said in text, said
    summary = render_summary(compared)
    assert "grain-white from 4 levels RMS" in summary
    assert "banding<b>" not in summary, "shown as text"
    monkeypatch.setattr(detection_module, "ability_of", lambda name: None)
    assert "does not find" not in render_summary(compared)
    assert "What each judge can detect" not in page_of(compared, tmp_path / "without").text
    assert all(row.detection is None for row in judge_rows(replace(compared.run), None))
