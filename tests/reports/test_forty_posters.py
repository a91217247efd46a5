"""Forty posters through the real command, 13 with one wrong letter: every report lists these 13 and no other.

Once with a fake judge that reads without an error and a teacher, once with the real reader.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

MISSPELT = (0, 3, 7, 9, 10, 14, 18, 21, 22, 26, 31, 35, 39)
WORDS = ["AMBER", "BIRCH", "CEDAR", "DELTA", "EMBER", "FJORD", "GRAIN", "HAZEL", "IVORY", "JOLLY"]
NOUNS = ["CONCERT", "MARKET", "LIBRARY", "THEATRE"]
JUDGE = '''
import json, pathlib
from evalkit.api import settings
from evalkit.api.records import Box, Dimension, Finding, FindingKind, Grade, Score, Status, Verdict

DRAWN = json.loads(pathlib.Path({drawn!r}).read_text("utf-8"))


class FakeReader:
    """Reads what was really drawn: the picture's top row of pixels names its file."""

    name = "fakereader"
    version = "1"
    concurrency = 1
    Settings = settings.Settings
    dimensions = (Dimension("fakereader.words", "share of words drawn letter for letter"),)
    kinds = (FindingKind("typo", "text", "a wrong letter", Grade.FAILURE, "people read another word"),)

    def __init__(self, settings):
        self.settings = settings

    def fingerprint(self):
        return "fakereader 1"

    def judge(self, picture, case, twin):
        role = "student" if int(picture.pixels[0, 0, 0]) % 2 else "teacher"
        asked, read = case.texts[0].text, DRAWN[role][case.id]
        wrong = [(a, b) for a, b in zip(asked.split(), read.split()) if a != b]
        found = tuple(
            Finding("typo", Box(40, 60, 400, 120), 1, "letters", 1 / len(a), f"{{b}} where {{a}} was asked for",
                    {{"expected": a, "read": b}}, "text:0")
            for a, b in wrong
        )
        share = 1 - len(wrong) / len(asked.split())
        return Verdict(self.name, (Score("fakereader.words", Status.SCORED, share),), found)

    def controls(self):
        return ()

    def close(self):
        return None
'''


def title(number: int) -> str:
    return f"{WORDS[number % 10]} {NOUNS[number // 10]}"


def misspell(text: str, number: int) -> str:
    """The title with one letter replaced by another one of the alphabet."""
    at = 1 + number % 3
    return text[:at] + ("K" if text[at] != "K" else "Q") + text[at + 1 :]


def draw(path: Path, text: str, *, student: bool) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (448, 256), (221 if student else 220, 228, 236))
    ImageDraw.Draw(image).text((40, 60), text, font=ImageFont.load_default(44), fill=(30, 40, 60))
    image.save(path)


def write_suite(folder: Path) -> None:
    """`suite/`, which asks for the forty titles."""
    (folder / "suite").mkdir()
    cases = (
        {
            "id": f"poster-{number:02d}",
            "prompt": f"a poster “{title(number)}”",
            "width": 448,
            "height": 256,
            "texts": [{"text": title(number)}],
        }
        for number in range(40)
    )
    (folder / "suite/cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    (folder / "suite/suite.yaml").write_text('name: posters\nversion: "1"\ntasks: [t2i]\n', encoding="utf-8")


@pytest.fixture
def posters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with suite, both models' pictures and a fake judge that reads them without an error."""
    drawn: dict[str, dict[str, str]] = {"student": {}, "teacher": {}}
    for number in range(40):
        case, asked = f"poster-{number:02d}", title(number)
        drawn["teacher"][case] = asked
        drawn["student"][case] = misspell(asked, number) if number in MISSPELT else asked
        for role, texts in drawn.items():
            (tmp_path / role).mkdir(exist_ok=True)
            draw(tmp_path / role / f"{case}.png", texts[case], student=role == "student")
    write_suite(tmp_path)
    (tmp_path / "drawn.json").write_text(json.dumps(drawn), encoding="utf-8")
    plugins = tmp_path / "plugins"  # evalkit imports nothing from the folder it works in
    plugins.mkdir()
    (plugins / "fakereader_module.py").write_text(JUDGE.format(drawn=str(tmp_path / "drawn.json")), encoding="utf-8")
    info = plugins / "fakereader-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakereader\nVersion: 0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[evalkit.judges]\nfakereader = fakereader_module:FakeReader\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(plugins))
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_all_misspelt_titles_are_listed_everywhere_and_no_other(posters: Path) -> None:
    gate = {"finding": "typo", "max_rate": 0.05}
    exporters = ["verdict", {"use": "github", "annotations": 100}, {"use": "summary", "worst_cases": 100}, "junit"]
    for student, gates in (("teacher", []), ("student", [gate])):
        config = {
            "benchmark": str(posters / "suite"),
            "student": f"folder:{posters / student}",
            "teacher": f"folder:{posters / 'teacher'}",
            "judges": ["fakereader"],
            "gates": gates,
            "exporters": exporters,
        }
        (posters / f"{student}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    base = run("run", "teacher.yaml", "--out", "base")
    assert base[0] == 0, base[1]
    code, said = run("run", "student.yaml", "--out", "new", "--baseline", "base")
    assert code == 1, said
    worst = check_lists(posters / "new", said)
    assert all(f["grade"] == "failure" and f["severity"] < 0.5 and f["gates"] for f in worst)


@pytest.mark.nightly
def test_the_real_reader_finds_them_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # 53 pictures are read: the 27 that are right come from the cache in the second run
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path)
    for role in ("right", "student"):
        (tmp_path / role).mkdir()
        for number in range(40):
            wrong = role == "student" and number in MISSPELT
            text = misspell(title(number), number) if wrong else title(number)
            draw(tmp_path / role / f"poster-{number:02d}.png", text, student=True)
    exporters = ["verdict", {"use": "github", "annotations": 100}, {"use": "summary", "worst_cases": 100}, "junit"]
    reader = {"use": "typography", "threads": 1}  # two threads of one reader wait for each other, busily
    config = {"benchmark": "suite/", "judges": [reader], "exporters": exporters}
    Path("right.yaml").write_text(yaml.safe_dump({**config, "student": "folder:right"}), encoding="utf-8")
    gated = {**config, "student": "folder:student", "gates": [{"finding": "text", "max_rate": 0.05}]}
    Path("student.yaml").write_text(yaml.safe_dump(gated), encoding="utf-8")
    base = run("run", "right.yaml", "--out", "base")
    assert base[0] == 0, base[1]
    assert json.loads(Path("base/verdict.json").read_text("utf-8"))["failures"]["n"] == 0
    code, said = run("run", "student.yaml", "--out", "new", "--baseline", "base")
    assert code == 1, said
    for one in check_lists(tmp_path / "new", said):
        number = int(one["case"][-2:])
        words = zip(title(number).split(), misspell(title(number), number).split(), strict=True)
        assert (one["kind"], one["expected"], one["read"]) == ("typo", *next((a, b) for a, b in words if a != b))
    compared = run("compare", "base", "new")[1].split()
    assert compared[:2] == ["regressed", str(len(MISSPELT))]


def check_lists(out: Path, said: str) -> list[dict[str, Any]]:
    """Every report of the run lists the misspelt titles and no other; the entries of `verdict.json`."""
    wanted = {f"poster-{number:02d}" for number in MISSPELT}
    content = json.loads((out / "verdict.json").read_text("utf-8"))
    assert {c["case"] for c in content["failures"]["cases"]} == wanted
    assert {f["case"] for f in content["failures"]["worst"]} == wanted
    assert {f["bucket"] for f in content["failures"]["worst"]} == {"regressed"}
    assert content["comparison"]["buckets"]["regressed"] == len(MISSPELT)
    assert content["comparison"]["buckets"]["unchanged"] == 40 - len(MISSPELT)
    tests = ElementTree.parse(out / "junit.xml").getroot().iter("testcase")
    failed = [c.get("name", "") for c in tests if c.find("failure") is not None and c.get("classname") != "gates"]
    assert {name.split(" ")[0] for name in failed} == wanted
    assert listed(line for line in (out / "summary.md").read_text("utf-8").splitlines() if "|" in line) == wanted
    assert listed(line for line in said.splitlines() if line.startswith("::warning")) == wanted
    worst: list[dict[str, Any]] = content["failures"]["worst"]
    return worst


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output of the command, in a process of its own."""
    import subprocess

    command = [sys.executable, "-m", "evalkit", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def listed(lines: object) -> set[str]:
    """The posters that lines name."""
    return {found for line in lines for found in re.findall(r"poster-\d\d", line)}  # type: ignore[attr-defined]
