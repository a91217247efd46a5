"""The config that a run stores: every gate comes back as it was, and one that can't be read is never passed over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalkit.api.errors import ConfigError
from evalkit.api.records import Blame, Grade, Task
from evalkit.api.results import GateResult
from evalkit.config.model import Gate, RunConfig
from evalkit.config.stored import config_from_json, config_to_json
from evalkit.plugins.registry import PluginSpec
from evalkit.store.run_reader import RunReader
from evalkit.verdict.results import StoredResults
from tests.evalkit.conftest import Command

NUMBERS = st.floats(-1e6, 1e6)
SHARES = st.floats(0, 1)
WHERE = st.fixed_dictionaries(
    {}, optional={"task": st.sampled_from(Task), "category": st.just("poster"), "tag": st.just("cjk")}
)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "where": WHERE,
    "min_scored": SHARES,
    "undecided": st.sampled_from(["stop", "warn"]),
    "against": st.sampled_from(["teacher", "baseline"]),
    "confidence": st.floats(0.6, 0.99),
}
ON_DIMENSION = st.one_of(
    *(
        st.fixed_dictionaries({"dimension": st.just("fake.truth"), bound: values}, optional=COMMON)
        for bound, values in (("min_value", NUMBERS), ("max_value", NUMBERS), ("max_drop", st.floats(0, 1e6)))
    )
)
OF_FINDINGS = {
    "grade": st.sampled_from(Grade),
    "blame": st.sampled_from([each for each in Blame if each is not Blame.TEACHER_ONLY]),
}
ON_FINDING = st.fixed_dictionaries({"finding": st.just("typo"), "max_rate": SHARES}, optional=COMMON | OF_FINDINGS)


@given(st.lists(ON_DIMENSION | ON_FINDING, max_size=4))
def test_every_gate_comes_back_as_it_was(gates: list[dict[str, Any]]) -> None:
    here = Path(__file__).parent
    config = RunConfig(gates=tuple(map(Gate.model_validate, gates)), teacher=PluginSpec("fake-flat"), baseline=here)
    written = json.loads(json.dumps(config_to_json(config)))
    written["baseline"] = None
    if all(gate.max_drop is None or gate.against == "teacher" for gate in config.gates):
        assert config_from_json(written, where="here").gates == config.gates
    else:
        with pytest.raises(ConfigError, match="`baseline` is not set"):
            config_from_json(written, where="here")


def test_gates_of_an_early_version_hold_a_grade_that_says_nothing() -> None:
    config = RunConfig(gates=(Gate(dimension="fake.truth", min_value=0.9), Gate(finding="typo", max_rate=0.1)))
    written = config_to_json(config)
    for gate in written["gates"]:
        gate["grade"] = "failure"
    assert config_from_json(written, where="here").gates == config.gates


@pytest.mark.parametrize("wrong", [{"gates": [{"dimension": "a"}]}, {"student": {"plugin": "a"}}, {"gates": [3]}])
def test_a_config_that_can_not_be_read_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="the config that is stored with the run can't be read") as raised:
        config_from_json({**config_to_json(RunConfig()), **wrong}, where="runs/one")
    assert raised.value.where == "runs/one"


# -------------------------------------------------------------------------------------------- through the real command

GATES = [
    {"dimension": "fake.truth", "max_drop": 0.1},
    {"dimension": "fake.truth", "min_value": 0.9},
    {"finding": "typo", "max_rate": 0.1, "grade": "defect"},
]


def run(evalkit: Command, folder: Path, judge: str = "fake-truth", gates: list[dict[str, Any]] = GATES) -> None:
    """A run in `out` whose student is bad on half of its cases, so that its gates fail."""
    config = {
        "benchmark": "fake-questions",
        "student": {"use": "fake-painter", "name": "student", "bad": "0:30"},
        "teacher": {"use": "fake-painter", "name": "teacher"},
        "judges": ["fake-truth", *([] if judge == "fake-truth" else [judge])],
        "exporters": ["leaderboard"],
        "cache": False,
        "out": "out",
        "gates": gates,
    }
    (folder / "out.yaml").write_text(yaml.safe_dump(config))
    done = evalkit("run", "out.yaml")
    assert done.returncode == 1, done.stderr


def gates_of(folder: Path) -> list[tuple[str, str]]:
    with RunReader(folder) as reader, StoredResults(reader) as results:
        return [(gate.rule, gate.status.value) for gate in results.summary().gates if isinstance(gate, GateResult)]


def change(folder: Path, key: str, new: Any) -> None:
    """Change what a run stores under `key`."""
    with sqlite3.connect(folder / "run.sqlite") as database:
        (old,) = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        database.execute("UPDATE meta SET value = ? WHERE key = ?", (json.dumps(new(json.loads(old))), key))


def as_of_0_1(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "gates": [{"grade": "failure", **gate} for gate in config["gates"]]}


def as_of_later(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "gates": [{**gate, "unheard_of": 1} for gate in config["gates"]]}


@pytest.mark.slow
@pytest.mark.parametrize("stored", [None, as_of_0_1], ids=["of today", "of an early version"])
def test_a_forged_outcome_is_found(stored: Any, tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, tmp_path)
    if stored:
        change(tmp_path / "out", "config", stored)
    change(tmp_path / "out", "summary", lambda summary: {**summary, "outcome": "passed"})
    assert evalkit("leaderboard", "out", "--out", "board").returncode == 0
    done = evalkit("leaderboard", "--verify", "board/leaderboard.json", "out")
    assert done.returncode == 1, done.stdout
    assert "outcome is 'passed', not 'failed'" in done.stdout


@pytest.mark.slow
def test_an_outcome_that_can_not_be_worked_out_again_is_named(tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, tmp_path)
    change(tmp_path / "out", "config", as_of_later)
    done = evalkit("leaderboard", "--verify", "out/leaderboard.json", "out")
    assert "outcome and coverage can't be worked out again: " in done.stdout
    assert "the config that is stored with the run can't be read: unknown key" in done.stdout
    assert "unknown key `gates.0.unheard_of`" in done.stdout
    change(tmp_path / "out", "config", lambda config: {**config, "gates": [{"dimension": "fake.gone", "min_value": 0}]})
    done = evalkit("leaderboard", "--verify", "out/leaderboard.json", "out")
    assert "no judge of this run measures `fake.gone`" in done.stdout


@pytest.mark.slow
def test_a_replay_keeps_the_gates(tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, tmp_path, "fake-journal", gates=[*GATES, {"dimension": "fake.journalled", "max_value": 0.9}])
    done = evalkit("judge", "replay", "out", "--out", "again")
    assert done.returncode == 1, done.stderr
    assert len(gates_of(tmp_path / "again")) == 4
    assert gates_of(tmp_path / "again") == gates_of(tmp_path / "out")
    change(tmp_path / "out", "config", as_of_later)
    refused = evalkit("judge", "replay", "out", "--out", "third")
    assert refused.returncode == 2
    assert "unknown key `gates.0.unheard_of`" in " ".join(refused.stderr.split())


@pytest.mark.slow
def test_a_rejudged_baseline_keeps_its_gates_or_says_why_not(tmp_path: Path, evalkit: Command) -> None:
    run(evalkit, tmp_path)
    before = gates_of(tmp_path / "out")
    kept = tmp_path / ".evalkit" / "baselines" / "main"
    assert evalkit("baseline", "set", "main", "out", "--reason", "first", "--pictures", "full").returncode == 0
    done = evalkit("baseline", "rejudge", "main")
    assert done.returncode == 0, done.stderr
    assert len(before) == 3
    assert gates_of(kept) == before
    change(kept, "config", as_of_later)
    refused = evalkit("baseline", "rejudge", "main")
    assert refused.returncode == 2
    assert "unknown key `gates.0.unheard_of`" in " ".join(refused.stderr.split())
    assert gates_of(kept) == before
