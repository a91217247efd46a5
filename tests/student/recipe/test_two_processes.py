"""Two processes on the CPU (gloo), with the variables that `accelerate launch` sets."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.student.recipe.recipes import distillation, teaching, write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.mark.nightly
def test_two_processes_train_one_student_and_resume_bit_equal(checkpoints, tmp_path):
    import torch

    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this build of torch has no gloo")
    # one draws while the other edits: the vision tower then has gradients in one process only
    write(tmp_path, teaching(checkpoints / "q21", steps=3, lr=1e-2), "teach")
    write(tmp_path, distillation(checkpoints / "q21", steps=2, lora={"rank": 2}, lr=1e-2), "distill")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
    }
    shared |= {"ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.student.recipe.one_process", str(tmp_path)],
            cwd=ROOT,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        answers = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], answers[0][1][-2000:] + answers[1][1][-2000:]
    first, second = (json.loads(out.splitlines()[-1]) for out, _ in answers)
    for kind in ("teach", "distill"):
        one, other = first[kind], second[kind]
        assert one["whole"] == other["whole"]
        assert one["losses"] != other["losses"]  # each has batches and noise of its own
        assert (one["main"], other["main"]) == (True, False)
        assert (tmp_path / f"{kind}-whole" / "model" / "model_index.json").is_file()
    for answer in (first["distill"], second["distill"]):
        assert answer["parts"] == answer["whole"]
        assert answer["stopped"] == [1, 1]
