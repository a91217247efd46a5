"""The example plug-in, installed beside the wheel of evalkit in an environment of its own: types, tests, a run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN = ROOT / "examples" / "evalkit-example-plugin"
ROOMS = ("evalkit", "benchmarks", "judges", "reports", "student")

pytestmark = pytest.mark.slow


def call(*command: object, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with both wheels; everything else comes from the environment of this test.

    Wheels are built from copies, so that no build folder is left in the repository. Nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("example")
    sources = folder / "evalkit"
    sources.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for room in ROOMS:
        shutil.copytree(ROOT / room, sources / room, symlinks=True, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, sources / file)
    shutil.copytree(PLUGIN, folder / "plugin", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "-q"]
    for source in (sources, folder / "plugin"):
        call(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder / "wheels", source, cwd=folder)
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    others = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "zz_base.pth").write_text("\n".join(others), encoding="utf-8")
    wheels = sorted((folder / "wheels").glob("*.whl"))
    call(*pip, "--python", python, "install", *offline, "--force-reinstall", *wheels, cwd=folder)
    where = call(python, "-c", "import evalkit; print(evalkit.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(packages), "the wheel, and not the clone, is tested"
    return python


def test_it_type_checks_against_the_installed_wheel(python: Path, tmp_path: Path) -> None:
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", tmp_path]
    assert "Success" in call(*mypy, "-p", "evalkit_example_plugin", cwd=tmp_path)
    (tmp_path / "wrong.py").write_text(
        "from evalkit.api import Judge\n"
        "from evalkit.plugins.registry import create, PluginSpec\n"
        "from evalkit_example_plugin.generator import GradientGenerator, GradientSettings\n"
        'judge: Judge = create("judges", PluginSpec("sharpness"))\n'
        'number: int = create("judges", PluginSpec("sharpness"))\n'
        "wrong: Judge = GradientGenerator(GradientSettings())\n",
        encoding="utf-8",
    )
    done = subprocess.run([*map(str, mypy), "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "wrong.py:4:" not in done.stdout, done.stdout
    assert "wrong.py:5: error: Incompatible types" in done.stdout
    assert "wrong.py:6: error: Incompatible types" in done.stdout


def test_its_own_tests_pass(python: Path, tmp_path: Path) -> None:
    call(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", PLUGIN / "tests", "--rootdir", tmp_path, cwd=tmp_path)


def test_evalkit_lists_it_and_runs_it(python: Path, tmp_path: Path) -> None:
    assert "sharpness.edges" in call(python, "-m", "evalkit", "list", "judges", cwd=tmp_path)
    assert "gradient" in call(python, "-m", "evalkit", "list", "generators", cwd=tmp_path)
    run = ["run", "--benchmark", "tiles:count=4,edit_share=0", "--student", "gradient", "--teacher", "none"]
    run += ["--judge", "sharpness", "--out", "out", "--cache", "none"]
    assert "sharpness.edges" in call(python, "-m", "evalkit", *run, cwd=tmp_path)
