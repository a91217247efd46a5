"""HostileServer: a fake vision-language server on a local port that misbehaves on command.

`server.script` holds what the next requests get, one entry each: an `Act`, made by the functions below. When it is
empty, `server.always` answers. A good answer fits the schema it was asked for, with token probabilities.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = 'Reply {"answer": "yes"}.'
"""The question by which `evalkit doctor`, and a run before its work, see whether a server answers."""


class Asked:
    """One request as the server saw it."""

    def __init__(self, headers, body):
        self.headers, self.at = headers, time.monotonic()
        self.body = json.loads(body)

    @property
    def text(self):
        """The text part, which comes last."""
        return self.body["messages"][-1]["content"][-1]["text"]

    @property
    def parts(self):
        return [part["type"] for part in self.body["messages"][-1]["content"]]


class HostileServer:
    def __init__(self, always=None):
        self.script, self.asked = [], []
        self.models = None  # what `/v1/models` lists; None: there is no such list
        self.always = always or good()
        self.greeting = good()  # what the question of a check gets, which is not in `asked`
        self.under_way = self.most_under_way = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._serve(self)

            def do_GET(self):
                listed = None if outer.models is None else {"object": "list", "data": outer.models}
                send(self, json.dumps(listed or {"error": "no such thing"}).encode(), 200 if listed else 404)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.request_queue_size = 64
        self._server.handle_error = lambda *_: None  # connections are dropped on purpose
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self, handler):
        asked = Asked(handler.headers, handler.rfile.read(int(handler.headers.get("Content-Length", 0))))
        if asked.text == GREETING:
            self.greeting(handler, asked)
            return
        with self._lock:
            self.asked.append(asked)
            act = self.script.pop(0) if self.script else self.always
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            act(handler, asked)
        finally:
            with self._lock:
                self.under_way -= 1


# ----------------------------------------------------------------------------------------------------------------- acts


def send(handler, body, status=200, headers=None, length=None):
    handler.send_response(status)
    for name, value in ({"Content-Length": str(length or len(body))} | (headers or {})).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def smallest(schema):
    """The smallest value that fits a schema of ours."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {name: smallest(part) for name, part in schema["properties"].items()}
    return {"array": [], "string": "", "integer": 0}[schema["type"]]


def envelope(asked, text, *, finish="stop", logprobs=None, **over):
    """The body of an answer in vLLM's form."""
    return {
        "id": f"chatcmpl-{asked.headers['X-Request-Id']}",
        "object": "chat.completion",
        "created": 1,
        "model": asked.body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text},
                "logprobs": {"content": logprobs} if logprobs else None,
            }
        ],
        "usage": {"prompt_tokens": 5000, "completion_tokens": 7, "total_tokens": 5007},
    } | over


def good(seconds=0.0):
    """A reply that fits the schema."""

    def act(handler, asked):
        time.sleep(seconds)
        value = smallest(asked.body["response_format"]["json_schema"]["schema"])
        send(handler, json.dumps(envelope(asked, json.dumps(value))).encode())

    return act


def says(text, **envelope_fields):
    """A reply with this text."""
    return lambda handler, asked: send(handler, json.dumps(envelope(asked, text, **envelope_fields)).encode())


def answers(change):
    """A good answer whose JSON is changed by `change`."""

    def act(handler, asked):
        value = smallest(asked.body["response_format"]["json_schema"]["schema"])
        send(handler, json.dumps(change(envelope(asked, json.dumps(value)))).encode())

    return act


def body(data, **how):
    """These bytes as the body of an answer."""
    return lambda handler, asked: send(handler, data, **how)


def status(code, message="told to (fake)", **headers):
    data = json.dumps({"error": {"message": message, "code": code}}).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, asked: send(handler, data, code, names)


def drop(handler, asked):
    """Closes the connection without an answer."""
    handler.close_connection = True
    handler.connection.close()


def cut(handler, asked):
    """Closes the connection in the middle of the body."""
    data = json.dumps(envelope(asked, '{"score": 5, "findings": []}')).encode()
    send(handler, data[: len(data) // 2], length=len(data))
    handler.close_connection = True
    handler.connection.close()


def hang(seconds):
    def act(handler, asked):
        time.sleep(seconds)
        handler.close_connection = True

    return act


def drip(every_s, count=1000):
    """A body that is sent a byte at a time."""

    def act(handler, asked):
        handler.close_connection = True
        send(handler, b"", length=count)
        try:
            for _ in range(count):
                handler.wfile.write(b" ")
                time.sleep(every_s)
        except OSError:
            pass

    return act


def flood(megabytes):
    """A body that is much too long."""

    def act(handler, asked):
        handler.close_connection = True
        send(handler, b"", length=megabytes * 1_000_000)
        try:
            for _ in range(megabytes):
                handler.wfile.write(b" " * 1_000_000)
        except OSError:
            pass

    return act
