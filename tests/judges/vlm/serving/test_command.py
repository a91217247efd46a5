"""`evalkit judge serve`, as a user would call it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.judges.vlm.serving.conftest import Fake


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "evalkit", "judge", "serve", *map(str, arguments)]


def test_the_command_prints_how_to_use_the_server_and_runs_until_ctrl_c(fake: Fake, tmp_path: Path) -> None:
    given = ("judge-mini", "--model", tmp_path, "--vllm-python", fake.python)
    # no GPU for the fake, wherever the tests run
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "FAKE_VLLM": "meek"}
    with subprocess.Popen(command(*given), stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(5)]
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    url = next(line.split()[1] for line in said if line.startswith("url"))
    assert url.startswith("http://127.0.0.1:")
    assert any(f"--judge vlm:url={url},model=judge-mini" in line for line in said)
    assert any("EVALKIT_JUDGE_API_KEY=" in line for line in said)
    assert fake.alive() == []


def test_a_server_that_can_not_be_started_is_exit_3(tmp_path: Path) -> None:
    given = ("judge-mini", "--model", tmp_path, "--vllm-python", tmp_path / "none")
    done = subprocess.run(command(*given), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "make vllm" in done.stderr
    wrong = subprocess.run(command("judge-minni"), capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert "did you mean `judge-mini`" in wrong.stderr
