"""Whole runs with a lying server (a test double): exit 3, and only what rests on the invalid rubric is undecided."""

import json
import sqlite3
from pathlib import Path

import pytest

from evalkit.api.pictures import Picture
from evalkit.benchmarks.tiles.case import scene_of
from evalkit.benchmarks.tiles.draw import draw_tiles
from evalkit.config.model import RunConfig
from evalkit.engine.plan import assemble
from tests.evalkit.conftest import Command
from tests.judges.vlm.doubles import Says, Truth, act, always_a, constant, drawing_lots, right_on_shipped_tiles
from tests.judges.vlm.hostile_server import HostileServer

pytestmark = pytest.mark.slow

CONFIG = """
benchmark: minis-core
student: tiles
teacher: tiles
judges:
  - {{use: vlm, url: "{url}", model: m, rubrics: [{rubrics}], check_text: false, check_with_instruments: false}}
gates:
{gates}
exporters: []
out: out
"""


def truth() -> tuple[Truth, list]:
    """The honest model of the run, and the pixels of the teacher's pictures."""
    config = RunConfig.model_validate({"benchmark": "minis-core", "student": "tiles", "exporters": []})
    cases = [case for case in assemble(config).cases() if case.source is None]
    pictures = [(case, Picture.from_pixels(draw_tiles(scene_of(case)))) for case in cases]
    return Truth(pictures), [picture.pixels for _, picture in pictures]


HONEST, PIXELS = truth()


def run(evalkit: Command, tmp_path: Path, says: Says, *rubrics: str):
    gates = "\n".join(f"  - {{dimension: vlm.{name}, min_value: 0.2}}" for name in rubrics)
    with HostileServer(act(says)) as server:
        (tmp_path / "evalkit.yaml").write_text(CONFIG.format(url=server.url, rubrics=", ".join(rubrics), gates=gates))
        done = evalkit("run", tmp_path / "evalkit.yaml")
    with sqlite3.connect(next(tmp_path.rglob("run.sqlite"))) as database:
        (summary,) = database.execute("SELECT value FROM meta WHERE key = 'summary'").fetchone()
    return done.returncode, json.loads(summary)


def on_tiles(elsewhere: Says) -> Says:
    return right_on_shipped_tiles(HONEST, elsewhere, PIXELS)


@pytest.mark.parametrize("rubric", ["compliance", "preference"])
def test_an_honest_server_passes(evalkit: Command, tmp_path: Path, rubric: str) -> None:
    code, summary = run(evalkit, tmp_path, HONEST, rubric)
    assert [control["name"] for control in summary["controls"] if not control["passed"]] == []
    assert f"pictures of this run: {rubric}" in [control["name"] for control in summary["controls"]]
    assert code == 0


@pytest.mark.parametrize(
    "says",
    [constant(5), drawing_lots(), on_tiles(constant(5))],
    ids=["constant", "random", "tiles, constant"],
)
def test_a_lying_server_is_caught(evalkit: Command, tmp_path: Path, says: Says) -> None:
    code, summary = run(evalkit, tmp_path, says, "compliance")
    assert code != 0
    assert any(not control["passed"] for control in summary["controls"])
    assert summary["gates"][0]["status"] in ("undecided", "fail")


def test_a_position_biased_server_makes_its_preference_undecided_and_nothing_else(
    evalkit: Command, tmp_path: Path
) -> None:
    code, summary = run(evalkit, tmp_path, on_tiles(always_a(HONEST)), "compliance", "preference")
    assert code == 3
    assert {gate["dimension"]: gate["status"] for gate in summary["gates"]} == {
        "vlm.compliance": "pass",
        "vlm.preference": "undecided",
    }
