"""The one list of sections: the page, its navigation and the summary follow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.reports import sections
from evalkit.reports.ci.markdown import MarkdownPart
from evalkit.reports.ci.summary import render_comment, render_summary
from evalkit.reports.sections import SECTIONS, ReportInput, Section
from tests.reports.conftest import FakeRunResults
from tests.reports.test_case_page import page_of

TEMPLATES = Path(sections.__file__).parent / "html" / "templates" / "sections"


def test_anchors_are_unique_and_every_template_belongs_to_a_section() -> None:
    anchors = [section.anchor for section in SECTIONS]
    assert len(set(anchors)) == len(anchors)
    assert {section.template for section in SECTIONS if section.template} == {p.name for p in TEMPLATES.iterdir()}
    assert all(section.template or section.markdown for section in SECTIONS)
    assert all(bool(section.label) == bool(section.template) for section in SECTIONS)


def test_the_navigation_follows_the_sections_of_the_page(compared: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(compared, tmp_path / "out")
    drawn = [a["id"] for tag, a in page.elements if tag == "section"]
    links = [str(a["href"])[1:] for tag, a in page.elements if tag == "a" and (a.get("href") or "").startswith("#")]
    assert links[1 : 1 + len(drawn)] == drawn  # the first link skips to the content
    assert drawn == [section.anchor for section in SECTIONS if section.template and section.anchor != "metrics"]


def test_a_section_is_added_in_one_place(demo: FakeRunResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def extra(title: str, given: ReportInput) -> Iterator[MarkdownPart]:
        yield MarkdownPart(title, (f"{given.summary.n_cases} cases",))

    section = Section("extra", "One more section", "More", template="gallery.html.j2", markdown=extra)
    monkeypatch.setattr(sections, "SECTIONS", (*SECTIONS[:2], section, *SECTIONS[2:]))
    page = page_of(demo, tmp_path / "out")
    assert ("section", "extra") in [(tag, a.get("id")) for tag, a in page.elements]
    assert ("a", "#extra") in [(tag, a.get("href")) for tag, a in page.elements]
    assert "One more section" in page.text
    for text in (render_summary(demo), render_comment(demo)):
        assert "### One more section\n\n4 cases" in text


def test_a_section_without_data_is_left_out(demo: FakeRunResults, tmp_path: Path) -> None:
    ids = {a.get("id") for _, a in page_of(demo, tmp_path / "out").elements}
    assert not ids & {"regressions", "metrics"}
