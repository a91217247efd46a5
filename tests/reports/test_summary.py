"""The Markdown summary."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from reports.ci.summary import SummaryExporter, render_summary
from reports.escape import code_span, markdown
from tests.reports.conftest import FakeRunResults


def test_the_result_comes_first(demo: FakeRunResults, tmp_path: Path) -> None:
    path = SummaryExporter(SummaryExporter.Settings()).export(demo, tmp_path / "out")
    text = path.read_text("utf-8")
    assert text.splitlines()[0] == "## ❌ Failed: flash-mini against base-mini"
    assert (
        text.index("0.05 is allowed") < text.index("### Gates") < text.index("### Dimensions") < text.index("<details>")
    )
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["summary.md"]


def test_a_missing_figure_is_never_a_number(demo: FakeRunResults) -> None:
    row = next(line for line in render_summary(demo).splitlines() if "checklist" in line)
    assert row.endswith("| no figure: 0 of 8 scored | no figure: 0 of 8 scored | – |")


def test_no_gate_is_said_aloud(demo: FakeRunResults) -> None:
    demo.run = replace(demo.run, gates=())
    assert "**No gate configured" in render_summary(demo)


def test_worst_cases_are_the_students_own_worst_first(demo: FakeRunResults) -> None:
    text = render_summary(demo, worst=3)
    rows = [line for line in text.splitlines() if line.startswith("| 0.")]
    assert [row.split(" | ")[0] for row in rows] == ["| 0.90", "| 0.72", "| 0.72"]
    assert "open-studio" not in text  # its typo is the teacher's too


def test_every_table_row_has_the_cells_of_its_head(hostile: FakeRunResults) -> None:
    cells = 0
    for line in render_summary(hostile).splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        cells = cells or line.count("|")
        assert line.count("|") == cells, line


def test_hostile_text_is_text(hostile: FakeRunResults) -> None:
    text = render_summary(hostile)
    outside_code = re.sub(r"(?<!`)(`+) .*? \1(?!`)", "", text)
    assert outside_code != text  # the command is shown as code
    assert "<img" not in outside_code
    assert "</script" not in outside_code
    assert "@octocat" not in outside_code
    assert "\x1b" not in text


def test_markdown_escapes() -> None:
    assert markdown("see https://a.example and www.b.example") == "see https&#58;//a.example and www&#46;b.example"
    assert markdown("- [x](y) *z*") == "&#45; &#91;x&#93;(y) &#42;z&#42;"
    assert markdown("1. one\ntwo") == "1&#46; one two"
    assert code_span("a `b`` c") == "``` a `b`` c ```"
