"""The small pictures of the list."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evalkit.api.errors import PictureError
from evalkit.api.pictures import encode_png, thumbnail
from evalkit.api.records import Role, SourceImage
from evalkit.reports.html import shelf as shelf_module
from evalkit.reports.html.exporter import HtmlExporter
from evalkit.reports.html.shelf import PictureShelf
from evalkit.reports.html.thumbs import EDGE, SMALL, Thumbnails
from tests.reports.conftest import FakeRunResults, store
from tests.reports.test_html import columns

SETTINGS = HtmlExporter.Settings()


def value(part: dict[str, Any], name: str, row: int) -> Any:
    return part[name][row] if isinstance(part[name], list) else part[name]


def test_the_source_of_many_edits_is_read_once(
    demo: FakeRunResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "before.png"
    file.write_bytes(encode_png(np.zeros((20, 30, 3), np.uint8)))
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    read = []
    monkeypatch.setattr(shelf_module, "read_file", lambda path: read.append(path) or path.read_bytes())
    with PictureShelf(tmp_path / "report", demo) as shelf:
        placed = [shelf.place_source(SourceImage(str(file), sha)) for _ in range(5)]
        changed = shelf.place_source(SourceImage(str(file), "0" * 64))
    assert [(one.file.name, one.size) for one in placed] == [(f"{sha}.png", (30, 20))] * 5
    assert "has changed" in changed.file.missing
    assert len(read) == 2, "once for each hash that is given"


def test_the_list_shows_small_pictures(demo: FakeRunResults, tmp_path: Path) -> None:
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    report = tmp_path / "out/report"
    (part,) = columns(report / "data")
    results = list(demo.cases())
    for row, at in enumerate(part["at"]):
        sample = results[at].samples[Role.STUDENT]
        name = value(part, "student", row)
        assert bool(name) == sample.ok
        if name:
            assert sample.sha256.startswith(name)
            with Image.open(report / f"thumbs/{name}.webp") as small:
                assert max(small.size) == EDGE
                assert small.size[0] / small.size[1] == pytest.approx(512 / 640, abs=0.01)


def test_a_small_picture_is_its_own_thumbnail(demo: FakeRunResults, tmp_path: Path) -> None:
    sha = store(demo.folder, encode_png(np.full((SMALL, 64, 3), 90, dtype=np.uint8)))
    result = next(demo.cases())
    sample = replace(result.samples[Role.STUDENT], sha256=sha, width=64, height=SMALL)
    demo.make = lambda: iter([replace(result, samples={Role.STUDENT: sample})])
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    assert not list((tmp_path / "out/report/thumbs").iterdir())
    (part,) = columns(tmp_path / "out/report/data")
    assert value(part, "student", 0) == f"{sha}.png"


def test_a_broken_picture_has_no_thumbnail(demo: FakeRunResults, tmp_path: Path) -> None:
    sha = store(demo.folder, b"\x89PNG\r\n\x1a\n broken")
    result = next(demo.cases())
    sample = replace(result.samples[Role.STUDENT], sha256=sha)
    demo.make = lambda: iter([replace(result, samples={**result.samples, Role.STUDENT: sample})])
    HtmlExporter(SETTINGS).export(demo, tmp_path / "out")
    (part,) = columns(tmp_path / "out/report/data")
    assert value(part, "student", 0) == ""
    assert value(part, "teacher", 0)


def test_pictures_whose_hashes_begin_alike_are_told_apart(tmp_path: Path) -> None:
    colours = {}
    with Thumbnails(tmp_path / "thumbs") as thumbs:
        for red, sha in ((10, "a" * 64), (240, "a" * 63 + "b"), (10, "a" * 64)):
            picture = tmp_path / f"{red}.png"
            picture.write_bytes(encode_png(np.full((300, 300, 3), red, dtype=np.uint8)))
            colours[sha] = (thumbs.add(picture, sha), red)
    assert len(list((tmp_path / "thumbs").iterdir())) == 2
    for name, red in colours.values():
        with Image.open(tmp_path / f"thumbs/{name}.webp") as small:
            assert small.convert("RGB").getpixel((50, 50))[0] == pytest.approx(red, abs=6)  # type: ignore[index]


def test_a_bug_in_a_thread_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: bytes, edge: int) -> bytes:
        raise RuntimeError("a bug")

    monkeypatch.setattr("evalkit.reports.html.thumbs.thumbnail", fails)
    picture = tmp_path / "one.png"
    picture.write_bytes(b"x")
    with pytest.raises(RuntimeError, match="a bug"), Thumbnails(tmp_path / "thumbs") as thumbs:
        thumbs.add(picture, "c" * 64)


def test_a_picture_larger_than_is_safe_is_not_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    with pytest.raises(PictureError, match="too large"):
        thumbnail(buffer.getvalue(), EDGE)
