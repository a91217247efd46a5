from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import SuiteError
from evalkit.api.pictures import encode_png
from evalkit.api.records import Box, Case, SourceImage, Task, TextTarget
from evalkit.benchmarks.suite import HEADER, ScenesCore, SuiteBenchmark, SuiteHeader, write_suite

GOOD = {"id": "one", "prompt": "a poster"}


def read(folder: Path) -> list[Case]:
    return list(SuiteBenchmark(SuiteBenchmark.Settings(path=folder)).cases())


def refusal(folder: Path) -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        read(folder)
    assert caught.value.hint, "every refusal says what to do"
    return caught.value


def test_what_is_written_is_read_back(tmp_path):
    cases = [
        Case("a/1", "say “hi”\n<b>", texts=(TextTarget("HI", Box(1, 2, 3, 4), "title"),), extra={"k": [1, None]}),
        Case("a/2", "東京", width=640, height=480),
    ]
    write_suite(tmp_path / "s", SuiteHeader(name="s", version="1"), cases)
    assert read(tmp_path / "s") == cases
    info = SuiteBenchmark(SuiteBenchmark.Settings(path=tmp_path / "s")).info()
    assert (info.name, info.version) == ("s", "1")


def test_digest_changes_with_any_case(suite_folder):
    def digest(folder):
        return SuiteBenchmark(SuiteBenchmark.Settings(path=folder)).info().digest

    first = digest(suite_folder(GOOD))
    assert first == digest(suite_folder(GOOD))
    assert first != digest(suite_folder({**GOOD, "prompt": "another poster"}))


def test_cases_stream_so_that_a_late_error_comes_late(suite_folder):
    rows = ({"id": f"c{i}", "prompt": "x"} for i in range(2000))
    stream = SuiteBenchmark(SuiteBenchmark.Settings(path=suite_folder(*rows, "{broken"))).cases()
    assert [case.id for case in itertools.islice(stream, 3)] == ["c0", "c1", "c2"]
    with pytest.raises(SuiteError, match=r"cases\.jsonl:2001"):
        list(stream)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "two", "prompt": }', "bad JSON"),
        ('{"id": "two", "prompt": "x", "extra": {"a": NaN}}', "NaN"),
        ('{"id": "two", "prompt": "x", "extra": {"a": -Infinity}}', "Infinity"),
        ('{"id": "two", "prompt": "x", "extra": {"a": 1e999}}', "too large"),
        ('{"id": "two", "prompt": "x", "prompt": "y"}', "given twice"),
        ('{"id": "../two", "prompt": "x"}', "id"),
        ('{"id": "one", "prompt": "x"}', "already that of line 1"),
        ('{"id": "two", "prompt": "x", "width": -5}', "not positive"),
        ('{"id": "two", "prompt": "a\\u0000b"}', "NUL"),
        ('["two"]', "object"),
        (b'{"id": "two", "prompt": "\xff"}', "UTF-8"),
        (b'{"id": "two", "prompt": "a\0b"}', "NUL"),
        ('{"id": "two", "prompt": "x", "task": "edit", "source": {"path": "a.png", "sha256": ""}}', "not declared"),
        ('{"id": "two", "prompt": "x", "extra": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        (b'{"id": "two", "prompt": "' + b"x" * 4_000_001 + b'"}', "more than"),
    ],
)
def test_a_bad_line_is_named(suite_folder, line, words):
    error = refusal(suite_folder(GOOD, line))
    assert "cases.jsonl:2" in str(error)
    assert words in str(error)


@pytest.mark.parametrize(
    ("line", "unknown", "right"),
    [
        ({**GOOD, "promt": "x"}, "promt", "prompt"),
        ({**GOOD, "texts": [{"txt": "x", "text": "x"}]}, "texts.0.txt", "text"),
        ({**GOOD, "background": {"color": []}}, "background.color", "colors"),
        ({**GOOD, "texts": [{"text": "x", "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 1, "xx": 2}}]}, "box.xx", "x"),
    ],
)
def test_an_unknown_field_names_the_nearest_right_one(suite_folder, line, unknown, right):
    error = refusal(suite_folder(line))
    assert unknown in str(error)
    assert right in error.hint


def test_no_cases(suite_folder):
    assert "empty" in str(refusal(suite_folder()))
    folder = suite_folder(GOOD)
    (folder / "cases.jsonl").unlink()
    assert "no such file" in str(refusal(folder))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]\nversion: '1'\n", "suite.yaml:1: anchors"),
        ("name: a\nname: b\nversion: '1'\n", "suite.yaml:2: key 'name' is given twice"),
        ("name: a\nversion: 1.0\n", "version"),
        ("name: a\n", "version"),
        ("- a\n- b\n", "not a mapping"),
        ("", "`name` is missing"),
        ("name: !!python/object/apply:os.system ['true']\nversion: '1'\n", "suite.yaml:1"),
        ("name: a\nversion: '1'\ncases: ../cases.jsonl\n", "leaves"),
        ("name: a\nversion: '1'\ncases: /etc/passwd\n", "leaves"),
        ("name: 'a\n", "suite.yaml"),
        ("{" * 5000, "suite.yaml"),
        ("a: " + "x" * 2_100_000, "at most"),
        ("? [1, 2]\n: x\n", "key must be plain text"),
    ],
)
def test_a_bad_header_is_refused(suite_folder, header, words):
    assert words in str(refusal(suite_folder(GOOD, header=header)))


def test_an_unknown_header_key_names_the_nearest_right_one(suite_folder):
    error = refusal(suite_folder(GOOD, header="name: a\nversion: '1'\nlicense: MIT\n"))
    assert "licence" in error.hint


EDIT = "name: e\nversion: '1'\ntasks: [edit]\n"


def edit(path: str, sha256: str = "") -> dict:
    return {"id": "e", "prompt": "make it blue", "task": "edit", "source": {"path": path, "sha256": sha256}}


def test_source_hash_is_filled_and_checked(suite_folder):
    folder = suite_folder(edit("images/a.png"), header=EDIT)
    (folder / "images").mkdir()
    (folder / "images/a.png").write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8)))
    case = read(folder)[0]
    assert case.source is not None
    assert Path(case.source.path) == (folder / "images/a.png").resolve()
    assert len(case.source.sha256) == 64

    suite = SuiteBenchmark(SuiteBenchmark.Settings(path=folder))
    before = suite.info().digest
    (folder / "images/a.png").write_bytes(encode_png(np.ones((4, 4, 3), np.uint8)))
    assert suite.info().digest != before
    suite_folder(edit("images/a.png", case.source.sha256), header=EDIT)
    assert "not the one" in str(refusal(folder))


@pytest.mark.parametrize(
    "path", ["../a.png", "/etc/passwd", "x/../../a.png", "", "C:\\a.png", "..\\a.png", "a\x01.png"]
)
def test_source_can_not_leave_the_suite(suite_folder, path):
    assert "cases.jsonl:1" in str(refusal(suite_folder(edit(path), header=EDIT)))


def test_source_can_not_leave_the_suite_through_a_link(suite_folder, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    folder = suite_folder(edit("link.png"), header=EDIT)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    assert "link out" in str(refusal(folder))


def test_writing_a_bad_suite_leaves_the_old_one(tmp_path):
    header = SuiteHeader(name="s", version="1")
    write_suite(tmp_path, header, [Case("a", "x")])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SuiteError):
        write_suite(tmp_path, header, [Case("b", "x"), Case("b", "y")])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert HEADER in before


def test_written_sources_are_relative(tmp_path):
    (tmp_path / "a.png").write_bytes(b"picture")
    header = SuiteHeader(name="s", version="1", tasks=(Task.EDIT,))
    write_suite(tmp_path, header, [Case("a", "x", Task.EDIT, source=SourceImage(str(tmp_path / "a.png"), ""))])
    assert str(tmp_path) not in (tmp_path / "cases.jsonl").read_text()
    with pytest.raises(SuiteError, match="outside"):
        write_suite(tmp_path, header, [Case("a", "x", Task.EDIT, source=SourceImage("/etc/hostname", ""))])


def test_the_core_suite_reads():
    suite = ScenesCore(ScenesCore.Settings())
    assert suite.info().name == "scenes-core"
    assert len(list(suite.cases())) == 24
