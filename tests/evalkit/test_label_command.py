"""`evalkit judge label`: which pictures are asked about, and what is refused. The page: tests/reports/labelling."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from evalkit.api.errors import UsageError
from evalkit.api.labels import Label, LabelFile, LabelledPicture
from evalkit.api.records import Role
from evalkit.formats.keys import to_json
from evalkit.store.run_reader import RunReader
from evalkit.studies.calibrate.schema import make_schema
from evalkit.studies.calibrate.sheet import choose
from tests.evalkit.conftest import FAKES, Command
from tests.evalkit.test_hostile_input import GOOD, PROMPT

pytestmark = pytest.mark.slow

CASES = 30
DIMENSION = "fake.brightness"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty cases with two seeds; the judge abstains on one case, the student has no picture of another."""
    folder = tmp_path_factory.mktemp("labelled")
    command = [
        sys.executable, "-m", "evalkit", "run", "--benchmark", f"fake-benchmark:count={CASES}", "--out", "run",
        "--judge", "fake-brightness:abstain_on=flat/0003", "--seeds", "2",
        "--student", "fake-flat:spread=50,fail_on=flat/0005", "--teacher", "fake-flat:level=20,spread=200",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(FAKES), "EVALKIT_CACHE": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return folder / "run"


def test_a_random_sample_of_cases_with_both_twins(run: Path) -> None:
    with RunReader(run) as reader:
        sheet, pictures = choose(reader, [DIMENSION], 20, seed=1)
        again, _ = choose(reader, [DIMENSION], 20, seed=1)
        other, _ = choose(reader, [DIMENSION], 20, seed=2)
    assert sheet == again
    assert {item.case_id for item in sheet.items} != {item.case_id for item in other.items}
    assert (sheet.sampling.cases_eligible, sheet.sampling.questions) == (CASES, len(sheet.items))
    assert 20 <= len(sheet.items) <= 21
    seeds = {(item.case_id, item.seed) for item in sheet.items}
    assert len(seeds) == sheet.sampling.cases_drawn, "one seed of a case"
    roles = Counter(item.pictures[0].role for item in sheet.items)
    assert abs(roles[Role.STUDENT] - roles[Role.TEACHER]) <= 1
    assert {one.sha256 for item in sheet.items for one in item.pictures} == set(pictures)
    twins_together = sum(a.case_id == b.case_id for a, b in zip(sheet.items, sheet.items[1:], strict=False))
    assert twins_together < 5, "shuffled, not twin after twin"


def test_every_case_has_the_same_chance(run: Path) -> None:
    drawn: Counter[str] = Counter()
    with RunReader(run) as reader:
        for seed in range(150):
            sheet, _ = choose(reader, [DIMENSION], 16, seed)
            drawn.update({item.case_id for item in sheet.items})
    assert set(drawn) == {f"flat/{i:04d}" for i in range(CASES)}, "those that the judge abstained on too"
    expected = 150 * 8 / CASES
    assert max(abs(n - expected) for n in drawn.values()) < 4.5 * (expected * (1 - 8 / CASES)) ** 0.5


def test_pairs_are_two_pictures_on_random_sides(run: Path) -> None:
    with RunReader(run) as reader:
        sheet, _ = choose(reader, [f"{DIMENSION}=pairwise"], 1000, seed=0)
        with pytest.raises(UsageError, match="a pairwise question needs the pictures of both roles"):
            choose(reader, [f"{DIMENSION}=pairwise"], 10, 0, (Role.STUDENT,))
        single, _ = choose(reader, [DIMENSION], 1000, 0, (Role.TEACHER,))
    assert len(sheet.items) == CASES - 1, "without the one that has no picture of the student"
    assert sheet.sampling.cases_drawn == sheet.sampling.questions == CASES - 1
    assert all(len(item.pictures) == 2 for item in sheet.items)
    assert 5 < sum(item.pictures[0].role is Role.STUDENT for item in sheet.items) < CASES - 6
    assert {one.role for item in single.items for one in item.pictures} == {Role.TEACHER}


def test_no_pair_is_no_page(tmp_path: Path, evalkit: Command) -> None:
    run = ("run", "--benchmark", "fake-benchmark:count=1", "--judge", "fake-brightness", "--out", "run")
    evalkit(*run, "--student", "fake-flat:fail_on=flat/0000", "--teacher", "fake-flat:level=20")
    done = evalkit("judge", "label", "run", "--dimension", f"{DIMENSION}=pairwise")
    assert done.returncode == 2, done.stderr
    assert "no case has the pictures of both roles" in done.stderr
    assert not (tmp_path / "labels.html").exists()


def test_the_command_writes_a_page_that_shows_no_scores(run: Path, tmp_path: Path, evalkit: Command) -> None:
    done = evalkit("judge", "label", run, "--dimension", f"{DIMENSION}=yesno", "--n", 10, "--out", "a/labels.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "a" / "labels.html")
    assert "of 30 cases, drawn with seed 0" in done.stdout
    page = (tmp_path / "a" / "labels.html").read_text("utf-8")
    sheet = json.loads(re.findall(r'id="sheet">(.*?)</script>', page)[0])
    assert set(sheet["items"][0]) == {
        "case_id", "seed", "prompt", "task", "texts", "pictures", "source", "questions",
    }, "nothing of what a judge said"  # fmt: skip
    values = [answer["value"] for answer in sheet["questions"][0]["answers"]]
    assert values == ["no", "yes"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "no dimension is given"),
        (("--dimension", "fake.brightnes"), "no dimension `fake.brightnes`"),
        (("--dimension", f"{DIMENSION}=stars"), "`stars` is not a kind of question"),
        (("--dimension", DIMENSION, "--dimension", f"{DIMENSION}=yesno"), "given twice"),
        (("--dimension", DIMENSION, "--n", "0"), "--n"),
        (("--dimension", DIMENSION, "--role", "nobody"), "nobody"),
    ],
)
def test_a_wrong_command_writes_nothing(
    run: Path, tmp_path: Path, evalkit: Command, more: tuple[str, ...], said: str
) -> None:
    done = evalkit("judge", "label", run, *more)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "labels.html").exists()


def test_what_a_label_is_worth() -> None:
    student, teacher = LabelledPicture(Role.STUDENT, "a" * 64), LabelledPicture(Role.TEACHER, "b" * 64)
    assert [Label("c", 0, "d", "scale", (student,), level).worth for level in (1, 2, 5)] == [0, 0.25, 1]
    assert [Label("c", 0, "d", "yesno", (student,), said).worth for said in ("no", "yes")] == [0, 1]
    sides = (teacher, student)
    assert [Label("c", 0, "d", "pairwise", sides, said).worth for said in ("a", "tie", "b")] == [0, 0.5, 1]
    with pytest.raises(ValueError, match="a student's and a teacher's"):
        Label("c", 0, "d", "pairwise", (student, student), "a")


def test_labels_obey_the_published_schema() -> None:
    label = Label("c", 0, "d", "scale", (LabelledPicture(Role.STUDENT, "a" * 64),), 3)
    content = {"$schema": "labels.schema.json", "format_version": 1, **to_json(LabelFile("Ann", (label,)))}
    jsonschema.validate(content, make_schema("labels.schema.json"))
    for wrong in (content | {"rater": ""}, content | {"more": 1}, {**content, "labels": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, make_schema("labels.schema.json"))


def test_an_edit_shows_its_source_and_a_hostile_prompt_stays_text(tmp_path: Path, evalkit: Command) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "suite.yaml").write_text("name: edits\nversion: '1'\ntasks: [edit]\ncases: cases.jsonl\n")
    (folder / "before.png").write_bytes(GOOD)
    lines = [
        {"id": f"edit/{i}", "prompt": PROMPT, "task": "edit", "width": 16, "height": 16,
         "source": {"path": "before.png", "sha256": ""}}
        for i in range(3)
    ]  # fmt: skip
    (folder / "cases.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    run = ("run", "--benchmark", folder, "--student", "fake-flat", "--judge", "fake-brightness", "--out", "run")
    done = evalkit(*run, "--teacher", "none")
    assert done.returncode == 0, done.stderr
    done = evalkit("judge", "label", "run", "--dimension", DIMENSION, "--n", 2)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "labels.html").read_text("utf-8")
    sheet = json.loads(re.findall(r'id="sheet">(.*?)</script>', page)[0])
    sha = hashlib.sha256(GOOD).hexdigest()
    assert [item["source"] for item in sheet["items"]] == [sha, sha]
    assert page.count(f'id="picture-{sha}"') == 1
    assert "<img src=x" not in page
    assert "alert(1)" in sheet["items"][0]["prompt"]
    assert "before the edit" not in done.stdout
    (folder / "before.png").rename(folder / "moved.png")
    done = evalkit("judge", "label", "run", "--dimension", DIMENSION, "--n", 2, "--out", "without.html")
    assert "note: 2 edits are shown without the picture before the edit" in done.stdout
    (tmp_path / "run" / "pictures").rename(tmp_path / "run" / "gone")
    done = evalkit("judge", "label", "run", "--dimension", DIMENSION, "--n", 2, "--out", "two.html")
    assert done.returncode == 3, "the run folder is damaged"
    assert "Traceback" not in done.stderr
    assert "can't be read" in done.stderr
    assert "the same `evalkit run` again" in done.stderr
    assert not (tmp_path / "two.html").exists()
    (tmp_path / "run" / "gone").rename(tmp_path / "run" / "pictures")
    done = evalkit("judge", "label", "run", "--dimension", DIMENSION, "--out", "labels.html/two.html")
    assert done.returncode == 2, done.stderr
    assert "can't be written" in done.stderr
