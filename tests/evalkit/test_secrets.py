"""Keys reach the server they are for and nothing else, through the real command."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import encode_png
from tests.evalkit.conftest import Command
from tests.student.fake_image_server import FakeImageServer

pytestmark = pytest.mark.slow

KEY = "sk-a-very-secret-key-0123456789"
PICTURE = encode_png(np.full((16, 16, 3), 90, np.uint8))


def run(evalkit: Command, server: FakeImageServer, variable: str, *more: str, **environment: str):
    student = f"http:{server.url},model=m,api_key_env={variable}"
    arguments = ["--benchmark", "fake-benchmark", "--limit", "4", "--teacher", "none", "--judge", "fake-brightness"]
    return evalkit("run", *arguments, "--student", student, "--out", "out", *more, env={variable: KEY, **environment})


@pytest.fixture
def server():
    server = FakeImageServer(PICTURE)
    yield server
    server.close()


def written(folder: Path) -> list[Path]:
    """The files that hold the key."""
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_config_that_names_another_variable_is_refused_before_anything_starts(
    evalkit: Command, server: FakeImageServer
) -> None:
    done = run(evalkit, server, "AWS_SECRET_ACCESS_KEY")
    assert done.returncode == 2, done.stderr
    assert "--allow-key-variable AWS_SECRET_ACCESS_KEY" in done.stderr
    assert not server.asked


def test_the_flag_allows_it(evalkit: Command, server: FakeImageServer) -> None:
    done = run(evalkit, server, "MY_SERVERS_KEY", "--allow-key-variable", "MY_SERVERS_KEY")
    assert done.returncode == 0, done.stderr
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_host_that_is_not_listed_gets_no_key(evalkit: Command, server: FakeImageServer) -> None:
    done = run(evalkit, server, "EVALKIT_MINE", EVALKIT_KEY_HOSTS="images.example.com")
    assert done.returncode == 2, done.stderr
    assert "EVALKIT_KEY_HOSTS" in done.stderr
    assert not server.asked


def test_a_key_that_the_server_repeats_is_in_no_file(evalkit: Command, server: FakeImageServer, tmp_path: Path) -> None:
    picture = {"b64_json": base64.b64encode(PICTURE).decode(), "revised_prompt": f"a cat with {KEY}"}
    refusal = json.dumps({"error": {"message": f"your key {KEY} is odd"}}).encode()
    server.script = [(200, {}, json.dumps({"data": [picture]}).encode()), (400, {}, refusal)]
    done = run(evalkit, server, "EVALKIT_MINE")
    assert done.returncode in (0, 3), done.stderr
    assert KEY not in done.stdout + done.stderr
    assert (tmp_path / "out" / "run.sqlite").is_file()
    assert written(tmp_path / "out") == []


def test_a_key_in_the_address_is_refused(evalkit: Command, server: FakeImageServer, tmp_path: Path) -> None:
    student = f"http:{server.url}?api_key={KEY},model=m"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", student, "--teacher", "none", "--out", "out")
    assert done.returncode == 2, done.stderr
    assert "api_key_env" in done.stderr
    assert KEY not in done.stderr
    assert not (tmp_path / "out").exists()
