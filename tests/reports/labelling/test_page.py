"""The labelling page: what is in it, what it may do, what it saves; driven by its keys in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from pathlib import Path

import jsonschema
import pytest

from evalkit.api.errors import PictureError, UsageError
from evalkit.api.labels import LabelItem, LabelledPicture, LabelQuestion, LabelSheet, Sampling
from evalkit.api.records import Role, Task
from evalkit.reports.labelling.page import LabellingPage, PageSettings
from tests.reports.conftest import HOSTILE
from tests.reports.labelling.browser import Page, browsing
from tests.reports.posters import DESIGNS, draw_poster
from tests.reports.test_browser import CHROMIUM

SCHEMA = Path(__file__).parents[3] / "evalkit" / "studies" / "calibrate" / "labels.schema.json"
QUESTIONS = (
    LabelQuestion("vlm.quality", "scale", "technical quality"),
    LabelQuestion("vlm.text", "yesno", "every text as asked for"),
    LabelQuestion("vlm.preference", "pairwise", "student against teacher"),
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def drawn(folder: Path) -> tuple[LabelSheet, dict[str, Path]]:
    """Two single pictures with two questions each, and a pair: five questions."""
    files: dict[str, Path] = {}
    shown = []
    for role, typos in ((Role.STUDENT, {"HARBOUR": "HARB0UR"}), (Role.TEACHER, {})):
        png = draw_poster(DESIGNS[0], typos=typos).png
        sha = hashlib.sha256(png).hexdigest()
        files[sha] = folder / f"{role.value}.png"
        files[sha].write_bytes(png)
        shown.append(LabelledPicture(role, sha))
    single = [
        LabelItem("poster/jazz", 0, "a poster\nof jazz", Task.T2I, ("HARBOUR JAZZ",), (one,), (0, 1)) for one in shown
    ]
    pair = LabelItem("poster/jazz", 0, "a poster", Task.T2I, (), (shown[1], shown[0]), (2,), source=shown[0].sha256)
    return LabelSheet(QUESTIONS, (*single, pair), Sampling(7, 1, 9, 5), "posters", "d" * 64), files


def written(folder: Path, sheet: LabelSheet, files: dict[str, Path], **settings: int) -> Path:
    return LabellingPage(PageSettings(**settings)).write(sheet, files, folder / "labels.html")


def hostile_sheet(files: dict[str, Path]) -> LabelSheet:
    sha = next(iter(files))
    item = LabelItem("evil/one", 0, HOSTILE, Task.T2I, (HOSTILE,), (LabelledPicture(Role.STUDENT, sha),), (0,))
    return LabelSheet((LabelQuestion(HOSTILE, "scale", HOSTILE),), (item,), Sampling(0, 1, 1, 1), HOSTILE, "")


def test_only_its_own_script_and_style_may_run(tmp_path: Path) -> None:
    page = written(tmp_path, *drawn(tmp_path)).read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed
    assert "http" not in allowed
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for text in (script, style):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in allowed
    assert not re.search(r"\son\w+=", page.replace(script, "")), "no handlers in attributes"
    assert not re.search(r"https?://", page)


def test_pictures_are_in_it_byte_for_byte(tmp_path: Path) -> None:
    sheet, files = drawn(tmp_path)
    page = written(tmp_path, sheet, files).read_text("utf-8")
    found = re.findall(r'id="picture-(\w+)">"data:image/png;base64,([^"]+)"', page)
    assert {sha: hashlib.sha256(base64.b64decode(data)).hexdigest() for sha, data in found} == {s: s for s in files}


def test_a_page_too_large_is_not_written(tmp_path: Path) -> None:
    sheet, files = drawn(tmp_path)
    first = next(iter(files.values()))
    first.write_bytes(first.read_bytes() + bytes(1_000_000))
    with pytest.raises(UsageError, match="2 pictures make a page of 1 MB, at most 1 MB"):
        written(tmp_path, sheet, files, max_mb=1)
    assert not (tmp_path / "labels.html").exists()
    first.unlink()
    with pytest.raises(PictureError, match="No such file"):
        written(tmp_path, sheet, files)
    assert not (tmp_path / "labels.html").exists()


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    _, files = drawn(tmp_path)
    page = written(tmp_path, hostile_sheet(files), files).read_text("utf-8")
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert page.count("</script>") == 1 + 1 + len(files)


@pytest.mark.browser
@needs_browser
def test_hostile_text_does_nothing(tmp_path: Path) -> None:
    _, files = drawn(tmp_path)
    with browsing(tmp_path) as page:
        page.open(written(tmp_path, hostile_sheet(files), files).as_uri())
        assert page.text("count") == "0 of 1 answered"
        assert page.js("document.querySelectorAll('img').length") == 1
        assert "<img src=x onerror=alert(1)>" in page.text("prompt")
        page.press("5")
        assert page.text("count") == "1 of 1 answered"
        assert page.console == []


def press_name(page: Page, name: str) -> None:
    page.js("document.getElementById('rater').focus()")
    page.press(*name, "Enter")


def saved(page: Page, folder: Path) -> dict:
    """Save by the key; what was saved."""
    page.press("e")
    page.until("document.getElementById('status').textContent.includes('saved as')")
    name = page.text("status").split(" saved as ")[1].rstrip(".")
    file = folder / "downloads" / name
    deadline = time.monotonic() + 10
    while not file.is_file():
        assert time.monotonic() < deadline, "no file was saved"
        time.sleep(0.02)
    content = json.loads(file.read_text("utf-8"))
    file.unlink()
    return dict(content)


@pytest.mark.browser
@needs_browser
def test_labelled_by_keys_alone(tmp_path: Path) -> None:
    sheet, files = drawn(tmp_path)
    index = written(tmp_path, sheet, files)
    with browsing(tmp_path) as page:
        page.open(index.as_uri())
        assert page.text("where") == "Question 1 of 5"
        page.press("y", "9", "t")
        assert page.text("count") == "0 of 5 answered", "keys of other questions"
        page.press("e")
        assert "enter your name first" in page.text("status")
        press_name(page, "Ann B")
        page.press("c", *"soft", "Enter")
        page.press("4")
        assert page.text("where") == "Question 2 of 5"
        page.press("n")
        page.press("u", "y")
        page.press("ArrowRight", "n")  # the third is left out
        assert page.text("count") == "3 of 5 answered"
        assert page.js("document.querySelectorAll('figure:not(.source)').length") == 2
        assert page.js("document.querySelectorAll('figure.source').length") == 1
        page.press("b")
        assert "Question 3 was left out" in page.text("status")
        content = saved(page, tmp_path)
        jsonschema.validate(content, json.loads(SCHEMA.read_text("utf-8")))
        assert content["rater"] == "Ann B"
        assert content["sampling"] == {"seed": 7, "cases_drawn": 1, "cases_eligible": 9, "questions": 5}
        said = [(label["dimension"], label["value"], label["comment"]) for label in content["labels"]]
        assert said == [
            ("vlm.quality", 4, "soft"), ("vlm.text", "yes", ""), ("vlm.text", "no", ""), ("vlm.preference", "b", ""),
        ]  # fmt: skip
        shown = [[one["role"] for one in label["pictures"]] for label in content["labels"]]
        assert shown == [["student"], ["student"], ["teacher"], ["teacher", "student"]]
        page.press("ArrowLeft", "ArrowLeft", "Backspace")
        assert page.text("count") == "3 of 5 answered", "the last answer is taken back"
        assert page.console == []

        page.open("about:blank#away")
        page.open(index.as_uri())
        assert page.text("count") == "3 of 5 answered", "kept by the browser"
        assert page.js("document.getElementById('rater').value") == "Ann B"


@pytest.mark.browser
@needs_browser
def test_what_a_browser_kept_may_be_rubbish(tmp_path: Path) -> None:
    index = written(tmp_path, *drawn(tmp_path))
    with browsing(tmp_path) as page:
        page.open(index.as_uri())
        for kept in ("[]", "{", '{"answers": {"0": {"value": 99}, "77": {"value": 1}, "1": null}, "at": 1e9}'):
            name = "'evalkit-labels-' + JSON.parse(document.getElementById('sheet').textContent).page"
            page.js(f"localStorage.setItem({name}, {json.dumps(kept)})")
            page.open("about:blank#away")
            page.open(index.as_uri())
            assert page.text("count") == "0 of 5 answered"
        page.press("3")
        assert page.text("count") == "1 of 5 answered"
        assert page.console == []


@pytest.mark.browser
@needs_browser
def test_without_storage_it_works_and_says_so(tmp_path: Path) -> None:
    index = written(tmp_path, *drawn(tmp_path))
    with browsing(tmp_path) as page:
        refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } });"
        page.send("Page.addScriptToEvaluateOnNewDocument", source=refuse)
        page.open(index.as_uri())
        page.press("3", "y")
        assert page.text("count") == "2 of 5 answered"
        assert "save your labels as a file" in page.text("notice")
        press_name(page, "Bo")
        assert len(saved(page, tmp_path)["labels"]) == 2
        assert page.console == []


@pytest.mark.browser
@needs_browser
def test_nothing_sticks_out_of_a_telephone(tmp_path: Path) -> None:
    index = written(tmp_path, *drawn(tmp_path))
    with browsing(tmp_path) as page:
        page.send("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        page.open(index.as_uri())
        for _ in range(5):
            assert page.js("document.documentElement.scrollWidth") <= 390
            page.press("ArrowRight")
