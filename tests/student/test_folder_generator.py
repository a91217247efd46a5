import json
import os
import time
import tracemalloc

import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Case, Request
from evalkit.formats.keys import noise_seed
from evalkit.student.folder import FolderGenerator, FolderSettings


def generator(folder):
    return FolderGenerator(FolderSettings(path=folder))


def ask(folder, case_id, seed=0):
    return generator(folder).generate([request(case_id, seed)])[0]


def request(case_id, seed=0):
    return Request(Case(id=case_id, prompt="x"), seed, noise_seed(case_id, seed))


def put(folder, name, data=b"picture"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def manifest(folder, *lines, name="manifest.jsonl"):
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("cat/one/3.png", 3),
        ("cat/one-3.webp", 3),
        ("cat/one.jpg", 0),
        ("cat-one/3.png", 3),
        ("cat-one-3.jpeg", 3),
        ("cat-one.PNG", 0),
        ("images/cat-one-3.png", 3),
        ("images/cat/one.webp", 0),
    ],
)
def test_every_naming_rule_finds_the_image_and_hands_over_its_bytes(tmp_path, name, seed):
    put(tmp_path, name, b"exactly these bytes")
    found = ask(tmp_path, "cat/one", seed)
    assert found.image == b"exactly these bytes"
    assert found.notes == {"file": name}
    assert found.nfe is None
    assert ask(tmp_path, "cat/one", seed + 1).error.startswith(f"no image for case cat/one, seed {seed + 1}")


def test_a_file_with_the_seed_in_its_name_goes_before_one_without(tmp_path):
    put(tmp_path, "a.png", b"plain")
    put(tmp_path, "a-0.png", b"seeded")
    assert ask(tmp_path, "a").image == b"seeded"


def test_the_manifest_goes_before_file_names_and_brings_nfe_and_seconds(tmp_path):
    put(tmp_path, "a.png", b"by name")
    put(tmp_path, "odd name.png", b"by manifest")
    manifest(tmp_path, {"id": "a", "image": "odd name.png", "nfe": 4, "seconds": 0.5, "anything": ["else"]})
    found = ask(tmp_path, "a")
    assert (found.image, found.nfe, found.seconds) == (b"by manifest", 4, 0.5)


def test_the_manifest_states_seeds_and_file_names_serve_the_rest(tmp_path):
    for name in ("x.png", "y.png", "b.png"):
        put(tmp_path, name, name.encode())
    manifest(tmp_path, {"id": "a", "image": "x.png"}, {"id": "a", "image": "y.png", "seed": 1}, name="labels.jsonl")
    assert [ask(tmp_path, "a", seed).image for seed in (0, 1)] == [b"x.png", b"y.png"]
    assert ask(tmp_path, "b").image == b"b.png"


@pytest.mark.parametrize("names", [("a.png", "a.jpg"), ("a/0.png", "a-0.png"), ("a.png", "images/a.png")])
def test_several_matches_are_an_error_that_names_them(tmp_path, names):
    for name in names:
        put(tmp_path, name)
    error = ask(tmp_path, "a").error
    assert all(name in error for name in names)


def test_two_manifest_lines_for_one_picture_are_an_error(tmp_path):
    manifest(tmp_path, {"id": "a", "image": "1.png"}, {"id": "a", "image": "2.png"})
    assert "1.png, 2.png" in ask(tmp_path, "a").error


@pytest.mark.parametrize("escape", ["../secret.png", "{outside}/secret.png", "sub/../../secret.png"])
def test_a_manifest_never_reads_outside_of_the_folder(tmp_path, escape):
    put(tmp_path, "secret.png", b"secret")
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    manifest(inside, {"id": "a", "image": escape.format(outside=tmp_path)})
    found = ask(inside, "a")
    assert found.image is None
    assert "leaves the image folder" in found.error
    assert generator(inside).fingerprint(request("a").case)


def test_links_that_leave_the_folder_are_not_read_and_links_inside_are(tmp_path):
    put(tmp_path, "secret.png", b"secret")
    (tmp_path / "elsewhere").mkdir()
    put(tmp_path, "elsewhere/d.png", b"secret")
    inside = tmp_path / "inside"
    put(inside, "real.png", b"real")
    (inside / "a.png").symlink_to(tmp_path / "secret.png")
    (inside / "b.png").symlink_to("real.png")
    (inside / "more").symlink_to(tmp_path / "elsewhere")
    (inside / "loop.png").symlink_to("loop.png")
    assert "leaves the image folder" in ask(inside, "a").error
    assert ask(inside, "b").image == b"real"
    assert ask(inside, "more/d").error.startswith("no image")
    assert ask(inside, "loop").error


def test_a_manifest_that_is_a_link_out_of_the_folder_is_not_read(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    manifest(tmp_path, {"id": "a", "image": "a.png"})
    (inside / "manifest.jsonl").symlink_to(tmp_path / "manifest.jsonl")
    with pytest.raises(ConfigError, match="leaves the image folder"):
        ask(inside, "a")


def test_empty_missing_and_special_files_are_errors_of_their_case_only(tmp_path):
    put(tmp_path, "empty.png", b"")
    put(tmp_path, "fine.png", b"fine")
    os.mkfifo(tmp_path / "pipe.png")  # reading it would block for ever
    manifest(tmp_path, {"id": "gone", "image": "gone.png"})
    results = generator(tmp_path).generate([request(i) for i in ("empty", "pipe", "gone", "fine")])
    assert "0 bytes" in results[0].error
    assert "no such file" in results[1].error
    assert "gone.png" in results[2].error
    assert results[3].image == b"fine"


@pytest.mark.parametrize(
    "line",
    [
        "{not json",
        "[1]",
        '{"image": "a.png"}',
        '{"id": "a"}',
        '{"id": "a", "image": 7}',
        '{"id": "a", "image": "a.png", "seed": true}',
        '{"id": "a", "image": "a.png", "nfe": 0}',
        '{"id": "a", "image": "a.png", "seconds": NaN}',
        "[" * 100_000,
    ],
)
def test_a_broken_manifest_line_is_named(tmp_path, line):
    (tmp_path / "manifest.jsonl").write_text('{"id": "ok", "image": "ok.png"}\n\n' + line)
    with pytest.raises(ConfigError, match=r"manifest\.jsonl:3"):
        ask(tmp_path, "ok")


def test_a_manifest_that_is_not_text_is_an_error(tmp_path):
    put(tmp_path, "labels.jsonl", b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"labels\.jsonl:1"):
        ask(tmp_path, "a")


def test_a_missing_folder_is_an_error_before_anything_starts(tmp_path):
    with pytest.raises(ConfigError, match="no such folder"):
        generator(tmp_path / "nowhere")


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path):
    case = request("a").case
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        put(folder, "a.png", b"first")
        put(folder, "b.png", b"other case")
    first = generator(one).fingerprint(case)
    assert generator(two).fingerprint(case) == first
    put(one, "b.png", b"other case, changed")
    assert generator(one).fingerprint(case) == first
    path = put(one, "a.png", b"again")
    os.utime(path, ns=(1, 1))
    assert generator(one).fingerprint(case) != first
    assert generator(two).fingerprint(case) == first
    (two / "a.png").unlink()
    assert generator(two).fingerprint(case) not in ("", first)


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    for i in range(10_000):
        (folder / f"case-{i}.png").write_bytes(b"x")
    return folder


def test_ten_thousand_images_in_one_folder_are_quick(ten_thousand):
    requests = [request(f"case-{i}") for i in range(10_000)]
    images = generator(ten_thousand)
    started = time.perf_counter()
    prints = {images.fingerprint(each.case) for each in requests}
    results = images.generate(requests)
    seconds = time.perf_counter() - started
    assert all(result.image == b"x" for result in results)
    assert len(prints) == 1  # equal content, equal fingerprint
    assert seconds < 15  # 1.0 s measured on one core; a listing of the folder per case takes minutes


def test_the_index_of_ten_thousand_images_is_small(ten_thousand):
    tracemalloc.start()
    images = generator(ten_thousand)
    images.fingerprint(request("case-1").case)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
