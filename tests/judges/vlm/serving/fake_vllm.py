"""A fake of vLLM's API server for tests of its start and end: same address, same key, similar child processes.

The environment variable FAKE_VLLM says how it behaves, FAKE_VLLM_PIDS names a file for the ids of its processes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

MODE = os.environ.get("FAKE_VLLM", "")


def note() -> None:
    with Path(os.environ["FAKE_VLLM_PIDS"]).open("a") as file:
        file.write(f"{os.getpid()}\n")


def worker(*, own_session: bool) -> None:
    """A child that, unless it is meek, ignores the signal to end. In a session of its own it also leaves the group."""
    if os.fork():
        return
    if own_session:
        os.setsid()
    if MODE != "meek":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note()
    while True:
        time.sleep(1)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        given = self.headers.get("Authorization") == f"Bearer {os.environ['VLLM_API_KEY']}"
        self.send_response(200 if given else 401)
        self.end_headers()
        listed = json.dumps({"data": [{"id": SERVED}]})
        self.wfile.write(("<html>" if MODE == "other" else listed).encode())

    def log_message(self, format: str, *args: object) -> None:
        return None


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--served-model-name", required=True)
given, _ = parser.parse_known_args()
SERVED = given.served_model_name
note()
if MODE == "dies":
    print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9 GiB (fake)")
    sys.exit(1)
worker(own_session=False)
if MODE != "group":
    worker(own_session=True)
if MODE == "silent":
    time.sleep(600)
if MODE == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
HTTPServer(("127.0.0.1", given.port), Handler).serve_forever()
