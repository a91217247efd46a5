"""Folders of pictures as tools and systems leave them, and labels that would be paths or commands."""

import json
import os
import shutil
import socket
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.pictures import encode_png
from evalkit.cli import main
from evalkit.formats.slug import MAX_BYTES, slug
from tests.evalkit.conftest import FAKES, Command
from tests.evalkit.hostile_pictures import display_p3, encoded, flat, multi_picture

CASES = Path("/work/shared/cases/inputs")
GOOD = encode_png(np.full((16, 16, 3), 200, np.uint8))
JUDGE = ("--judge", "fake-brightness", "--teacher", "none", "--out", "out", "--cache", "none")
LITTER = (
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "._a.png",
    ".gitkeep",
    "notes.txt",
    "meta.json",
    "README.md",
    "x.gif",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own, with the fakes on the path."""
    monkeypatch.syspath_prepend(FAKES)
    monkeypatch.setenv("PYTHONPATH", str(FAKES))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def suite(folder: Path, ids: list[str], **more: object) -> Path:
    """A suite of these cases, each 16 px."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.yaml").write_text("name: s\nversion: '1'\ntasks: [t2i, edit]\ncases: cases.jsonl\n")
    lines = [json.dumps({"id": each, "prompt": "p", "width": 16, "height": 16, **more}) for each in ids]
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def run(*arguments: object) -> int:
    """The exit code of `evalkit run`."""
    return main(["run", *map(str, arguments), *JUDGE])


def pictures(out: Path = Path("out")) -> dict[str, str]:
    """Case id -> why the picture is missing, empty where it is there."""
    with sqlite3.connect(out / "run.sqlite") as database:
        rows = database.execute("SELECT record FROM samples").fetchall()
    return {sample["case_id"]: sample["error"] for sample in (json.loads(row[0]) for row in rows)}


def test_pictures_as_the_world_has_them(here: Path) -> None:
    folder = here / "pictures"
    folder.mkdir()
    files = {
        "mpo.jpg": multi_picture(),
        "p3.png": encoded(flat(), icc_profile=display_p3()),
        "badprofile.png": encoded(flat(), icc_profile=b"rubbish"),
        "cmyk.jpg": encoded(flat().convert("CMYK"), "JPEG"),
        "alpha.webp": encoded(flat().convert("RGBA"), "WEBP"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    for name in LITTER:
        (folder / name).write_bytes(b"no picture")
    ids = [name.split(".")[0] for name in files]
    assert run("--benchmark", suite(here / "suite", ids), "--student", "folder:pictures") == 0
    assert set(pictures().values()) == {""}
    with sqlite3.connect("out/run.sqlite") as database:
        records = [json.loads(row[0]) for row in database.execute("SELECT record FROM samples")]
        (summary,) = database.execute("SELECT value FROM meta WHERE key = 'summary'").fetchone()
    noted = {record["case_id"] for record in records if "colour profile" in str(record["notes"].get("picture"))}
    assert noted == {"badprofile"}
    assert json.loads(summary)["generators"][0]["settings"]["skipped_files"] == len(LITTER)


def test_a_multi_picture_jpeg_as_the_source_of_an_edit(here: Path) -> None:
    folder = suite(here / "suite", ["a"], task="edit", source={"path": "s.jpg", "sha256": ""})
    (folder / "s.jpg").write_bytes(multi_picture())
    assert run("--benchmark", folder, "--student", "fake-flat", "--judge", "edit") == 0


def hugging_face(cache: Path) -> Path:
    """A snapshot whose files are links to the blobs of its repository."""
    snapshot = cache / "models--acme--pictures" / "snapshots" / ("0" * 40)
    (cache / "models--acme--pictures" / "blobs").mkdir(parents=True)
    (snapshot / "images").mkdir(parents=True)
    return snapshot


def stored_as_link(link: Path, store: Path, name: str, data: bytes, *, absolute: bool = False) -> None:
    """`data` in a content store, and a link to it."""
    store.mkdir(parents=True, exist_ok=True)
    (store / name).write_bytes(data)
    target = store / name
    link.symlink_to(target if absolute else os.path.relpath(target, link.parent))


def stores(here: Path, kind: str) -> tuple[Path, Path]:
    """A folder of pictures, and the store that its links may lead to."""
    if kind == "hugging face":
        snapshot = hugging_face(here / "hub")
        return snapshot, snapshot.parents[1] / "blobs"
    checkout = here / "checkout"
    (checkout / ".git").mkdir(parents=True)
    (checkout / "pictures" / "images").mkdir(parents=True)
    store = {"git-annex": checkout / ".git" / "annex" / "objects" / "aa", "dvc": checkout / ".dvc" / "cache" / "ab"}
    return checkout / "pictures", store[kind]


@pytest.mark.parametrize("kind", ["hugging face", "git-annex", "dvc"])
def test_links_into_the_content_store_of_the_same_folder(here: Path, kind: str) -> None:
    folder, store = stores(here, kind)
    for name, data in {"a.png": GOOD, "images/b.png": GOOD, "mpo.jpg": multi_picture()}.items():
        stored_as_link(folder / name, store, name.replace("/", "-"), data, absolute=kind == "dvc")
    source = suite(here / "suite", ["a", "b", "mpo"])
    assert run("--benchmark", source, "--student", f"folder:{folder}") == 0
    assert set(pictures().values()) == {""}

    shutil.rmtree("out")
    labels = json.dumps({"id": "a", "image": "a.png", "prompt": "p", "expected_text": "x"}) + "\n"
    stored_as_link(folder / "labels.jsonl", store, "labels", labels.encode())
    assert run("--benchmark", f"labels:{folder}", "--student", f"folder:{folder}") == 0

    shutil.rmtree("out")
    made = suite(here / "made", ["a"], task="edit", source={"path": "a.png", "sha256": ""})
    for name in ("suite.yaml", "cases.jsonl"):
        stored_as_link(folder / name, store, name, (made / name).read_bytes())
    assert run("--benchmark", f"suite:{folder}", "--student", "fake-flat") == 0


def test_other_links_and_special_files_are_not_read(here: Path) -> None:
    folder = here / "pictures"
    folder.mkdir()
    (here / "secret.png").write_bytes(GOOD)
    (folder / "link.png").symlink_to(here / "secret.png")
    (folder / "device.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "fifo.png")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "socket.png"))
    ids = ["link", "device", "fifo", "socket"]
    source = suite(here / "suite", ids)
    assert run("--benchmark", source, "--student", "folder:pictures") == 3
    assert all(pictures().values()), pictures()
    assert "--follow-links" in pictures()["link"]
    shutil.rmtree("out")
    assert run("--benchmark", source, "--student", "folder:pictures", "--follow-links") == 3
    found = pictures()
    assert [name for name in ids if not found[name]] == ["link"], "never a device, a FIFO or a socket"
    shutil.rmtree("out")
    assert run("--benchmark", source, "--student", "folder:pictures") == 3
    assert pictures()["link"], "the flag holds for its own command"


def test_a_broken_picture_of_a_reference_set_is_named_and_does_not_cost_the_figure(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / "real"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encode_png(np.full((8, 8, 3), 100 + number, np.uint8)))
    (folder / "mpo.jpg").write_bytes(multi_picture())
    (folder / "broken.png").write_bytes(GOOD[:40])
    (folder / "text.jpg").write_bytes(b"no picture")
    for name in LITTER:
        (folder / name).write_bytes(b"no picture")
    arguments = ("--benchmark", "fake-benchmark:count=2", "--student", "fake-flat")
    assert run(*arguments, "--metric", f"fake-set-brightness:reference={folder}") == 0
    said = capsys.readouterr()
    assert said.err.index("broken.png: truncated or corrupt") < said.err.index("student pictures")
    assert "text.jpg: not a PNG, JPEG or WebP file; left out" in said.err
    assert f"{len(LITTER)} files that are no pictures are skipped" in said.err
    assert "2/2 pictures against folder real" in said.out
    assert "fake.set_brightness" in said.out


def test_a_reference_set_without_a_picture_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "real").mkdir()
    (here / "real" / "readme.txt").write_text("nothing")
    arguments = ("--benchmark", "fake-benchmark:count=2", "--student", "fake-flat")
    assert run(*arguments, "--metric", "fake-set-brightness:reference=real") == 2
    assert "no picture that the metric" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("how", ["name-path", "name-nul", "name-device", "name-long", "name-dots", "name-absolute"])
def test_a_benchmark_s_name_is_no_path(here: Path, how: str) -> None:
    work = here / "a" / "b" / "c"
    work.mkdir(parents=True)
    os.chdir(work)
    arguments = ["--benchmark", f"hostile-benchmark:how={how}", "--student", "fake-flat", *JUDGE[:4], *JUDGE[6:]]
    assert main(["run", *arguments]) == 0
    (made,) = (work / "runs").iterdir()
    assert (made / "run.sqlite").is_file()
    assert {path.name for path in work.iterdir()} == {"runs"}
    assert {path.name for path in here.iterdir()} <= {"a", "out"}


@pytest.mark.parametrize("label", ["minis-core", "Über_1.0", "हिन्दी", "日本語"])
def test_a_label_that_is_a_file_name_stays(label: str) -> None:
    assert slug(label) == label


@pytest.mark.parametrize(
    "label", ["", "..", "a/b", "a\\b", "a\0b", "con", "NUL.txt", "x" * 500, "-rf", "a\n::b", "\ud800", " "]
)
def test_any_other_label_becomes_one(label: str) -> None:
    made = slug(label)
    assert made != label
    assert len(made.encode()) <= MAX_BYTES
    assert not set(made) & set("/\\\0\n: ")
    assert made[0] not in ".-"


def test_labels_of_a_plugin_are_no_commands(tmp_path: Path, evalkit: Command) -> None:
    (tmp_path / "evalkit.yaml").write_text(
        "benchmark: {use: hostile-benchmark, how: name-command}\nstudent: fake-flat\nteacher: fake-flat\n"
        "judges: [labelled-judge]\nout: out\ngates: [{finding: dark, max_rate: 0.1}]\n"
    )
    shown = tmp_path / "summary.md"
    done = evalkit("run", "evalkit.yaml", env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(shown)})
    assert done.returncode == 1, done.stderr
    for text in (done.stdout, done.stderr, shown.read_text(), (tmp_path / "out" / "comment.md").read_text()):
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert not any(line.strip().startswith("::error::pwned") for line in text.splitlines())
        plain = [line for line in text.splitlines() if not line.startswith("::")]  # a runner reads those as one command
        assert not any("##[error]pwned" in line for line in plain)
    again = evalkit("compare", "out", "out")
    assert again.returncode in (0, 1), again.stderr
    assert "\u202e" not in again.stdout + again.stderr


def test_everything_is_printed_by_the_one_printer() -> None:
    import evalkit.cli

    for path in Path(evalkit.cli.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "say.py":
            for raw in ("click.echo", "click.secho", "print(", "sys.stdout.write", "sys.stderr.write"):
                assert f" {raw}" not in text, f"{path.name} prints past evalkit.cli.say"


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize("name", ["multi-picture-jpeg", "colour-profile"])
def test_the_shared_cases(name: str) -> None:
    case = CASES / name
    arguments = ["--benchmark", case / "suite", "--student", case / "student", "--judge", "grain"]
    assert main(["run", *map(str, arguments), "--teacher", str(case / "teacher"), "--out", "out", "--no-gates"]) in (
        0,
        3,
    )
    assert set(pictures().values()) == {""}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_files_whose_names_are_not_utf_8_are_passed_over(here: Path) -> None:
    folder = here / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(GOOD)
    (folder / b"caf\xe9.png".decode("utf-8", "surrogateescape")).write_bytes(GOOD)
    assert run("--benchmark", suite(here / "suite", ["a"]), "--student", "folder:pictures") == 0
