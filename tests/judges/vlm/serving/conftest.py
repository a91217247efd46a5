"""A Python whose vLLM is the fake."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.judges.vlm.serving import server as module

FAKE = Path(__file__).with_name("fake_vllm.py")


class Fake:
    """The Python that starts the fake, and the processes of the fake that run."""

    def __init__(self, folder: Path) -> None:
        self.pids = folder / "pids"
        self.python = folder / "python-with-fake-vllm"
        self.python.write_text(
            "#!/bin/sh\n"
            'if [ "$1" = "-c" ]; then echo 0.32.0; exit 0; fi\n'  # which version?
            f'shift 2; exec {sys.executable} {FAKE} "$@"\n'
        )
        self.python.chmod(self.python.stat().st_mode | stat.S_IXUSR)

    def started(self) -> list[int]:
        return [int(line) for line in self.pids.read_text().split()] if self.pids.exists() else []

    def alive(self) -> list[int]:
        return [pid for pid in self.started() if Path(f"/proc/{pid}").exists()]

    def wait_until(self, count: int, seconds: float = 20.0) -> None:
        """Wait until that many of its processes run."""
        deadline = time.monotonic() + seconds
        while len(self.alive()) != count:
            assert time.monotonic() < deadline, f"{len(self.alive())} of {len(self.started())} processes live"
            time.sleep(0.05)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    made = Fake(tmp_path)
    monkeypatch.setenv("FAKE_VLLM_PIDS", str(made.pids))
    monkeypatch.setattr(module, "_GRACE", 0.5)
    yield made
    made.wait_until(0)
