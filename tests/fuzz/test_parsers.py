"""Every parser of foreign input: whatever comes, it is a value or the error that the parser promises."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from evalkit.api.errors import ConfigError, EvalkitError, PictureError, UsageError
from evalkit.api.pictures import decode, encode_png
from evalkit.benchmarks.suite import read_cases, read_header
from evalkit.config.load import load_config
from evalkit.formats.foreign_text import clean, printable
from evalkit.formats.leaderboard import read_board
from evalkit.formats.retry import retry_after_seconds
from evalkit.formats.slug import slug
from evalkit.formats.strict_jsonl import read_jsonl
from evalkit.formats.strict_yaml import read_yaml
from evalkit.judges.vlm.call import Reply
from evalkit.judges.vlm.reply import parse
from evalkit.judges.vlm.wire import BadBody, read_completion, read_models
from evalkit.plugins.registry import on_command_line
from evalkit.student.images_api import Answer, UnusableAnswerError, parse_answer, picture_url, same_host
from tests.fuzz.inputs import json_bytes, mutated_bytes, mutated_json, odd_text, values
from tests.judges.vlm.asks import question, scale

CASE = {
    "id": "a",
    "prompt": "a sign that says OPEN",
    "texts": [{"text": "OPEN"}],
    "width": 64,
    "height": 64,
    "checklist": [{"id": "q", "text": "Is there a sign?"}],
    "tags": ["sign"],
}
CONFIG = {
    "benchmark": "minis-core",
    "student": {"use": "folder", "path": "pictures"},
    "teacher": None,
    "judges": ["typography", {"use": "grain", "codec_floor": "twin"}],
    "gates": [{"dimension": "grain.area", "max_value": 0.25, "where": {"task": "edit"}}],
    "limit": 3,
    "seeds": 1,
}
COMPLETION = {
    "id": "x",
    "model": "judge",
    "choices": [{"message": {"content": "{}"}, "finish_reason": "stop", "logprobs": {"content": []}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}


def picture(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    if kind == "PNG":
        return encode_png(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@given(data=st.one_of(st.binary(max_size=300), mutated_bytes(json_bytes(CASE)), values.map(json_bytes)))
@example(data=b"\xef\xbb\xbf\n")
@example(data=b"[" * 50_000)
def test_json_lines(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    try:
        lines = list(read_jsonl(path, UsageError))
    except UsageError:
        return
    assert lines


@given(
    data=st.one_of(
        st.binary(max_size=300),
        mutated_bytes(yaml.safe_dump(CONFIG).encode()),
        odd_text.map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
)
@example(data=b"a: !!timestamp 2020-99-99")
@example(data=b"a: !!set {b, c}")
@example(data=b"a: !!timestamp x")
@example(data=b"? {a: b}\n: c")
@example(data=b"a: " + b"[" * 5000)
@example(data=b"a: 1:99:99.5\nb: 0o99\nc: 0x")
@example(data=b"a: !!python/object/apply:os.system [ls]")
def test_yaml(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(data)
    try:
        assert isinstance(read_yaml(path, ConfigError), dict)
    except ConfigError:
        return


@given(config=mutated_json(CONFIG))
def test_configs(tmp_path: Path, config: object) -> None:
    path = tmp_path / "evalkit.yaml"
    try:
        path.write_text(yaml.safe_dump(config), encoding="utf-8", errors="surrogatepass")
    except (yaml.YAMLError, ValueError):
        return
    with contextlib.suppress(UsageError):
        load_config(path, {})


@given(case=mutated_json(CASE))
def test_suites(tmp_path: Path, case: object) -> None:
    (tmp_path / "suite.yaml").write_text("name: s\nversion: '1'\ntasks: [t2i]\ncases: cases.jsonl\n")
    (tmp_path / "cases.jsonl").write_bytes(json_bytes(case))
    try:
        assert all(case.width > 0 for case in read_cases(tmp_path, read_header(tmp_path)))
    except UsageError:
        return


@given(text=odd_text)
@example(text="folder:x,y=" + "[" * 3000)
@example(text="folder:x,y=!!timestamp x")
@example(text="folder:x,y=!!binary '@'")
@example(text="a" * 5000)
@example(text="~nobody/x")
def test_plug_ins_on_the_command_line(tmp_path: Path, text: str) -> None:
    with contextlib.suppress(UsageError):
        on_command_line(text, tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@given(data=st.data())
def test_pictures(kind: str, data: st.DataObject) -> None:
    try:
        pixels = decode(data.draw(mutated_bytes(picture(kind)))).pixels
    except PictureError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3


@given(board=values)
def test_leaderboards(tmp_path: Path, board: object) -> None:
    path = tmp_path / "leaderboard.json"
    path.write_bytes(json_bytes(board))
    try:
        read_board(path)
    except UsageError:
        return


@pytest.mark.parametrize("call", [scale(), question()])
@given(text=st.one_of(odd_text, values.map(lambda value: json_bytes(value).decode("utf-8", "replace"))))
@example(text='{"answer": "yes"}')
@example(text="```json\n" + "[" * 4000)
def test_replies_of_a_vlm(call, text: str) -> None:
    found = parse(call, Reply(text=text, finish="stop"))
    assert isinstance(found, str) or found.value is not None


@given(body=st.one_of(st.binary(max_size=200), mutated_json(COMPLETION).map(json_bytes)))
def test_completions(body: bytes) -> None:
    try:
        found = read_completion(body, "sk-12345678")
    except BadBody:
        return
    assert found.content.encode()


@given(body=st.one_of(st.binary(max_size=200), mutated_json({"data": [{"id": "a", "root": "b"}]}).map(json_bytes)))
def test_lists_of_models(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert all(isinstance(root, str) for root in read_models(body).values())


@given(
    body=st.one_of(
        st.binary(max_size=200), mutated_json({"data": [{"b64_json": "aGVsbG8=", "nfe": 4}]}).map(json_bytes)
    )
)
def test_answers_of_an_image_endpoint(body: bytes) -> None:
    with contextlib.suppress(UnusableAnswerError):
        assert isinstance(parse_answer(body, "sk-12345678"), Answer)


@given(url=odd_text, base=st.sampled_from(["http://host/v1", "https://host:8443/v1"]))
def test_addresses_from_a_server(url: str, base: str) -> None:
    same_host(base, url)
    with contextlib.suppress(EvalkitError):
        assert picture_url(url, base, ()).startswith(("http://host", "https://host"))


@given(header=odd_text)
@example(header="Wed, 99 Foo 99999 99:99:99 GMT")
@example(header="9" * 5000)
def test_retry_after(header: str) -> None:
    wait = retry_after_seconds(header)
    assert wait is None or wait >= 0


@given(text=odd_text)
def test_text_for_a_terminal(text: str) -> None:
    assert not printable(text).lstrip().startswith("::")  # else GitHub runs it as a command
    for shown in (clean(text), printable(text)):
        assert "\x1b" not in shown
        shown.encode()


@given(text=odd_text)
def test_names_for_folders(text: str) -> None:
    name = slug(text)
    assert name == Path(name).name
    assert 0 < len(name.encode()) < 200
    assert json.dumps(name)
