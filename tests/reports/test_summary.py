"""The Markdown summary."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from markdown_it import MarkdownIt

from evalkit.api.results import Outcome
from evalkit.reports.ci.summary import SummaryExporter, render_comment, render_summary, step_summary
from evalkit.reports.escape import code_span, markdown
from evalkit.reports.failures import collect_failures
from tests.reports.attacked_run import attacked_run
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
    text = render_summary(demo)
    assert "**No gate configured" in text
    demo.run = replace(demo.run, outcome=Outcome.MEASURED)
    assert render_summary(demo).splitlines()[0] == "## ⚪ Measured: no gate applied; flash-mini against base-mini"


def test_failures_are_the_students_own_and_the_inherited_ones_stand_apart(demo: FakeRunResults) -> None:
    rows = table_under(render_summary(demo), "### Failures: 3")
    assert [row[1] for row in rows] == [
        "poster/fresh-bread",  # the most severe
        "poster/harbour-jazz",
        "poster/night-trains",
    ]
    assert {row[0] for row in rows} == {"failure"}
    assert table_under(render_summary(demo, worst=2), "### Failures: 3") == rows[:2]
    (apart,) = table_under(render_summary(demo), "Inherited from the teacher, and not counted by a failed gate: 1")
    assert apart[1] == "poster/open-studio"
    assert "(inherited)" in apart[3]


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
    assert markdown("#12, GH-7, @me") == "&#35;\u200b12, GH-\u200b7, @\u200bme"
    assert code_span("a `b`` c") == "``` a `b`` c ```"


def table_under(text: str, title: str) -> list[list[str]]:
    """The cells of the first table after `title`, its head left out."""
    lines = text[text.index(title) :].splitlines()[1:]
    lines = lines[: next((i for i, line in enumerate(lines) if line.startswith(("#", "<"))), None)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


class Shown(HTMLParser):
    """The tags of a rendered summary, and its text."""

    def __init__(self, markdown_text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown_text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert not attrs, (tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.tags[f"/{tag}"] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_change_since_the_baseline_comes_before_the_gates(compared: FakeRunResults) -> None:
    text = render_summary(compared)
    assert table_under(text, "### Against the baseline") == [["2", "1", "1", "1", "2", "1"]]
    assert "Incomparable: the case has changed (1)" in text
    assert text.index("### Against the baseline") < text.index("### Gates") < text.index("<details>")


def test_a_gate_without_power_says_how_many_cases_it_needs(compared: FakeRunResults) -> None:
    gates = {row[1]: row for row in table_under(render_summary(compared), "### Gates")}
    assert gates["ned at most 0.04"][0] == "⚠️ undecided: too few cases"
    scored = "student 7 of 8 cells scored, reference 8 of 8, 2 not applicable"
    assert gates["ned at most 0.04"][3:] == [scored, "a difference of 0.034", "29 to 90"]
    grain = gates["grain in at most 0.8 of the cases"]
    assert grain[0] == "⚠️ undecided: missing evidence"
    assert grain[3:] == ["student 0 of 8 cells scored", "–", "not known"]
    assert next(iter(gates)) == "words at most 0.05 worse than the teacher"  # what failed comes first


def test_dimensions_change_against_teacher_and_baseline(compared: FakeRunResults) -> None:
    rows = {row[0].split("<br>")[0]: row for row in table_under(render_summary(compared), "### Dimensions")}
    assert rows["typography: words"][3:] == ["−0.081 [−0.103, −0.059] worse", "−0.046 [−0.076, −0.016] worse"]
    assert rows["grain: clean-ground"][4] == "+0.038 [+0.017, +0.059] better"
    assert rows["vlm: checklist"][3:] == ["–", "–"]


def test_a_change_that_correction_takes_back_is_not_significant(compared: FakeRunResults) -> None:
    assert compared.run.comparison is not None
    weak = tuple(replace(c, p_adjusted=0.2) for c in compared.run.comparison.dimensions)
    compared.run = replace(compared.run, comparison=replace(compared.run.comparison, dimensions=weak))
    rows = {row[0].split("<br>")[0]: row for row in table_under(render_summary(compared), "### Dimensions")}
    assert rows["typography: words"][4].endswith("not significant")


def test_regressions_show_what_was_expected_and_read(compared: FakeRunResults) -> None:
    rows = table_under(render_summary(compared), "### Failures: 2, 2 of them new")
    covers, typo = "the button covers the last line; typo", "typo ×2"
    assert [row[:6] + row[7:] for row in rows] == [
        ["failure", "poster/fresh-bread", "0", covers, "–", "–", "regressed"],
        ["failure", "poster/harbour-jazz", "0", typo, "HARBOUR", "HARB0UR", "regressed"],
    ]


def test_flaky_cases_only_warn(compared: FakeRunResults) -> None:
    text = render_summary(compared)
    assert "night-trains" not in text[: text.index("<details>")]
    assert [row[1] for row in table_under(text, "⚠️ Flaky cases that fail: 1")] == ["poster/night-trains"]


def test_a_comment_has_its_marker_first_and_fits(compared: FakeRunResults) -> None:
    text = render_comment(compared, marker="nightly")
    assert text.splitlines()[:2] == [
        "<!-- evalkit comment: nightly -->",
        "## ❌ Failed: flash-mini against base-mini",
    ]


def test_however_much_there_is_to_say_it_fits(compared: FakeRunResults) -> None:
    loud = replace(compared.run.gates[0], rule="é<" * 250, detail="<" * 500)
    run = compared.run
    compared.run = replace(
        run,
        reasons=("<" * 1000,) * 250,
        gates=(loud,) * 250,
        dimensions=tuple(replace(d, judge="|" * 300 + str(i)) for i, d in enumerate(run.dimensions * 25)),
        controls=tuple(replace(run.controls[0], name=f"{i}" + "|" * 400) for i in range(250)),
    )
    whole, short = render_summary(compared), render_comment(compared)
    assert 900_000 < len(whole.encode()) <= 1024 * 1024
    assert len(short) <= len(short.encode()) <= 65_536
    for text in (whole, short):
        assert "more rows: see the report.*" in text
        assert text.count("<details>") == text.count("</details>")
        assert "## ❌ Failed" in text


def test_a_place_without_room_gets_nothing(compared: FakeRunResults) -> None:
    failures = collect_failures(compared, 10)
    assert step_summary(compared.run, failures, 150) == ""
    for limit in range(500, 6000, 250):
        text = step_summary(compared.run, failures, limit)
        assert len(text.encode()) <= limit
        assert text.count("<details>") == text.count("</details>")
    assert "more sections: see the report.*" in step_summary(compared.run, failures, 2000)


def test_an_attack_on_every_text_changes_nothing_but_text(compared: FakeRunResults, tmp_path: Path) -> None:
    attacked = attacked_run(tmp_path / "p")
    for render in (render_summary, render_comment):
        calm, shown = Shown(render(compared)), Shown(render(attacked))
        assert set(shown.tags) <= set(calm.tags)
        assert all(shown.tags[tag] == shown.tags[f"/{tag}"] for tag in ("details", "summary", "table", "td", "code"))
        assert shown.tags["details"] == calm.tags["details"]
        assert "<script>alert(1)</script>" in shown.text
        text = render(attacked)
        assert render is render_summary or text.count("<!-- evalkit comment") == 1
        assert not re.search(r"@octocat|#1|GH-2", re.sub(r"(?<!`)(`+) .*? \1(?!`)", "", linked(text)))


def linked(text: str) -> str:
    """The Markdown with entities resolved, as GitHub sees it when it looks for mentions and references."""
    return html.unescape(text)
