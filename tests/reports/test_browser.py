"""The report in a real browser, from file://. Skipped where there is no Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.api.records import Role
from evalkit.reports.html.exporter import HtmlExporter
from tests.reports.conftest import FakeRunResults

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--enable-logging=stderr")


def opened(index: Path, hash_: str, profile: Path) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what the console said."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"{index.as_uri()}{hash_}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_a_case_shows_its_boxes_and_texts(demo: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(demo, tmp_path / "out")
    dom, console = opened(index, "#case=poster%2Fharbour-jazz&seed=0", tmp_path / "profile")
    assert console == []
    finding = next(demo.cases()).verdicts[Role.STUDENT][0].findings[0]
    drawn = [
        [float(v) for v in m] for m in re.findall(r'class="line" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', dom)
    ]
    box = finding.box
    assert [box.x0, box.y0, box.width, box.height] in drawn
    assert 'viewBox="0 0 512 640"' in dom
    assert "HARB<ins>0</ins>UR" in dom
    assert "server closed the connection" in dom
    assert "2 of 8" in dom  # the second worst


def test_hostile_text_does_nothing(hostile: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(hostile, tmp_path / "out")
    dom, console = opened(index, "#case=evil%2Fone&seed=0", tmp_path / "profile")
    assert console == []
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in dom
    assert 'src="x"' not in dom
    assert "1 of 1" in dom


def test_the_list_is_filtered_by_the_address(demo: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(demo, tmp_path / "out")
    dom, console = opened(index, "#kind=overlap", tmp_path / "profile")
    assert console == []
    assert "1 of 8 cases" in dom
    assert dom.count('class="row"') == 1


def test_regressions_come_first_with_their_badges(compared: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(compared, tmp_path / "out")
    dom, console = opened(index, "#cases", tmp_path / "profile")
    assert console == []
    assert "8 cases, regressions first" in dom
    badges = re.findall(r'class="badge is-([a-z-]+)"', dom)
    assert badges == [
        "regressed",
        "regressed",
        "new-failure",
        "still-failing",
        "fixed",
        "failing",
    ]  # the last one can't be compared


def test_a_filter_finds_what_is_read_later(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(many(450), tmp_path / "out")
    first = (index.parent / "data/index.js").read_text("ascii")
    assert "poster/00445" not in first
    dom, console = opened(index, "#q=poster%2F00445", tmp_path / "profile")
    assert console == []
    assert "1 of 450 cases" in dom
    dom, console = opened(index, "#case=poster%2F00445&seed=0", tmp_path / "profile")
    assert console == []
    assert "of 450" in dom
    assert "can't be shown" not in dom


def test_a_missing_part_of_the_list_is_said(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(many(450), tmp_path / "out")
    (index.parent / "data/rows-0001.js").unlink()
    dom, _ = opened(index, "#q=poster", tmp_path / "profile")
    assert "The list is not complete: data/rows-0001.js is missing" in dom


def test_a_filter_that_is_not_understood_says_so(demo: FakeRunResults, tmp_path: Path) -> None:
    index = HtmlExporter(HtmlExporter.Settings()).export(demo, tmp_path / "out")
    dom, console = opened(index, "#q=kind:typo+sevv>0.5", tmp_path / "profile")
    assert console == []
    assert "<code><bdi>sevv&gt;0.5</bdi></code> left out: <bdi>there is no “sevv” to filter by</bdi>" in dom
    assert 'aria-invalid="true"' in dom
    assert re.search(r'data-key="kind" aria-pressed="true"><bdi>typo</bdi>', dom)
    assert "4 of 8 cases" in dom


def test_one_file_alone_is_enough(demo: FakeRunResults, tmp_path: Path) -> None:
    exporter = HtmlExporter(HtmlExporter.Settings(single_file=True))
    moved = exporter.export(demo, tmp_path / "out").rename(tmp_path / "mailed.html")
    shutil.rmtree(tmp_path / "out")
    dom, console = opened(moved, "#case=poster%2Fharbour-jazz&seed=0", tmp_path / "profile")
    assert console == []
    assert re.search(r'<img [^>]*src="data:image/png;base64,', dom)
    assert "2 of 8" in dom
    dom, console = opened(moved, "#cases", tmp_path / "profile")
    assert console == []
    assert dom.count('class="thumb" src="data:image/webp;base64,') == 15  # eight pairs, one of them without a student


def test_one_file_under_its_cap_says_what_it_lacks(demo: FakeRunResults, tmp_path: Path) -> None:
    for sample in {s.sha256: s for r in demo.cases() for s in r.samples.values() if s.ok}.values():
        path = demo.picture_path(sample)
        path.write_bytes(path.read_bytes() + bytes(200_000))  # bytes after the end of a PNG
    exporter = HtmlExporter(HtmlExporter.Settings(single_file=True, single_file_cap_mb=1))
    file = exporter.export(demo, tmp_path / "out")
    dom, console = opened(file, "#case=poster%2Fopen-studio&seed=1", tmp_path / "profile")
    assert console == []
    assert "This file is held under 1 MB" in dom
    assert "left out of this file, to keep it small" in dom
