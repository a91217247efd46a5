"""What makes two commands the same run: what they run, and not how or where they were written."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import evalkit.student.mini
from evalkit.api.pictures import encode_png
from evalkit.plugins.packaged import packaged_name
from evalkit.plugins.registry import PluginSpec, identity
from tests.evalkit.conftest import Command

ROOT = Path(__file__).resolve().parents[2]


def test_the_same_settings_are_the_same_plugin(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    relative = PluginSpec.parse("folder:pictures", tmp_path)
    absolute = PluginSpec("folder", {"path": str(tmp_path / "pictures"), "name": ""}, base=Path("/"))
    bare = PluginSpec.parse("./pictures", tmp_path)
    assert identity("generators", relative) == identity("generators", absolute) == identity("generators", bare)
    assert identity("generators", relative) != identity("generators", PluginSpec("folder", {"path": str(tmp_path)}))


def test_a_preset_is_its_settings() -> None:
    from evalkit.plugins.presets import presets

    use, settings = presets()["flash-mini"].resolve({}, "")
    assert identity("generators", PluginSpec("flash-mini")) == identity("generators", PluginSpec(use, settings))


def test_a_spec_does_not_depend_on_the_working_folder() -> None:
    assert PluginSpec("scenes").base == Path()


def test_the_same_command_from_two_folders_is_the_same_run(tmp_path: Path, evalkit: Command) -> None:
    pictures, out = tmp_path / "one" / "pictures", tmp_path / "out"
    (pictures / "flat").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (pictures / "flat" / "0000.png").write_bytes(encode_png(np.full((16, 16, 3), 200, np.uint8)))
    common = ["run", "--benchmark", "fake-benchmark:count=1", "--judge", "fake-brightness", "--teacher", "none"]
    common += ["--out", str(out)]
    for folder, student in (("one", "folder:pictures"), ("two", f"folder:{pictures}"), ("two", "../one/pictures")):
        done = evalkit(*common, "--student", student, cwd=tmp_path / folder)
        assert done.returncode == 0, done.stderr
    other = evalkit(*common, "--student", "fake-flat", cwd=tmp_path)
    assert other.returncode == 2
    assert "another run" in other.stderr


def test_a_close_that_raises_does_not_decide_the_run(evalkit: Command) -> None:
    done = evalkit(
        *("run", "--benchmark", "fake-benchmark", "--judge", "hostile-judge:how=close-surrogate", "--teacher", "none"),
        *("--student", "fake-flat:raise_on_close=true", "--out", "out"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the student could not be closed: RuntimeError('a bug in close (fake)')") == 1
    assert done.stderr.count("could not be closed") == 2, "the judge's, too, is said once"


def test_a_judge_with_a_journal_of_its_own_is_replayed(tmp_path: Path, evalkit: Command) -> None:
    arguments = ["--benchmark", "fake-benchmark:count=2", "--judge", "fake-journal", "--teacher", "none"]
    done = evalkit("run", *arguments, "--student", "fake-flat", "--out", "out")
    assert done.returncode == 0, done.stderr
    journal = (tmp_path / "out" / "fake-journal.txt").read_text()
    again = evalkit("judge", "replay", "out", "--out", "again")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again" / "fake-journal.txt").read_text() == journal
    assert "2/2 scored" in again.stdout


IDENTITIES = """
import json, evalkit
from evalkit.config.load import load_config
from evalkit.engine.plan import assemble
plan = assemble(load_config(None, {}))
case = next(plan.cases())
print(json.dumps({
    "home": evalkit.__file__,
    "run": plan.digest(),
    "generators": {role.value: generator.fingerprint(case) for role, generator in plan.generators.items()},
    "judges": [judge.fingerprint() for judge in plan.judges],
    "benchmark": plan.benchmark_info.digest,
}))
"""


def test_the_same_command_is_the_same_run_wherever_evalkit_is_installed(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    found = []
    here = ROOT / "evalkit"
    there = tmp_path / "elsewhere" / "evalkit"
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))  # with the rooms in it, as in a wheel
    for home in (here, there):
        done = subprocess.run(
            [sys.executable, "-c", IDENTITIES],
            env={**environment, "PYTHONPATH": str(home.parent)}, cwd=tmp_path, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        found.append(json.loads(done.stdout.splitlines()[-1]))
    homes = [Path(each.pop("home")).parent for each in found]
    assert homes == [here, there]
    assert found[0] == found[1]


def test_a_path_outside_of_the_package_is_part_of_the_identity(tmp_path: Path) -> None:
    assert packaged_name(str(tmp_path)) == str(tmp_path)
    assert packaged_name(evalkit.student.mini.__path__[0]) == "evalkit:student/mini"
    assert packaged_name(str(ROOT / "tests")) == str(ROOT / "tests")
