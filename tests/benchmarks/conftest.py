from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SuiteFolder = Callable[..., Path]

HEADER = "name: mine\nversion: '1'\nlicence: CC0-1.0\ncases: cases.jsonl\n"


@pytest.fixture
def suite_folder(tmp_path: Path) -> SuiteFolder:
    """Writes a suite: lines are strings, bytes, or values for JSON; `header` replaces suite.yaml."""

    def write(*lines: object, header: str = HEADER) -> Path:
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        (folder / "suite.yaml").write_text(header, encoding="utf-8")
        rows = [
            line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
            for line in lines
        ]
        (folder / "cases.jsonl").write_bytes(b"".join(row + b"\n" for row in rows))
        return folder

    return write
