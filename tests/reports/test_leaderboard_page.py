"""The leaderboard for people."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evalkit.api.results import Outcome
from evalkit.reports.leaderboard.merge import Leaderboard
from tests.reports.conftest import HOSTILE, FakeRunResults
from tests.reports.leaderboard_runs import a_run
from tests.reports.test_browser import CHROMIUM, opened


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page(runs: dict[str, FakeRunResults], out: Path) -> Path:
    return Leaderboard(Leaderboard.Settings()).write(runs, (), out, formats=("html",)).files[0]


RUNS = {
    "a": a_run("first", (0.95, 0.91, 0.99)),
    "b": a_run("second", (0.90, 0.85, 0.95), nfe=None, seconds=None),
    "c": a_run("third", (0.5, 0.4, 0.6)),
    "d": a_run("silent", (None, None, None)),
    "e": a_run("broken", (0.99, 0.98, 1.0), outcome=Outcome.UNDECIDED),
}


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_says_everything_without_javascript(tmp_path: Path) -> None:
    text = plain(page(RUNS, tmp_path).read_text("utf-8"))
    assert "1–2 0.950 [0.910, 0.990] 8/8 scored" in text
    assert "3 0.500 [0.400, 0.600]" in text
    assert "no figure: 0 of 8 scored" in text
    assert "not counted" in text
    assert "not known" in text
    assert "its run is undecided: not ranked" in text
    assert "best rank is 1 plus the number of entries that are certainly better" in text
    assert text.index("first") < text.index("second") < text.index("third") < text.index("broken")


def test_says_what_separates_the_entries_and_who_is_not_ranked(demo: FakeRunResults, tmp_path: Path) -> None:
    text = plain(page({"a": a_run("a"), "b": a_run("b", scored=1)}, tmp_path / "two").read_text("utf-8"))
    assert "not ranked: only 1 of 8 cells were scored; a rank takes 80 %" in text
    text = plain(page({"demo": demo}, tmp_path / "demo").read_text("utf-8"))
    assert "all pairs of entries were compared case by case" in text
    assert "worse than its teacher −0.081" in text or "worse than its teacher -0.081" in text


def test_is_one_folder_without_network(tmp_path: Path) -> None:
    index = page(RUNS, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["leaderboard.css", "leaderboard.html", "leaderboard.js"]
    text = index.read_text("utf-8")
    links = [a.get("href") or a.get("src") for tag, a in Tags(text).found if tag in ("link", "script", "img", "a")]
    assert links == ["leaderboard.css", "leaderboard.js"]
    assert "default-src 'none'" in text
    assert "url(" not in (tmp_path / "leaderboard.css").read_text()


def test_hostile_text_stays_text(hostile: FakeRunResults, tmp_path: Path) -> None:
    run = replace(hostile.run, created="2026-11-23T06:40:00Z", run_digest=HOSTILE)
    tags = Tags(page({HOSTILE: replace(hostile, run=run)}, tmp_path).read_text("utf-8")).found
    assert [a for tag, a in tags if tag == "script"] == [{"defer": None, "src": "leaderboard.js"}]
    assert "img" not in {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]


def test_bars_lie_where_the_figures_do(tmp_path: Path) -> None:
    runs = {"a": a_run("a", (0.5, 0.4, 0.6)), "b": a_run("b", (0.9, 0.8, 1.0))}
    text = page(runs, tmp_path).read_text("utf-8")
    (low, high) = re.findall(r'class="ends"><span>([^<]+)</span><span>([^<]+)</span>', text)[0]
    assert (float(low), float(high)) == (0.34, 1.0)  # a tenth beyond what they span, but not beyond the possible
    bars = [(float(a), float(b)) for a, b in re.findall(r'class="ci" x1="(\S+)" x2="(\S+)"', text)]
    assert bars[0][1] == pytest.approx(4 + 124)
    assert bars[1] == pytest.approx((4 + 124 * 0.06 / 0.66, 4 + 124 * 0.26 / 0.66), abs=0.02)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_columns_sort_with_what_is_missing_last(tmp_path: Path) -> None:
    index = page(RUNS, tmp_path)
    clicks = "document.querySelectorAll('thead button')[3].click();"  # words, best first, now worst first
    driven = index.with_name("driven.html")
    (tmp_path / "click.js").write_text(f"addEventListener('load', () => {{ {clicks} }});")
    driven.write_text(index.read_text("utf-8").replace("</head>", '<script defer src="click.js"></script></head>'))
    dom, console = opened(driven, "", tmp_path / "profile")
    assert console == []
    names = re.findall(r'<th scope="row" data-value="([^"]*)"', dom)
    assert names == ["third", "second", "first", "broken", "silent"]
    assert dom.count('aria-sort="ascending"') == 1
