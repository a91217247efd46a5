import base64
import contextlib
import hashlib
import itertools
import json
import random
import socket
import textwrap
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.errors import ConfigError, UnavailableError
from evalkit.api.pictures import encode_png
from evalkit.api.records import Case, Request, SourceImage, Task
from evalkit.formats.keys import noise_seed
from evalkit.formats.retry import backoff_seconds, retry_after_seconds
from evalkit.student.http import HttpGenerator, HttpSettings
from evalkit.student.images_api import choose_size
from tests.student.fake_image_server import FakeImageServer

PICTURE = encode_png(np.full((8, 8, 3), 7, np.uint8))
KEY = "sk-very/secret+key"


@pytest.fixture
def server():
    server = FakeImageServer(PICTURE)
    yield server
    server.close()


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("EVALKIT_FAKE_KEY", KEY)
    return "EVALKIT_FAKE_KEY"


def generator(server, **settings):
    quick = {"backoff_s": 0.01, "timeout_s": 5, "retries": 2}
    return HttpGenerator(HttpSettings(**{"url": server.url} | quick | settings))


def request(case_id="a", seed=0, prompt="a cat", **case):
    return Request(Case(id=case_id, prompt=prompt, **case), seed, noise_seed(case_id, seed))


def ask(server, **settings):
    return generator(server, **settings).generate([request()])[0]


def refused(status, message="no", **headers):
    return status, headers, json.dumps({"error": {"message": message}}).encode()


# ------------------------------------------------------------------------------------------------ what is sent


def test_a_picture_comes_back_byte_for_byte_with_honest_provenance(server, key):
    found = ask(server, model="m", api_key_env=key, seed_field="seed", extra={"steps": 4}, declared_nfe=4)
    assert found.image == PICTURE
    assert found.nfe is None  # declared is not counted
    assert found.batch_invariant is None
    assert found.seconds > 0
    seed = noise_seed("a", 0) % 2**31
    assert found.notes == {"attempts": 1, "seed_sent": seed, "declared_nfe": 4}
    sent = server.asked[0]
    assert (sent.method, sent.path) == ("POST", "/v1/images/generations")
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.json == {
        "prompt": "a cat",
        "model": "m",
        "n": 1,
        "size": "1024x1024",
        "response_format": "b64_json",
        "steps": 4,
        "seed": seed,
    }


def test_optional_fields_are_sent_only_if_set(server):
    ask(server, size="omit", response_format="")
    assert server.asked[0].json == {"prompt": "a cat", "n": 1}
    assert "Authorization" not in server.asked[0].headers


def test_an_edit_sends_its_source_as_multipart(server, tmp_path):
    path = tmp_path / "source.png"
    path.write_bytes(PICTURE)
    source = SourceImage(str(path), hashlib.sha256(PICTURE).hexdigest())
    edit = request(task=Task.EDIT, source=source)
    found = generator(server, seed_field="seed", extra={"quality": "high"}).generate([edit])[0]
    assert found.image == PICTURE
    sent = server.asked[0]
    assert sent.path == "/v1/images/edits"
    assert sent.form["image"] == ("image/png", "source.png", PICTURE)
    assert sent.form["prompt"][2] == b"a cat"
    assert sent.form["seed"][2] == str(noise_seed("a", 0) % 2**31).encode()
    path.write_bytes(PICTURE + b"x")
    assert "source picture has changed" in generator(server).generate([edit])[0].error
    path.unlink()
    assert "can't be read" in generator(server).generate([edit])[0].error
    assert len(server.asked) == 1


def test_a_url_answer_is_fetched_from_the_same_host(server, key):
    where = json.dumps({"data": [{"url": f"http://{server.host}/files/1.png"}]}).encode()
    server.script = [(200, {}, where), (200, {}, PICTURE)]
    assert ask(server, response_format="url", api_key_env=key).image == PICTURE
    assert server.asked[1].path == "/files/1.png"
    assert server.asked[1].headers["Authorization"] == f"Bearer {KEY}"


def test_the_key_does_not_go_to_another_port(server, key):
    other = FakeImageServer(PICTURE)
    where = json.dumps({"data": [{"url": f"http://{other.host}/1.png"}]}).encode()
    server.script, other.script = [(200, {}, where)], [(200, {}, PICTURE)]
    assert ask(server, api_key_env=key).image == PICTURE
    assert "Authorization" not in other.asked[0].headers
    other.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1/1.png",
        "http://[::1/1.png",
        "http://127.0.0.1:port/1.png",
        "//example.invalid/1.png",
    ],
)
def test_a_url_answer_may_not_point_elsewhere(server, url):
    server.script = [(200, {}, json.dumps({"data": [{"url": url}]}).encode())]
    assert "address" in (error := ask(server).error) or "another host" in error
    assert len(server.asked) == 1


def test_what_the_server_reports_is_kept(server):
    server.script = [server.good(nfe=4, revised_prompt="a \x1b[31mred\u202e cat")]
    found = ask(server)
    assert found.nfe == 4
    assert found.notes["revised_prompt"] == "a [31mred cat"


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_429_waits_as_long_as_the_server_asks(server):
    server.script = [refused(429, **{"Retry-After": "1"})]
    found = ask(server)
    assert found.image == PICTURE
    assert found.notes["attempts"] == 2
    assert 1.0 <= server.asked[1].at - server.asked[0].at < 3
    assert found.seconds < 0.9  # the wait is not the model's latency


def test_a_request_to_wait_for_hours_fails_at_once(server):
    server.script = [refused(429, "quota used up", **{"Retry-After": "7200"})]
    assert "quota used up (the server asks to wait 7200 s)" in ask(server).error


@pytest.mark.parametrize("failure", [refused(500), refused(503), "drop"])
def test_server_errors_and_dropped_connections_are_tried_again(server, failure):
    server.script = [failure, failure]
    assert ask(server).notes["attempts"] == 3
    server.script = [failure] * 3
    assert "(3 attempts)" in ask(server).error


def test_a_slow_answer_times_out_as_an_error_of_its_case(server):
    server.delay = 1.5
    assert "no whole answer within 0.2 s (1 attempts)" in ask(server, timeout_s=0.2, retries=0).error


def test_an_answer_of_slow_single_bytes_times_out(server):
    server.script = [(200, {"Content-Length": "100"}, [b"x"] * 100)]
    started = time.monotonic()
    assert ask(server, timeout_s=0.3, retries=0).error
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>gateway</html>", "not JSON: <html>gateway</html>"),
        (b"[" * 100_000, "not JSON"),
        (b'{"data": []}', "no picture"),
        (b"[]", "no picture"),
        (b'{"data": [{"b64_json": null}]}', "neither b64_json nor url"),
        (b'{"data": [{"b64_json": "@@@"}]}', "not base64"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_junk_answer_is_asked_for_again(server, body, says):
    server.script = [(200, {}, body)]
    assert ask(server).notes["attempts"] == 2
    server.script = [(200, {}, body)] * 3
    error = ask(server).error
    assert says in error
    assert "(3 attempts)" in error


@pytest.mark.parametrize(
    "error", [{"code": 400, "message": "not this prompt"}, {"type": "invalid_request_error", "message": "not this"}]
)
def test_a_refusal_under_status_200_is_not_asked_again(server, error):
    server.script = [(200, {}, json.dumps({"error": error}).encode())]
    assert "not this" in ask(server).error
    assert len(server.asked) == 1


def test_bytes_that_are_no_picture_are_an_error_of_their_case(server):
    server.picture = b"hello"
    assert "not a PNG, JPEG or WebP" in ask(server).error
    assert len(server.asked) == 1


ENCODED = base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    "encoded",
    [
        f"data:image/png;base64,{ENCODED}",
        "\r\n".join(textwrap.wrap(ENCODED, 76)) + "\n",
        base64.urlsafe_b64encode(PICTURE).decode(),
        ENCODED.rstrip("="),
    ],
    ids=["data address", "wrapped", "URL alphabet", "unpadded"],
)
def test_base64_may_have_every_usual_form(server, encoded):
    server.script = [(200, {}, json.dumps({"data": [{"b64_json": encoded}]}).encode())]
    assert ask(server).image == PICTURE


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"url": f"data:image/png;base64,{ENCODED}"}]},
        {"data": {"b64_json": ENCODED}},
        {"images": [{"b64_json": ENCODED}]},
    ],
)
def test_the_picture_may_stand_in_every_usual_place(server, answer):
    server.script = [(201, {}, json.dumps(answer).encode())]
    assert ask(server).image == PICTURE
    assert len(server.asked) == 1


def test_a_truncated_picture_is_an_error(server):
    server.picture = PICTURE[: len(PICTURE) // 2]
    assert "the server's picture" in ask(server).error


def test_an_endless_answer_is_cut_off(server, monkeypatch):
    monkeypatch.setattr("evalkit.student.exchange.MAX_ANSWER", 1000)
    server.picture = b"x" * 5000
    assert "answer of more than" in ask(server).error


def test_other_refusals_carry_the_servers_words_cleaned_and_shortened(server):
    server.script = [refused(400, "bad\x1b[2J\nprompt\x00 " + "long " * 500)]
    error = ask(server).error
    assert "HTTP 400: bad [2J prompt long" in error
    assert error.isprintable()
    assert len(error) < 400
    assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "method"), [(301, "POST"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirect_on_the_same_host_is_followed(server, key, status, method):
    server.script = [(status, {"Location": "/v1/elsewhere"}, b"")]
    assert ask(server, api_key_env=key).image == PICTURE
    assert (server.asked[1].method, server.asked[1].path) == (method, "/v1/elsewhere")
    assert server.asked[1].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/x", "//other.invalid/x", "file:///etc/passwd"])
def test_a_redirect_to_another_host_is_not_followed(server, location):
    server.script = [(307, {"Location": location}, b"")]
    assert "HTTP 307" in ask(server).error
    assert len(server.asked) == 1


@pytest.mark.parametrize("location", ["//[::1/x", "http://h:port/"])
def test_a_redirect_that_can_not_be_read_is_an_error(server, location):
    server.script = [(307, {"Location": location}, b"")] * 3
    assert ask(server).error


def test_redirects_in_a_circle_end(server):
    server.script = [(307, {"Location": "/v1/images/generations"}, b"")] * 9
    assert "redirects" in ask(server).error


def test_dripping_headers_time_out():
    """One byte of a header every 50 ms: each read succeeds, and the whole would take for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(200):
                    connection.sendall(b"x")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        started = time.monotonic()
        found = HttpGenerator(HttpSettings(url=url, timeout_s=0.5, retries=0)).generate([request()])[0]
        assert "no whole answer within 0.5 s" in found.error
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_stops_the_run_and_is_not_shown(server, key, status):
    server.script = [refused(status, f"Incorrect API key provided: {KEY}. Try again")]
    with pytest.raises(UnavailableError) as caught:
        ask(server, api_key_env=key)
    assert "Incorrect API key provided: ***. Try again" in str(caught.value)
    assert "$EVALKIT_FAKE_KEY" in caught.value.hint
    assert KEY not in repr(caught.value.__reduce__())


def test_one_forbidden_prompt_does_not_stop_a_run_that_has_pictures(server):
    images = generator(server)
    images.generate([request()])
    server.script = [refused(403, "not this prompt")]
    assert "not this prompt" in images.generate([request("b")])[0].error


def test_no_server_at_all_stops_the_run_with_a_hint(server):
    server.close()
    with pytest.raises(UnavailableError, match=r"can't connect.*\(3 attempts\)") as caught:
        ask(server)
    assert "is the server up?" in caught.value.hint


def test_no_key_and_an_impossible_key(server, monkeypatch):
    monkeypatch.delenv("EVALKIT_FAKE_KEY", raising=False)
    with pytest.raises(UnavailableError, match=r"\$EVALKIT_FAKE_KEY is not set"):
        ask(server, api_key_env="EVALKIT_FAKE_KEY")
    monkeypatch.setenv("EVALKIT_FAKE_KEY", "sk-bad\nkey")
    with pytest.raises(ConfigError) as caught:
        ask(server, api_key_env="EVALKIT_FAKE_KEY")
    assert "sk-bad" not in str(caught.value)
    assert not server.asked


def test_a_prompt_that_is_not_unicode_is_an_error_of_its_case(server):
    assert "not valid Unicode" in generator(server).generate([request(prompt="half \ud800 pair")])[0].error


# ------------------------------------------------------------------------------------------------ many at once


def test_a_batch_runs_concurrently_and_in_order(server):
    server.delay = 0.2
    images = generator(server, concurrency=4)
    assert images.batch_size == 4
    results = images.generate([request(f"case-{i}", prompt=str(i)) for i in range(8)])
    assert all(result.image == PICTURE for result in results)
    assert server.most_under_way == 4


def test_one_bad_request_does_not_lose_the_others(server):
    server.script = [refused(400, "no such size")]
    results = generator(server, concurrency=1).generate([request("a"), request("b")])
    assert "no such size" in results[0].error
    assert results[1].image == PICTURE


def test_requests_per_minute_spaces_the_starts(server):
    generator(server, requests_per_minute=600, concurrency=4).generate([request(f"c{i}") for i in range(4)])
    starts = sorted(asked.at for asked in server.asked)
    assert min(b - a for a, b in itertools.pairwise(starts)) > 0.05
    assert starts[-1] - starts[0] > 0.25


# ------------------------------------------------------------------------------------------------ pure parts


def test_the_key_appears_nowhere(server, key):
    images = generator(server, api_key_env=key)
    images.generate([request()])
    shown = [images.info(), images.fingerprint(request().case), images.settings, images, vars(images)]
    assert KEY not in repr(shown)
    assert images.info().settings["api_key_env"] == "EVALKIT_FAKE_KEY"


def test_the_fingerprint_follows_what_is_sent_and_not_how_often(server):
    case = request().case
    first = generator(server).fingerprint(case)
    assert generator(server, retries=1, concurrency=9, timeout_s=1, declared_nfe=4).fingerprint(case) == first
    for change in ({"model": "m"}, {"extra": {"steps": 4}}, {"size": "auto"}, {"seed_field": "seed"}):
        assert generator(server, **change).fingerprint(case) != first


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://host"},
        {"url": "not an address"},
        {"url": "https://user:password@host/v1"},
        {"url": "https://host/v1?api_key=sk-abc"},
        {"url": "https://host", "extra": {"prompt": "mine"}},
        {"url": "https://host", "extra": {"when": datetime(2026, 1, 1, tzinfo=UTC)}},
        {"url": "https://host", "extra": {"x": float("nan")}},
        {"url": "https://host", "size": "big"},
        {"url": "https://host", "api_key_env": "sk-abc/def"},
        {"url": "https://host", "api_key": "sk-abc"},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        HttpSettings(**settings)


@pytest.mark.parametrize("url", ["https://h", "https://h/", "https://h/v1/", "https://h/v1/images/generations"])
def test_the_base_address_may_be_written_in_every_usual_way(url):
    assert HttpSettings(url=url).url == "https://h/v1"


def test_the_closest_known_size_is_sent():
    known = ("1024x1024", "1536x1024", "1024x1536", "512x512")
    assert choose_size(known, 768, 768) in ("1024x1024", "512x512")
    assert choose_size(known, 1000, 1000) == "1024x1024"
    assert choose_size(known, 300, 300) == "512x512"
    assert choose_size(known, 1920, 1080) == "1536x1024"
    assert choose_size("640x480", 1, 1) == "640x480"
    assert choose_size("auto", 1, 1) == "auto"


def test_back_off_doubles_is_capped_and_jitters():
    rng = random.Random(0)
    waits = [[backoff_seconds(attempt, 1.0, 30.0, rng) for _ in range(200)] for attempt in range(9)]
    for attempt, many in enumerate(waits):
        full = min(30.0, 2.0**attempt)
        assert full / 2 <= min(many) < max(many) <= full


def test_retry_after_is_a_number_or_a_date():
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert retry_after_seconds("7", now) == 7
    assert retry_after_seconds("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30
    assert retry_after_seconds("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert [retry_after_seconds(junk, now) for junk in (None, "", "soon", "-3", "1e9", "٣")] == [None] * 6


@pytest.mark.parametrize("raw", [b"HTTP/1.1 200 OK\r\nX: %s\0\r\n\r\n", b"NOT HTTP %s\r\n\r\n"])
def test_a_malformed_answer_that_holds_the_key_does_not_show_it(key, raw):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65_536)
                        connection.sendall(raw % KEY.encode())

        threading.Thread(target=answer, daemon=True).start()
        settings = HttpSettings(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", api_key_env=key, retries=0, timeout_s=5
        )
        found = HttpGenerator(settings).generate([request()])[0]
    assert found.error
    assert KEY not in found.error


@pytest.mark.parametrize("nfe", ["7", -3, 10**30, [1], "@" * 10])
def test_a_senseless_side_value_does_not_cost_the_picture(server, nfe):
    server.script = [server.good(nfe=nfe)]
    found = ask(server)
    assert found.image == PICTURE
    assert found.nfe is None
