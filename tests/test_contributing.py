"""The examples of CONTRIBUTING.md work as they stand: taken from the page, put on the path, and run."""

import csv
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
DIMENSION = "swatch-colour.error"
BLOCKS: dict[str, str] = dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
OF_THE_REPORT = {"SECTIONS", "reports/licences.py", "reports/html/templates/sections/licences.html.j2"}
"""Blocks that are no part of the plug-in package."""
ROOMS_NOT_CHANGED = ("benchmarks", "judges", "student")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `site/` holds the plug-ins of the page, with the metadata that installing them would have written,
    and whose `project/` holds the config. (evalkit imports nothing from the folder it is called in.)"""
    folder = tmp_path_factory.mktemp("contributing")
    site = folder / "site"
    for name, text in BLOCKS.items():
        if name in OF_THE_REPORT:
            continue
        path = folder / ("project" if name == "evalkit.yaml" else "site") / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")
    project = tomllib.loads(BLOCKS["pyproject.toml"])["project"]
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


@pytest.fixture(scope="module")
def run(example: Path) -> subprocess.CompletedProcess[str]:
    """The run of the page, into `project/out`."""
    return evalkit(example, "run", "evalkit.yaml", "--out", "out")


def evalkit(folder: Path, *arguments: str, first: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in `folder/project`, with the plug-ins on the path and, before everything, `first`."""
    path = os.pathsep.join(map(str, [*([first] if first else []), folder / "site"]))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EVALKIT_", "GITHUB_"))}
    environment = {**kept, "PYTHONPATH": path, "EVALKIT_CACHE": "none", "PYTHONUTF8": "1"}
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


def test_the_run_ends_as_the_page_says(example: Path, run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 1, run.stdout + run.stderr
    out = example / "project" / "out"
    with (out / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4, "a row for each of both roles and four colours"
    errors = {role: [float(row["value"]) for row in rows if row["role"] == role] for role in ("student", "teacher")}
    assert min(errors["student"]) > 15
    assert max(errors["teacher"]) < 1
    assert (out / "report" / "index.html").is_file()


def test_the_section_is_in_the_page_and_in_the_summary(
    example: Path, run: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    changed = with_the_section(tmp_path / "changed")
    done = evalkit(example, "report", "out", "--exporter", "html", "--exporter", "summary", first=changed)
    assert done.returncode == 0, done.stdout + done.stderr
    out = example / "project" / "out"
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert '<a href="#licences">Licences</a>' in page
    assert "<li><bdi>swatch painter +20</bdi>: <bdi>Apache-2.0</bdi></li>" in page
    assert "### Licences" in (out / "summary.md").read_text(encoding="utf-8")


def with_the_section(folder: Path) -> Path:
    """A copy of evalkit with the files of the page in their places and the entry in the list of sections."""
    shutil.copytree(ROOT / "evalkit", folder / "evalkit", ignore=lambda *_: {*ROOMS_NOT_CHANGED, "reports"})
    shutil.copytree(ROOT / "reports", folder / "evalkit" / "reports")
    for room in ROOMS_NOT_CHANGED:
        (folder / "evalkit" / room).symlink_to(ROOT / room)
    for name in OF_THE_REPORT - {"SECTIONS"}:
        (folder / "evalkit" / name).write_text(BLOCKS[name], encoding="utf-8")
    path = folder / "evalkit" / "reports" / "sections.py"
    before, last, after = path.read_text(encoding="utf-8").rpartition('    Section("run"')
    assert last, "the list ends with the section `run`"
    imports = "from evalkit.reports.licences import licences, licences_markdown\n\nMAX_CONFIG"
    before = before.replace("\nMAX_CONFIG", imports, 1)
    path.write_text(f"{before}    {BLOCKS['SECTIONS'].rstrip()},\n{last}{after}", encoding="utf-8")
    return folder
