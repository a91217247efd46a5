"""The examples of CONTRIBUTING.md work as they stand: taken from the page, put on the path, and run."""

import csv
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
DIMENSION = "swatch-colour.error"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `site/` holds the plug-ins of the page, with the metadata that installing them would have written,
    and whose `project/` holds the config. (evalkit imports nothing from the folder it is called in.)"""
    folder = tmp_path_factory.mktemp("contributing")
    site = folder / "site"
    blocks = dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    for name, text in blocks.items():
        path = folder / ("project" if name == "evalkit.yaml" else "site") / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
    project = tomllib.loads(blocks["pyproject.toml"])["project"]
    metadata = site / f"{project['name']}-{project['version']}.dist-info"
    metadata.mkdir()
    about = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(about, encoding="utf-8")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")
    return folder


def evalkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EVALKIT_", "GITHUB_"))}
    environment = {**kept, "PYTHONPATH": str(folder / "site"), "EVALKIT_CACHE": "none", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "evalkit", *arguments]
    return subprocess.run(
        command, cwd=folder / "project", env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_page_has_an_example_of_each_kind(example: Path) -> None:
    for name in ("benchmark", "generator", "judge", "exporter"):
        assert (example / "site" / "swatches" / f"{name}.py").is_file(), name


def test_the_plug_ins_are_listed(example: Path) -> None:
    done = evalkit(example, "list")
    assert done.returncode == 0, done.stderr
    for name in ("swatches", "swatch-painter", "swatch-colour", "csv", DIMENSION):
        assert name in done.stdout
    assert "not usable" not in done.stdout


def test_the_run_ends_as_the_page_says(example: Path) -> None:
    done = evalkit(example, "run", "evalkit.yaml", "--out", "out")
    assert done.returncode == 1, done.stdout + done.stderr
    with (example / "project" / "out" / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4, "a row for each of both roles and four colours"
    errors = {role: [float(row["value"]) for row in rows if row["role"] == role] for role in ("student", "teacher")}
    assert min(errors["student"]) > 15
    assert max(errors["teacher"]) < 1
    assert (example / "project" / "out" / "report" / "index.html").is_file()
