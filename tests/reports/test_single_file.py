"""`report.html`: one file with everything in it, up to a size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.api.records import Role
from evalkit.reports.html.data import ReportData
from evalkit.reports.html.exporter import HtmlExporter
from evalkit.reports.html.shelf import PictureShelf
from evalkit.reports.html.single import Contents, choose
from tests.reports.conftest import HOSTILE, FakeRunResults
from tests.reports.test_html import Page

BLOCK = re.compile(r'<script type="application/json" id="([^"]+)">([^<]*)</script>')


def exported(results: FakeRunResults, out: Path, cap_mb: int = 50) -> Path:
    return HtmlExporter(HtmlExporter.Settings(single_file=True, single_file_cap_mb=cap_mb)).export(results, out)


def blocks(file: Path) -> dict[str, str]:
    return dict(BLOCK.findall(file.read_text("utf-8")))


def test_everything_is_in_the_one_file(compared: FakeRunResults, tmp_path: Path) -> None:
    file = exported(compared, tmp_path / "out")
    assert file == tmp_path / "out/report.html"
    assert (tmp_path / "out/report/index.html").is_file()
    page = Page(file.read_text("utf-8"))
    assert not any(a.get("src") for t, a in page.elements if t != "img")
    assert not [a for t, a in page.elements if t == "link" and a.get("rel") == "stylesheet"]
    held = blocks(file)
    assert json.loads(held["data/index"])["total"] == 8
    for result in compared.cases():
        before = [result.change.baseline_sample] if result.change and result.change.baseline_sample else []
        for sample in (*result.samples.values(), *before):
            if sample.ok:
                data = base64.b64decode(held[f"pictures/{sample.sha256}.png"])
                assert data == compared.picture_path(sample).read_bytes()
    assert "leaves out" not in page.text


def test_the_policy_allows_just_these_scripts_and_styles(demo: FakeRunResults, tmp_path: Path) -> None:
    text = exported(demo, tmp_path / "out").read_text("utf-8")
    page = Page(text)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    inline = re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL)
    assert {tag for tag, _ in inline} == {"script", "style"}
    for tag, code in inline:
        digest = base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
        allowed = policy[policy.index(f"{tag}-src") :].split(";")[0]
        assert f"'sha256-{digest}'" in allowed
    assert policy.count("'sha256-") == len(inline)


@pytest.mark.nightly
def test_a_small_file_keeps_the_worst(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    results = many(2500)
    file = exported(results, tmp_path / "out", cap_mb=1)
    assert file.stat().st_size <= 1_000_000
    held = blocks(file)
    total = json.loads(held["data/index"])["total"]
    assert 0 < total < 2500
    first = json.loads(held["data/rows/0"])
    severities = [
        max((f["severity"] for role in json.loads(held[name])["roles"] for f in role["findings"]), default=0)
        for name in held
        if name.startswith("data/case/")
    ]
    assert severities
    assert min(severities) == 0.9, "the worst poster is repeated often enough to fill the file"
    details = [int(name.rsplit("/", 1)[1]) for name in held if name.startswith("data/case/")]
    assert details == first["at"][: len(details)]
    text = " ".join(Page(file.read_text("utf-8")).text.split())
    said = re.search(
        r"under 1 MB\. Of 2,500 cases it leaves out the pictures of ([\d,]+), the details of ([\d,]+)", text
    )
    assert said
    assert int(said[2].replace(",", "")) == 2500 - len(details)
    assert f"any mention of {2500 - total:,}" in text


@pytest.mark.nightly
def test_the_list_itself_may_not_fit(many: Callable[[int], FakeRunResults], tmp_path: Path) -> None:
    results = many(2500)
    with ReportData(tmp_path / "data", results.run, 100) as data:
        with PictureShelf(tmp_path / "report", results) as shelf:
            for result in results.cases():
                data.add(result, shelf)
        data.finish(())
        assert choose(0, tmp_path / "report", data, ()) == Contents()
        contents = choose(150_000, tmp_path / "report", data, ())
    assert contents.rows == 200
    assert "any mention of 2,300" in contents.left_out(2500, 1_000_000)
    assert contents.cases
    assert len(contents.cases) < 100


def test_pictures_that_do_not_fit_are_counted(demo: FakeRunResults, tmp_path: Path) -> None:
    for sample in {s.sha256: s for r in demo.cases() for s in r.samples.values() if s.ok}.values():
        path = demo.picture_path(sample)
        path.write_bytes(path.read_bytes() + bytes(150_000))  # bytes after the end of a PNG
    file = exported(demo, tmp_path / "out", cap_mb=1)
    assert file.stat().st_size <= 1_000_000
    pictures = [name for name in blocks(file) if name.startswith("pictures/")]
    assert pictures
    worst = max(
        demo.cases(),
        key=lambda r: max((f.severity for v in r.verdicts.get(Role.STUDENT, ()) for f in v.findings), default=0),
    )
    assert f"pictures/{worst.samples[Role.STUDENT].sha256}.png" in pictures
    left = re.search(r"Of 8 cases it leaves out the pictures of (\d)", Page(file.read_text("utf-8")).text)
    assert left
    assert 0 < int(left[1]) < 8


def test_hostile_text_stays_in_its_block(hostile: FakeRunResults, tmp_path: Path) -> None:
    file = exported(hostile, tmp_path / "out")
    page = Page(file.read_text("utf-8"))
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    assert not [t for t, _ in page.elements if t == "img"]
    assert HOSTILE[: HOSTILE.index(">'")] not in file.read_text("utf-8")
    assert json.loads(blocks(file)["data/case/0"])["id"] == "evil/one"


@pytest.mark.parametrize("cap", [0, 501])
def test_a_cap_without_sense_is_refused(cap: int) -> None:
    with pytest.raises(ValueError, match="single_file_cap_mb"):
        HtmlExporter.Settings(single_file_cap_mb=cap)
