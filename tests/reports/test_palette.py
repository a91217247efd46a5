"""Every page takes its colours from one palette."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.reports.html.bundle import asset_names, asset_text
from evalkit.reports.palette import palette
from tests.reports import test_frontier, test_leaderboard_page
from tests.reports.labelling import test_page

REPORTS = Path(__file__).parents[2] / "reports"
SET, USED = re.compile(r"(?<![\w(-])(--[a-z-]+):"), re.compile(r"var\((--[a-z-]+)")


def of_the_report(out: Path) -> str:
    return "".join(asset_text(name) for name in asset_names() if name.endswith(".css"))


def of_the_leaderboard(out: Path) -> str:
    return test_leaderboard_page.page(test_leaderboard_page.RUNS, out).with_name("leaderboard.css").read_text("utf-8")


def of_the_frontier(out: Path) -> str:
    test_frontier.written(test_frontier.WHOLE, out)
    return (out / "frontier" / "frontier.css").read_text("utf-8")


def of_the_labelling_page(out: Path) -> str:
    page = test_page.written(out, *test_page.drawn(out)).read_text("utf-8")
    return page[page.index("<style>") : page.index("</style>")]


PAGES = (of_the_report, of_the_leaderboard, of_the_frontier, of_the_labelling_page)


@pytest.mark.parametrize("style", PAGES)
def test_every_page_has_the_palette_and_nothing_without_a_value(style: Callable[[Path], str], tmp_path: Path) -> None:
    text = style(tmp_path)
    assert palette() in text
    assert set(USED.findall(text)) <= set(SET.findall(text))


def test_only_paper_has_other_colours() -> None:
    shared = set(SET.findall(palette()))
    assert {"--bg", "--ink", "--sans"} <= shared
    changed = {sheet.name for sheet in REPORTS.glob("*/assets/*.css") if shared & set(SET.findall(sheet.read_text()))}
    assert changed == {"print.css"}
