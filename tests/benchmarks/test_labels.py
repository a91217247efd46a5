from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evalkit.api.errors import SuiteError
from evalkit.api.pictures import encode_png
from evalkit.api.records import Box
from evalkit.benchmarks.labels import LabelsBenchmark, picture_size, read_labels, word_positions

ROW = {
    "id": "flux/1",
    "image": "images/a.png",
    "prompt": "a sign",
    "expected_text": "Open Daily 9am - 6pm",
    "words": [
        {"expected": "Open", "observed": "OPEN", "status": "correct"},
        {"expected": "Daily", "observed": "Dialy", "status": "typo"},
        {"expected": "9am", "observed": "9am", "status": "correct"},
        {"expected": "6pm", "observed": "", "status": "missing"},
    ],
    "error_boxes": [{"kind": "typo", "text": "Dialy", "box": [10, 20, 60, 40], "gibberish": False}],
    "ignore_boxes": [[0, 0, 5, 5]],
    "transcription": ["OPEN Dialy 9am"],
    "notes": "kept out of the way",
}


@pytest.fixture
def folder(tmp_path: Path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(encode_png(np.zeros((30, 50, 3), np.uint8)))

    def write(*rows: dict) -> Path:
        (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return tmp_path

    return write


def cases(folder: Path):
    return list(LabelsBenchmark(LabelsBenchmark.Settings(path=folder)).cases())


def test_a_labelled_picture_is_a_case(folder):
    (case,) = cases(folder(ROW))
    assert (case.id, case.width, case.height) == ("flux/1", 50, 30)
    assert [text.text for text in case.texts] == ["Open Daily 9am - 6pm"]
    assert case.extra == {"image": "images/a.png"}


def test_several_texts_and_a_broken_picture_do_not_stop_the_suite(folder, tmp_path):
    (tmp_path / "images/b.png").write_bytes(b"\x89PNG broken")
    rows = [
        {"id": "b", "image": "images/b.png", "prompt": "x", "expected_texts": ["ONE", "TWO"]},
        {"id": "c", "image": "images/none.png", "prompt": "x", "expected_text": ""},
    ]
    one, other = cases(folder(*rows))
    assert [text.text for text in one.texts] == ["ONE", "TWO"]
    assert (one.width, one.height) == (other.width, other.height) == (1024, 1024)
    assert other.texts == ()


def test_size_is_that_of_the_picture_as_shown(tmp_path):
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert picture_size(tmp_path / "turned.jpg") == (20, 40)


def test_a_picture_bomb_is_not_decoded(tmp_path):
    data = bytearray(encode_png(np.zeros((8, 8, 3), np.uint8)))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "bomb.png").write_bytes(data)
    assert picture_size(tmp_path / "bomb.png") == (1024, 1024)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "../../etc/passwd"}, "leaves"),
        ({"id": "../x"}, "id"),
        ({"error_boxes": [{"kind": "typo", "box": [9, 0, 1, 1]}]}, "negative"),
        ({"words": [{"expected": "Open", "status": "wrong"}]}, "status"),
        ({"prompt": 3}, "prompt"),
    ],
)
def test_a_bad_label_is_named(folder, change, words):
    with pytest.raises(SuiteError, match=r"labels\.jsonl:2") as caught:
        cases(folder({**ROW, "id": "first"}, {**ROW, **change}))
    assert words in str(caught.value)


def test_labels_are_read_as_records(folder):
    (label,) = read_labels(folder(ROW))
    assert label.words[1].status == "typo"
    assert label.error_boxes[0].box == Box(10, 20, 60, 40)
    assert label.ignore_boxes == (Box(0, 0, 5, 5),)
    assert word_positions(label) == (0, 1, 2, 4), "the lone '-' has no label"


def test_label_words_must_be_of_the_expected_text(folder):
    (label,) = read_labels(folder({**ROW, "words": [{"expected": "Closed", "status": "missing"}]}))
    with pytest.raises(SuiteError, match="Closed"):
        word_positions(label)


def test_digest_follows_the_labels(folder):
    def digest(where):
        return LabelsBenchmark(LabelsBenchmark.Settings(path=where)).info().digest

    first = digest(folder(ROW))
    assert first != digest(folder({**ROW, "expected_text": "Closed"}))
