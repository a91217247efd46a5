"""The HTML report as files: what it says, what it holds, what it refuses to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evalkit.api.records import Role, Status
from evalkit.api.results import CaseResult, Interval
from evalkit.reports.escape import visible
from evalkit.reports.html.differences import mark_differences
from evalkit.reports.html.exporter import HtmlExporter
from tests.reports.conftest import HOSTILE, FakeRunResults

SETTINGS = HtmlExporter.Settings()


class Page(HTMLParser):
    """The text of a page, and its elements with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {' '.join(data.split())}"


def page_of(results: FakeRunResults, out: Path, settings: HtmlExporter.Settings = SETTINGS) -> Page:
    return Page(HtmlExporter(settings).export(results, out).read_text("utf-8"))


def call(path: Path) -> Any:
    """The JSON value that a data script hands over."""
    text = path.read_text("ascii").replace(",\n]", "\n]")
    start = text.index("{") if "index(" in text[:30] else text.index("[")
    return json.loads(text[start : text.rindex(")")])


def listing(data: Path) -> Any:
    """What the index says of the whole list."""
    text = (data / "index.js").read_text("ascii")
    return json.JSONDecoder().raw_decode(text, text.index("index(") + len("index("))[0]


def columns(data: Path) -> list[dict[str, Any]]:
    """The columns of every part of the list, the worst cases first; a column of one value is that value."""
    parts = []
    for file in [data / "index.js", *sorted(data.glob("rows-*.js"))]:
        text = file.read_text("ascii")
        start = text.find("evalkit.data.rows(")
        if start >= 0:
            parts.append(json.JSONDecoder().raw_decode(text, text.index(",", start) + 1)[0])
    return parts


def case_of(out: Path, position: int) -> Any:
    return call(out / "report/data/cases-0000.js")[position]


def test_says_the_verdict_without_javascript(demo: FakeRunResults, tmp_path: Path) -> None:
    text = page_of(demo, tmp_path / "out").text
    for said in ("Failed", "flash-mini does not hold its gates against base-mini", "0.05 is allowed", "18.9×"):
        assert said in text
    assert "at most 0.05 below the teacher" in text
    assert "needs 310 cases to tell 0.01" in text
    assert "3 of 3 judged correctly" in text
    assert "99.9 %" in text  # 0.99951 of the cells: not all of them, so not 100 %
    assert "7/8 scored" in text


def test_no_gate_is_said_aloud(demo: FakeRunResults, tmp_path: Path) -> None:
    demo.run = replace(demo.run, gates=())
    assert "No gate configured" in page_of(demo, tmp_path / "out").text


def test_a_missing_figure_is_never_a_number(demo: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(demo, tmp_path / "out")
    assert page.text.count("no figure: 0 of 8 scored") == 2
    for role in case_of(tmp_path / "out", 0)["roles"]:
        for _, _, status, shown, reason in role["scores"]:
            assert (shown is not None) == (status == Status.SCORED)
            assert reason or status == Status.SCORED


def test_a_figure_without_interval_says_so(demo: FakeRunResults, tmp_path: Path) -> None:
    first = demo.run.dimensions[0]
    lone = replace(first, estimate=Interval(0.5, None, None, 1), difference=Interval(-0.1, None, None, 1))
    demo.run = replace(demo.run, dimensions=(lone,))
    text = page_of(demo, tmp_path / "out").text
    assert text.count("(no interval)") == 2
    assert "not significant" in text


def test_nothing_inline_and_nothing_from_elsewhere(demo: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(demo, tmp_path / "out")
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert all(a.get("src") for t, a in page.elements if t == "script")
    assert not any(name.startswith("on") or name == "style" for _, a in page.elements for name in a)
    for file in (tmp_path / "out/report").rglob("*"):
        if file.suffix in {".html", ".js", ".css"}:
            text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http:" not in text, file
            assert "https:" not in text, file
            assert "innerHTML" not in text, file


def test_the_folder_alone_is_enough(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(tmp_path / "out/report", moved)
    page = Page((moved / "index.html").read_text("utf-8"))
    links = [a.get("src") or a.get("href") or "" for t, a in page.elements if t in {"script", "link"}]
    for link in links:
        assert link.startswith("data:") or (moved / link).is_file(), link
    assert listing(moved / "data")["total"] == 8
    shown = {role["picture"] for i in range(8) for role in case_of(tmp_path / "out", i)["roles"] if role["picture"]}
    assert shown
    for name in shown:
        assert (moved / "pictures" / name).is_file(), name


def test_pictures_are_hard_links(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    for picture in (tmp_path / "out/report/pictures").iterdir():
        assert picture.samefile(demo.folder / picture.name)


def test_pictures_are_copied_where_links_fail(
    demo: FakeRunResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    copies = list((tmp_path / "out/report/pictures").iterdir())
    assert copies
    assert all(c.read_bytes() == (demo.folder / c.name).read_bytes() for c in copies)


def test_a_missing_picture_shows_its_reason(demo: FakeRunResults, tmp_path: Path) -> None:
    first = next(demo.cases()).samples[Role.STUDENT]
    demo.picture_path(first).unlink()
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    gone, failed = case_of(tmp_path / "out", 0)["roles"][0], case_of(tmp_path / "out", 7)["roles"][0]
    assert gone["picture"] == ""
    assert "can't be read" in gone["missing"]
    assert failed["missing"] == "CUDA out of memory at step 3 of 4"


def test_a_picture_name_can_not_leave_the_folder(demo: FakeRunResults, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not yours")
    result = next(demo.cases())
    sample = replace(result.samples[Role.STUDENT], sha256="../../secret")
    demo.make = lambda: iter([replace(result, samples={Role.STUDENT: sample})])
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    assert not list((tmp_path / "out/report/pictures").iterdir())
    assert "no usable file" in case_of(tmp_path / "out", 0)["roles"][0]["missing"]


def test_hostile_text_is_text(hostile: FakeRunResults, tmp_path: Path) -> None:
    page = page_of(hostile, tmp_path / "out")
    assert not [t for t, _ in page.elements if t == "img"]
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    assert f"{visible(HOSTILE)} does not hold its gates" in page.text
    for file in (tmp_path / "out/report/data").iterdir():
        code = file.read_bytes()
        assert not set(code) & set(b"<>&"), file
        assert max(code) < 128, file
    case = case_of(tmp_path / "out", 0)
    assert case["prompt"].startswith(visible(HOSTILE))
    assert case["prompt"].endswith("more characters)")
    assert case["roles"][0]["findings"][0]["message"] == visible(HOSTILE)
    assert "".join(piece for piece, _ in case["roles"][0]["texts"][0][1][0]["expected"]) == visible(HOSTILE)
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text


@pytest.mark.nightly
def test_many_cases_stay_small_and_in_chunks(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    index = HtmlExporter(SETTINGS).export(many(3000), tmp_path / "out")
    assert index.stat().st_size < 100_000
    data = tmp_path / "out/report/data"
    assert len(list(data.glob("cases-*.js"))) == 30
    assert listing(data)["total"] == 3000
    parts = columns(data)
    assert len(parts[0]["id"]) == 200, "the worst cases come with the page"
    assert sum(len(part["id"]) for part in parts) == 3000
    assert (data / "index.js").stat().st_size < 1_000_000
    last = call(data / "cases-0029.js")
    assert len(last) == 100
    assert last[-1]["id"] == "poster/02999"


def test_an_export_that_fails_leaves_the_old_report(demo: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    before = index.read_text("utf-8")
    first = next(demo.cases())

    def broken() -> Iterator[CaseResult]:
        yield first
        raise RuntimeError("disk on fire")

    demo.make = broken
    with pytest.raises(RuntimeError, match="disk on fire"):
        HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    assert index.read_text("utf-8") == before
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report"]


def test_a_second_export_replaces_the_first(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    stale = tmp_path / "out/report/data/cases-0077.js"
    stale.write_text("stale")
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    assert not stale.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "pictures"]


def test_the_command_picks_the_case(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    command = f"{demo.run.command} --case poster/harbour-jazz --out runs/one-case"
    assert case_of(tmp_path / "out", 0)["command"] == command


@pytest.mark.parametrize(
    ("expected", "read", "missing", "added"),
    [
        ("Sleeper", "Sleper", "e", ""),
        ("HARBOUR", "HARB0UR", "O", "0"),
        ("same", "same", "", ""),
        ("lost", "", "lost", ""),
        ("x" * 1000, "y", "x" * 1000, "y"),
    ],
)
def test_differences_are_marked_to_the_character(expected: str, read: str, missing: str, added: str) -> None:
    left, right = mark_differences(expected, read)
    assert ("".join(t for t, _ in left), "".join(t for t, _ in right)) == (expected, read)
    assert "".join(t for t, differs in left if differs) == missing
    assert "".join(t for t, differs in right if differs) == added


def test_a_run_without_teacher_and_one_without_cases(demo: FakeRunResults, tmp_path: Path) -> None:
    student = Role.STUDENT
    calm = demo.run
    demo.run = replace(
        calm,
        generators=calm.generators[:1],
        dimensions=tuple(replace(d, difference=None) for d in calm.dimensions if d.role is student),
    )
    alone = [
        replace(r, samples={student: r.samples[student]}, verdicts={student: r.verdicts.get(student, ())})
        for r in demo.cases()
    ]
    demo.make = lambda: iter(alone)
    text = page_of(demo, tmp_path / "alone").text
    assert "not paired" in text
    assert "flash-mini does not hold its gates " in f"{text} "
    assert [r["role"] for r in case_of(tmp_path / "alone", 0)["roles"]] == ["student"]
    missing = dict(listing(tmp_path / "alone/report/data")["names"]["is"])
    assert missing["no teacher picture"] == 0, "no teacher was asked, so none is missing"
    demo.make = lambda: iter(())
    assert page_of(demo, tmp_path / "none").elements
    assert listing(tmp_path / "none/report/data")["total"] == 0
