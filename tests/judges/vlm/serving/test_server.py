"""Start and end of a server: it answers or the error says why not, and no process is left, whichever one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.judges.vlm.serving import serve
from evalkit.judges.vlm.serving.machine import Machine
from tests.judges.vlm.serving.conftest import Fake

CPU = Machine()
PROCESSES = 3
"""Processes of the fake: itself and two children, one of which leaves its process group."""


def test_a_server_answers_with_its_key_and_leaves_no_process(fake: Fake, tmp_path: Path) -> None:
    with serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=20) as server:
        assert server.alive()
        headers = {"Authorization": f"Bearer {server.api_key}"}
        assert httpx.get(f"{server.url}/models", headers=headers, trust_env=False).status_code == 200
        assert httpx.get(f"{server.url}/models", trust_env=False).status_code == 401
        fake.wait_until(PROCESSES)
        arguments = Path(f"/proc/{fake.started()[0]}/cmdline").read_text()
        assert server.api_key not in arguments
        log = server.log
    assert fake.alive() == []
    assert not log.exists()


def test_a_server_that_does_not_end_is_killed(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "stubborn")
    with serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=20):
        fake.wait_until(PROCESSES)
    assert fake.alive() == []


def test_an_error_in_the_context_ends_the_server(fake: Fake, tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=20, log=tmp_path / "log"),
    ):
        raise ZeroDivisionError
    assert fake.alive() == []


def test_a_server_that_dies_shows_its_log_and_a_hint(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "dies")
    with (
        pytest.raises(UnavailableError, match=r"(?s)status 1.*CUDA out of memory") as caught,
        serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=20, log=tmp_path / "log"),
    ):
        pass
    assert "smaller profile" in caught.value.hint


@pytest.mark.parametrize("mode", ["silent", "other"])  # says nothing; is no server of models
def test_a_server_that_never_answers_is_a_timeout(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("FAKE_VLLM", mode)
    with (
        pytest.raises(UnavailableError, match="did not answer within 1 s"),
        serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=1, log=tmp_path / "log"),
    ):
        pass
    assert fake.alive() == []


def test_no_process_is_left_when_the_owner_is_killed(fake: Fake, tmp_path: Path) -> None:
    owner = start_owner(fake, tmp_path)
    owner.kill()
    owner.wait()
    fake.wait_until(0)


def test_no_process_is_left_after_a_signal_to_owner_and_supervisor(fake: Fake, tmp_path: Path) -> None:
    owner = start_owner(fake, tmp_path)
    os.killpg(owner.pid, signal.SIGTERM)
    owner.wait()
    fake.wait_until(0)


def test_the_group_ends_when_the_supervisor_is_killed(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "group")
    with serve("judge-mini", str(tmp_path), fake.python, on=CPU, timeout=20) as server:
        fake.wait_until(2)
        os.kill(os.getsid(fake.started()[0]), signal.SIGKILL)
        fake.wait_until(1)  # vLLM itself dies with its parent
        assert not server.alive()
    fake.wait_until(0)


def start_owner(fake: Fake, folder: Path) -> subprocess.Popen[bytes]:
    """Starts another process that serves; returns once all processes of its server run."""
    program = f"""
        import time
        from pathlib import Path
        from evalkit.judges.vlm.serving import serve, server
        from evalkit.judges.vlm.serving.machine import Machine
        server._GRACE = 0.5
        with serve("judge-mini", {str(folder)!r}, Path({str(fake.python)!r}), on=Machine(), log=Path("log")):
            time.sleep(600)
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=folder, start_new_session=True)
    fake.wait_until(PROCESSES)
    return owner
