"""The page of a sweep: its charts, tables and pictures, whatever is missing in it or hostile about it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from evalkit.api.frontier import Figure, Frontier, Point, PointPicture, Strip, fronts
from evalkit.api.records import Dimension, Role, Task
from evalkit.api.results import DimensionChange, Interval, Outcome
from evalkit.api.settings import Settings
from evalkit.reports.frontier.charts import LEFT, RIGHT, panels
from evalkit.reports.frontier.schema import make_schema, schema_text
from evalkit.reports.frontier.writer import FrontierReport
from tests.reports.conftest import HOSTILE
from tests.reports.test_browser import CHROMIUM, opened

ACCURACY = Dimension("typography.word_accuracy", "share of right words")
EXTRA = Dimension("typography.extra_words", "words nobody asked for", higher_is_better=False, unit="words", high=None)
SHA = "ab" * 32


def point(role: Role, steps: int, value: float | None, nfe: int | None, seconds: float | None, **more: object) -> Point:
    estimate = None if value is None else Interval(value, max(value - 0.05, 0), min(value + 0.05, 1), 40)
    change = DimensionChange(ACCURACY.name, "all", True, Interval(-0.2, -0.25, -0.15, 40), 0.001, 0.004)
    words = Interval(2.0 / steps, None, None, 1)
    reference = bool(more.pop("reference", False))
    figures = (
        Figure(ACCURACY, "typography", "3", 40 if estimate else 0, 40, estimate, None if reference else change),
        Figure(EXTRA, "typography", "3", 40, 40, words),
    )
    made = Point(
        f"{role.value}-{steps:02d}", role, steps, reference, f"a {role.value}", "a CPU", nfe, nfe, nfe, seconds,
        seconds, seconds, 40, 0, (1.0, 0.5, 0.0), f"runs/{role.value}-{steps:02d}", Outcome.PASSED, (), figures,
    )  # fmt: skip
    return dataclasses.replace(made, **more)


def frontier(*points: Point, strips: tuple[Strip, ...] = ()) -> Frontier:
    return Frontier(
        "tiles", "1", "d" * 64, "2026-01-01T00:00:00+00:00", "0.1.0", "evalkit frontier", 40, 1,
        (ACCURACY.name,), points, fronts(points), strips,
    )  # fmt: skip


STUDENT_1 = point(Role.STUDENT, 1, 0.4, 1, 0.1)
STUDENT_4 = point(Role.STUDENT, 4, 0.8, 4, 0.3)
TEACHER_2 = point(Role.TEACHER, 2, 0.3, 4, 0.4)
TEACHER_40 = point(Role.TEACHER, 40, 0.9, 80, 6.0, reference=True)
WHOLE = frontier(STUDENT_1, STUDENT_4, TEACHER_2, TEACHER_40)


def written(sweep: Frontier, out: Path, pictures: dict[str, Path] | None = None) -> str:
    return FrontierReport(Settings()).write(sweep, pictures or {}, out).read_text("utf-8")


def test_the_published_schema_is_that_of_the_records() -> None:
    assert json.loads(schema_text()) == make_schema(), "run `python -m evalkit.reports.frontier.schema`"
    jsonschema.Draft202012Validator.check_schema(make_schema())


def test_the_file_obeys_its_schema_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    written(WHOLE, tmp_path)
    content = json.loads((tmp_path / "frontier.json").read_text("utf-8"))
    jsonschema.validate(content, make_schema())
    for wrong in (content | {"points": None}, content | {"more": 1}, {**content, "format_version": 99}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, make_schema())


def test_nfe_doubles_at_equal_distances() -> None:
    nfe, seconds = panels(WHOLE)[0].charts
    assert [figure for _, figure in nfe.x_ticks] == ["1", "2", "4", "8", "16", "32", "64"]
    places = [at for at, _ in nfe.x_ticks]
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert max(gaps) - min(gaps) < 0.1
    assert all(LEFT <= dot.x <= RIGHT for chart in (nfe, seconds) for line in chart.series for dot in line.dots)
    assert [figure for _, figure in seconds.x_ticks] == ["0.1", "0.2", "0.5", "1", "2", "5"]


def test_better_is_higher_up_and_the_front_is_marked() -> None:
    chart = panels(WHOLE)[0].charts[0]
    dots = {(line.role, index): dot for line in chart.series for index, dot in enumerate(line.dots)}
    worst, best = dots["teacher", 0], dots["teacher", 1]
    assert worst.y > best.y
    assert best.high < best.y < best.low, "the interval is around the value, y grows downwards"
    assert (worst.best, best.best, dots["student", 1].best) == (False, True, True)
    assert chart.best == ("student at 1, 4 NFE", "teacher at 80 NFE")


def test_every_chart_is_named_and_has_its_figures_beneath(tmp_path: Path) -> None:
    page = written(WHOLE, tmp_path)
    charts = [svg for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL) if 'role="img"' in svg]
    assert len(charts) == 4
    for svg in charts:
        root = ET.fromstring(svg)
        named = {element.get("id"): (element.text or "").strip() for element in root.iter()}
        assert all(named[name] for name in root.attrib["aria-labelledby"].split())
    assert "student, 4 NFE, 0.3 s: 0.800 [0.750, 0.850], Pareto-optimal" in page
    assert page.count("is the reference") == 2
    assert "−0.200 <span" in page
    assert 'is-worse">worse' in page
    assert "<script" not in page
    assert 'style="' not in page, "the policy refuses it"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    uncounted = point(Role.STUDENT, 2, 0.6, None, 0.2, n_errors=3)
    unscored = point(Role.STUDENT, 8, None, 8, None)
    guided = point(Role.STUDENT, 4, 0.7, 8, 0.3)
    doubtful = dataclasses.replace(STUDENT_1, outcome=Outcome.UNDECIDED, reasons=("judge invalid: it is blind",))
    sweep = frontier(doubtful, uncounted, guided, unscored, TEACHER_40)
    nfe, seconds = panels(sweep)[0].charts
    assert [len(line.dots) for line in nfe.series] == [2, 1]
    assert [len(line.dots) for line in seconds.series] == [3, 1]
    page = written(sweep, tmp_path)
    assert "not counted" in page
    assert "no figure" in page
    assert "3 failed" in page
    assert "8 for 4" in page
    assert "judge invalid: it is blind" in page


def test_a_sweep_that_scored_nothing_is_still_a_page(tmp_path: Path) -> None:
    page = written(frontier(*(point(Role.TEACHER, n, None, None, None, reference=n == 4) for n in (2, 4))), tmp_path)
    assert "No chart: nothing was scored, or no cost is known." in page


def test_pictures_are_copied_beside_the_page(tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    source.write_bytes(b"\x89PNG\r\n\x1a\n")
    seen = (
        PointPicture("student-01", SHA, ".png"),
        PointPicture("student-04", "", "", "out of memory"),
        PointPicture("teacher-40", "0", ".exe"),
    )
    strip = Strip("case/1", "a red square", Task.T2I, seen)
    page = written(dataclasses.replace(WHOLE, strips=(strip,)), tmp_path / "out", {SHA: source, "0": source})
    (address,) = re.findall(r'<img src="([^"]+)"', page)
    assert (tmp_path / "out" / "frontier" / address).read_bytes() == source.read_bytes()
    assert "out of memory" in page
    assert "can&#39;t be shown" in page or "can't be shown" in page
    assert [file.suffix for file in (tmp_path / "out/frontier/pictures").iterdir()] == [".png"]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    strip = Strip("case/1", HOSTILE, Task.T2I, (PointPicture("student-01", "", "", HOSTILE),))
    hostile = dataclasses.replace(STUDENT_1, generator=HOSTILE, hardware=HOSTILE, reasons=(HOSTILE,))
    sweep = dataclasses.replace(frontier(hostile, TEACHER_40, strips=(strip,)), benchmark=HOSTILE)
    page = written(sweep, tmp_path)
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert "&lt;/script&gt;" in page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_has_nothing_to_complain_about(tmp_path: Path) -> None:
    written(WHOLE, tmp_path)
    dom, console = opened(tmp_path / "frontier" / "index.html", "", tmp_path / "profile")
    assert console == []
    assert dom.count('class="trend" points=') == 8
