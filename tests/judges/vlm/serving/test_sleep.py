"""Sleep mode, with a fake server that has the two endpoints and one that does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evalkit.api.errors import ConfigError, UnavailableError
from evalkit.judges.vlm.serving import sleep, wake
from evalkit.plugins.registry import PluginSpec, create


class _Server(HTTPServer):
    def __init__(self, known: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.known = known
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200 if self.server.known else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture(params=[True])
def server(request: pytest.FixtureRequest) -> Iterator[_Server]:
    made = _Server(request.param)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}/v1"


def test_sleep_waits_for_calls_and_keeps_the_weights(server: _Server) -> None:
    sleep(url(server))
    wake(url(server))
    assert server.asked == ["/sleep?level=1&mode=wait", "/wake_up"]


@pytest.mark.parametrize("server", [False], indirect=True)
def test_a_server_that_can_not_sleep_gives_a_hint(server: _Server) -> None:
    with pytest.raises(UnavailableError, match="can't be put to sleep") as caught:
        sleep(url(server))
    assert "--sleep" in caught.value.hint
    assert "phases" in caught.value.hint


def test_sleep_without_a_server_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="ConnectError"):
        sleep("http://127.0.0.1:9/v1")


def test_a_judge_that_shares_the_gpu_waits_and_puts_its_server_to_sleep(server: _Server) -> None:
    judge = create("judges", PluginSpec("vlm", {"url": url(server), "model": "m", "share_gpu": "sleep"}))
    assert judge.after_generation
    judge.release_device()
    assert server.asked == ["/sleep?level=1&mode=wait"]
    phases = create("judges", PluginSpec("vlm", {"serve": "qwen3-vl-8b", "share_gpu": "phases"}))
    assert phases.after_generation
    phases.release_device()
    assert not create("judges", PluginSpec("vlm", {"url": url(server), "model": "m"})).after_generation
    with pytest.raises(ConfigError, match="share_gpu: sleep"):
        create("judges", PluginSpec("vlm", {"serve": "qwen3-vl-8b", "share_gpu": "sleep"}))
