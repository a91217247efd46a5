"""FakeImageServer: an images API on a local port that misbehaves on command."""

import base64
import json
import threading
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Asked:
    """One request as the server saw it."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        """Multipart parts: name -> (content type, file name, bytes)."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + self.body).iter_parts()
        return {
            part.get_param("name", header="content-disposition"): (
                part.get_content_type(),
                part.get_filename(),
                part.get_payload(decode=True),
            )
            for part in parts
        }


class FakeImageServer:
    """Answers with `picture`, after going through `script` one entry per request:
    `(status, headers, body)`, where a list of bodies is sent as a trickle, or `"drop"` to cut the connection."""

    def __init__(self, picture):
        self.picture = picture
        self.script = []
        self.asked = []
        self.under_way = self.most_under_way = 0
        self.delay = 0.0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer._serve(self)

            do_GET = do_POST

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # connections are dropped on purpose
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def host(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self):
        return f"http://{self.host}/v1"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def good(self, **more):
        return 200, {}, json.dumps({"data": [{"b64_json": base64.b64encode(self.picture).decode(), **more}]}).encode()

    def _serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self._lock:
            self.asked.append(Asked(handler.command, handler.path, handler.headers, body))
            answer = self.script.pop(0) if self.script else self.good()
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.delay:
                time.sleep(self.delay)
            if answer == "drop":
                handler.close_connection = True
                handler.connection.close()
                return
            status, headers, data = answer
            handler.send_response(status)
            for name, value in ({"Content-Length": str(len(data))} | headers).items():
                handler.send_header(name, value)
            handler.end_headers()
            if isinstance(data, bytes):
                handler.wfile.write(data)
            else:
                for chunk in data:
                    handler.wfile.write(chunk)
                    time.sleep(0.1)
        finally:
            with self._lock:
                self.under_way -= 1
