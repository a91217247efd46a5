"""Broken and hostile input through the real command: a marked cell or a clear error, nothing lost, nothing executed."""

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evalkit.api.pictures import encode_png
from tests.evalkit.conftest import Command
from tests.evalkit.test_pictures import png_bomb

pytestmark = pytest.mark.slow

GOOD = encode_png(np.full((16, 16, 3), 200, np.uint8))
PROMPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \x01\x1b[31m\u2028\u202eevil"


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def suite(folder: Path, cases: list[dict[str, Any]] | str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text("name: hostile\nversion: '1'\ntasks: [t2i, edit]\ncases: cases.jsonl\n")
    text = cases if isinstance(cases, str) else "".join(json.dumps(case) + "\n" for case in cases)
    (folder / "cases.jsonl").write_text(text, encoding="utf-8")
    return folder


def errors(out: Path) -> dict[str, str]:
    """Case id -> reason, of the student's pictures that are missing."""
    with sqlite3.connect(out / "run.sqlite") as database:
        rows = database.execute("SELECT record FROM samples WHERE ok = 0").fetchall()
    return {sample["case_id"]: sample["error"] for sample in (json.loads(row[0]) for row in rows)}


def test_broken_pictures_are_marked_cells_and_the_rest_is_judged(tmp_path: Path, evalkit: Command) -> None:
    noise = encode_png(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    files = {
        "good": GOOD,
        "empty": b"",
        "corrupt": noise[:60] + bytes(100) + noise[160:],
        "bomb": png_bomb(30_000),
        "text": b"#!/bin/sh\ntouch pwned\n",
        "pickle": b"\x80\x04cposix\nsystem\n(S'touch pwned'\ntR.",
    }
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, data in files.items():
        (pictures / f"{name}.png").write_bytes(data)
    (pictures / "truncated.jpg").write_bytes(jpeg()[:700])
    cases = [{"id": name, "prompt": PROMPT, "width": 16, "height": 16} for name in (*files, "truncated", "nothing")]
    arguments = ["--benchmark", suite(tmp_path / "suite", cases), "--student", "folder:pictures", "--out", "out"]
    done = evalkit("run", *arguments, "--judge", "fake-brightness")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    reasons = errors(tmp_path / "out")
    assert set(reasons) == {*files, "truncated", "nothing"} - {"good"}
    for name, says in {
        "empty": "0 bytes",
        "corrupt": "truncated or corrupt",
        "bomb": "too large",
        "text": "not a PNG",
        "pickle": "not a PNG",
        "truncated": "truncated or corrupt",
        "nothing": "no image",
    }.items():
        assert says in reasons[name], reasons[name]
    assert not list(tmp_path.rglob("pwned"))
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        statuses = dict(database.execute("SELECT status, COUNT(*) FROM scores GROUP BY 1").fetchall())
        numbers = database.execute(
            "SELECT COUNT(*) FROM scores WHERE status != 'scored' AND value IS NOT NULL"
        ).fetchone()
    assert statuses == {"scored": 1, "skipped": 7}
    assert numbers == (0,)


def test_hostile_prompts_show_as_text(tmp_path: Path, evalkit: Command) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(GOOD)
    cases = [{"id": "a", "prompt": PROMPT, "width": 16, "height": 16}]
    arguments = ["--benchmark", suite(tmp_path / "suite", cases), "--student", "folder:pictures", "--out", "out"]
    done = evalkit("run", *arguments, "--judge", "fake-brightness")
    assert done.returncode == 0, done.stderr
    assert "\x1b[31m" not in done.stdout + done.stderr
    for path in (tmp_path / "out" / "report").rglob("*"):
        if path.suffix in (".html", ".js"):
            text = path.read_text(encoding="utf-8")
            assert "<script>alert" not in text, path
            assert "onerror=alert(2)>" not in text or path.suffix == ".js", path
    assert json.loads((tmp_path / "out" / "leaderboard.json").read_text())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "../../etc/x", "prompt": "p"}', "case id"),
        ('{"id": "a", "prompt": "p"}\n{"id": "a", "prompt": "q"}', "a"),
        ('{"id": "a", "promt": "p"}', "prompt"),
        ('{"id": "a", "prompt": ', "2"),
        ('{"id": "a", "prompt": "p", "width": -4}', "size -4x1024"),
        (
            '{"id": "a", "prompt": "p", "task": "edit", "source": {"path": "../../secret.png", "sha256": ""}}',
            "secret.png",
        ),
        ("", "empty"),
    ],
)
def test_hostile_suites_are_refused_before_anything_starts(
    tmp_path: Path, evalkit: Command, line: str, says: str
) -> None:
    folder = suite(tmp_path / "suite", '{"id": "first", "prompt": "p"}\n' + line + "\n" if line else "")
    done = evalkit("run", "--benchmark", folder, "--student", "fake-flat", "--judge", "fake-brightness", "--out", "out")
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", ["raise_on", "fail_on", "nan_on", "unserialisable_on", "wrong_dimension_on"])
def test_a_misbehaving_judge_marks_its_cell_and_the_run_goes_on(tmp_path: Path, evalkit: Command, how: str) -> None:
    judge = f"fake-brightness:{how}=flat/0002"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", judge, "--out", "out")
    assert done.returncode == 3, done.stderr
    assert "is 83.3%" in done.stdout
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        rows = database.execute("SELECT idx, status, value, reason FROM scores WHERE status != 'scored'").fetchall()
    assert [row[:3] for row in rows] == [(2, "error", None)]
    assert rows[0][3]


def test_a_judge_whose_process_dies_costs_the_picture_in_hand(tmp_path: Path, evalkit: Command) -> None:
    judge = "fake-brightness:concurrency=1,die_on=flat/0002"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", judge, "--out", "out")
    assert done.returncode == 3, done.stderr
    assert "is 83.3%" in done.stdout
    with sqlite3.connect(tmp_path / "out" / "run.sqlite") as database:
        rows = database.execute("SELECT idx, status, reason FROM scores WHERE status != 'scored'").fetchall()
    assert rows == [(2, "error", "the judge's process died (exit code -9)")]


def test_a_judge_that_always_dies_leaves_the_run_undecided(evalkit: Command) -> None:
    judge = "fake-brightness:concurrency=1,die_on=flat/0000+flat/0001+flat/0002+flat/0003"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", judge, "--out", "out")
    assert done.returncode == 3
    assert "3 times in a row" in done.stderr
    done = evalkit(
        "run",
        "--benchmark",
        "fake-benchmark",
        "--student",
        "fake-flat",
        "--judge",
        "fake-brightness:die_on=all",
        "--out",
        "o",
    )
    assert done.returncode == 3
    assert "process died" in done.stderr


def test_controls_with_a_bug_make_the_judge_invalid(evalkit: Command) -> None:
    judge = "fake-brightness:broken_controls=true"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", judge, "--out", "out")
    assert done.returncode == 3
    assert "judge invalid" in done.stdout


def test_an_abstention_is_covered_but_no_number(tmp_path: Path, evalkit: Command) -> None:
    judge = "fake-brightness:abstain_on=flat/0002"
    done = evalkit("run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", judge, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "5/6 scored" in done.stdout


@pytest.mark.parametrize("how", ["raise_on", "broken_on", "fail_on"])
def test_a_generator_that_fails_on_one_case_costs_one_cell(tmp_path: Path, evalkit: Command, how: str) -> None:
    student = f"fake-flat:batch_size=3,{how}=flat/0001"
    done = evalkit(
        "run", "--benchmark", "fake-benchmark", "--student", student, "--judge", "fake-brightness", "--out", "out"
    )
    assert done.returncode == 3, done.stderr
    assert list(errors(tmp_path / "out")) == ["flat/0001"]


def test_a_foreign_database_is_refused(tmp_path: Path, evalkit: Command) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.sqlite").write_bytes(b"this is no database" * 100)
    done = evalkit(
        "run", "--benchmark", "fake-benchmark", "--student", "fake-flat", "--judge", "fake-brightness", "--out", "out"
    )
    assert done.returncode == 3
    assert "not a database of evalkit" in done.stderr
    assert "Traceback" not in done.stderr
