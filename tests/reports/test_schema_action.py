"""`action.yml`: a composite action whose inputs never become part of a script."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
HOSTILE = 'a b\'; touch pwned; $(touch pwned) `touch pwned` "$HOME" --out=x\n::error::x'


def step(**wanted: str) -> dict[str, Any]:
    return next(s for s in STEPS if all(str(s.get(k, "")).startswith(v) for k, v in wanted.items()))


def test_it_is_a_composite_action_with_described_inputs_and_outputs() -> None:
    assert ACTION["runs"]["using"] == "composite"
    wanted = {"config", "student", "teacher", "baseline", "out", "python-version", "cache-key"}
    assert wanted <= set(ACTION["inputs"])
    assert all(i["description"] and isinstance(i["default"], str) for i in ACTION["inputs"].values())
    assert {"outcome", "report"} <= set(ACTION["outputs"])
    assert all(o["description"] for o in ACTION["outputs"].values())


def test_no_expression_is_part_of_a_script() -> None:
    scripts = [s for s in STEPS if "run" in s]
    assert scripts
    for script in scripts:
        assert script["shell"] == "bash"
        assert "${{" not in script["run"], script["run"]


def test_every_expression_means_something() -> None:
    ids = {s["id"] for s in STEPS if "id" in s}
    for output in ACTION["outputs"].values():
        (expression,) = EXPRESSION.findall(output["value"])
        assert expression.split(".")[:2] == ["steps", "run"]
        assert "run" in ids
    used = {found for s in STEPS for found in EXPRESSION.findall(yaml.dump({k: s.get(k) for k in ("env", "with")}))}
    inputs = {name.removeprefix("inputs.") for name in used if name.startswith("inputs.")}
    assert inputs == set(ACTION["inputs"])
    assert not [name for name in used if name.startswith(("secrets.", "github.event", "github.head_ref"))]


def test_the_outputs_are_those_the_exporter_writes(tmp_path: Path) -> None:
    from evalkit.reports.ci.github import step_outputs
    from tests.reports.conftest import demo_summary

    assert set(ACTION["outputs"]) == set(step_outputs(demo_summary(), tmp_path))


def test_the_variables_are_those_of_the_options() -> None:
    from evalkit.cli.run import command

    known = {parameter.envvar for parameter in command.params}
    assert set(step(id="run")["env"]) <= known


def test_what_was_made_is_kept_whatever_the_outcome() -> None:
    assert step(uses="actions/upload-artifact")["if"] == "always()"
    assert step(uses="actions/cache/save")["if"] == "always()"
    restore, save = step(uses="actions/cache/restore")["with"], step(uses="actions/cache/save")["with"]
    assert (restore["path"], restore["key"]) == (save["path"], save["key"])
    assert restore["key"].startswith(restore["restore-keys"])
    assert restore["path"] == step(id="run")["env"]["EVALKIT_CACHE"]


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Runs a step's script as the runner does, with doubles of `python` and `evalkit` that write down what they get."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python", "evalkit"):
        double = programs / name
        double.write_text(f'#!/bin/bash\nprintf "%s\\0" {name} "$@" >> "$LOG"\nenv -0 > "$LOG.env"\n', encoding="utf-8")
        double.chmod(0o755)

    def run(step: dict[str, Any], inputs: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        given = {
            name: EXPRESSION.sub(lambda found: inputs.get(found[1], ""), str(value))
            for name, value in step["env"].items()
        }
        script = tmp_path / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(log), "GITHUB_ACTION_PATH": "/action"}
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        subprocess.run(line, check=True, cwd=tmp_path, env={**environment, **given})
        seen = dict(pair.split("=", 1) for pair in Path(f"{log}.env").read_text("utf-8").split("\0") if "=" in pair)
        return log.read_text("utf-8").split("\0")[:-1], seen

    return run


def test_hostile_inputs_arrive_as_they_are(shell: Any, tmp_path: Path) -> None:
    inputs = {f"inputs.{name}": f"{name} {HOSTILE}" for name in ACTION["inputs"]}
    arguments, seen = shell(step(id="run"), inputs)
    assert arguments == ["evalkit", "run"]
    for variable, name in (("CONFIG", "config"), ("STUDENT", "student"), ("BASELINE", "baseline"), ("OUT", "out")):
        assert seen[f"EVALKIT_{variable}"] == f"{name} {HOSTILE}"
    arguments, _ = shell(step(name="Install"), inputs)
    assert arguments[-1] == f"/action[extras {HOSTILE}]"
    assert not (tmp_path / "pwned").exists()


def test_it_installs_this_repository_with_its_constraints(shell: Any) -> None:
    arguments, _ = shell(step(name="Install"), {})
    assert arguments[:4] == ["python", "-m", "pip", "install"]
    assert arguments[-3:] == ["--constraint", "/action/constraints.txt", "/action"]
    assert (ROOT / "constraints.txt").is_file()


def test_an_input_left_empty_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalkit.cli.run import command

    for name in step(id="run")["env"]:
        monkeypatch.setenv(name, "")
    read = command.make_context("run", [])
    assert {read.params[name] for name in ("config", "student", "teacher", "baseline", "out", "cache")} == {None}
