"""The report in a real browser, from file://. Skipped where there is no Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evalkit.records import Role
from reports.html.exporter import HtmlExporter
from tests.reports.conftest import FakeRunResults

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
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
