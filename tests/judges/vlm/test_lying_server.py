"""Whole runs with a lying server (a test double): exit 3, and only what rests on the invalid rubric is undecided."""

import json
import sqlite3
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from evalkit.api.pictures import Picture
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.config.model import RunConfig
from evalkit.engine.plan import assemble
from tests.evalkit.conftest import Command
from tests.judges.vlm.doubles import (
    Says,
    Truth,
    act,
    always_a,
    constant,
    drawing_lots,
    praising_seldom,
    right_on_shipped_files,
)
from tests.judges.vlm.hostile_server import HostileServer

pytestmark = pytest.mark.slow

BENCHMARK = {"use": "tiles", "count": 60, "seed": 3}
CONFIG = """
benchmark: {benchmark}
student: tiles
teacher: tiles
judges:
  - {{use: vlm, url: "{url}", model: m, rubrics: [{rubrics}], check_text: false, check_with_instruments: false}}
gates:
{gates}
exporters: []
out: out
"""


@cache
def truth() -> Truth:
    """The honest model of the run."""
    config = RunConfig.model_validate({"benchmark": BENCHMARK, "student": "tiles", "exporters": []})
    cases = [case for case in assemble(config).cases() if case.source is None]
    return Truth([(case, Picture.from_pixels(draw_tiles(scene_of(case)))) for case in cases])


def honest(name: str, text: str, pictures: list) -> Mapping[str, object]:
    return truth()(name, text, pictures)


def run(evalkit: Command, tmp_path: Path, says: Says, *rubrics: str):
    gates = "\n".join(f"  - {{dimension: vlm.{name}, min_value: 0.2}}" for name in rubrics)
    with HostileServer(act(says)) as server:
        (tmp_path / "evalkit.yaml").write_text(
            CONFIG.format(benchmark=json.dumps(BENCHMARK), url=server.url, rubrics=", ".join(rubrics), gates=gates)
        )
        done = evalkit("run", tmp_path / "evalkit.yaml")
    with sqlite3.connect(next(tmp_path.rglob("run.sqlite"))) as database:
        (summary,) = database.execute("SELECT value FROM meta WHERE key = 'summary'").fetchone()
    return done.returncode, json.loads(summary)


def on_shipped(elsewhere: Says) -> Says:
    return right_on_shipped_files(honest, elsewhere)


@pytest.mark.parametrize("rubric", ["compliance", "preference"])
def test_an_honest_server_passes(evalkit: Command, tmp_path: Path, rubric: str) -> None:
    code, summary = run(evalkit, tmp_path, honest, rubric)
    assert [control["name"] for control in summary["controls"] if not control["passed"]] == []
    assert f"pictures of this run: {rubric}" in [control["name"] for control in summary["controls"]]
    assert code == 0


LIARS = {
    "constant": constant(5),
    "random": drawing_lots(),
    "shipped, constant": on_shipped(constant(5)),
    "shipped, the worst": on_shipped(constant(1, "no")),
    "shipped, mostly bad": on_shipped(praising_seldom()),
    "shipped, random": on_shipped(drawing_lots(0)),
}
MORE_LOTS = {f"shipped, random {seed}": on_shipped(drawing_lots(seed)) for seed in range(1, 10)}
BY_NIGHT = ("constant", "random", *MORE_LOTS)
ALL_LIARS = [pytest.param(name, marks=pytest.mark.nightly if name in BY_NIGHT else ()) for name in (*LIARS, *MORE_LOTS)]


@pytest.mark.parametrize("liar", ALL_LIARS)
def test_a_lying_server_is_caught(evalkit: Command, tmp_path: Path, liar: str) -> None:
    code, summary = run(evalkit, tmp_path, {**LIARS, **MORE_LOTS}[liar], "compliance", "background", "quality")
    assert code != 0
    assert any(not control["passed"] for control in summary["controls"])
    assert {gate["status"] for gate in summary["gates"]} <= {"undecided", "fail"}


def test_a_position_biased_server_makes_its_preference_undecided_and_nothing_else(
    evalkit: Command, tmp_path: Path
) -> None:
    code, summary = run(evalkit, tmp_path, on_shipped(always_a(honest)), "compliance", "preference")
    assert code == 3
    assert {gate["dimension"]: gate["status"] for gate in summary["gates"]} == {
        "vlm.compliance": "pass",
        "vlm.preference": "undecided",
    }
