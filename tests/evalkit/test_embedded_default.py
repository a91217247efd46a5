"""`evalkit run` with nothing else: the shipped minis on the built-in suite."""

import json
from importlib import resources

import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Role
from evalkit.cli import main
from evalkit.config.load import EMBEDDED_DEFAULT, load_config
from evalkit.engine.plan import assemble
from evalkit.engine.scope import scope_of
from evalkit.formats.strict_yaml import read_yaml
from evalkit.plugins.registry import PluginSpec
from evalkit.store.run_reader import RunReader

pytestmark = pytest.mark.slow

CASES = ("minis/text-1", "minis/shapes-1", "minis/edit-recolor-1")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default") / "run"
    chosen = [word for case in CASES for word in ("--case", case)]
    assert main(["run", *chosen, "--no-gates", "--out", str(folder), "--cache", "none"]) == 0
    return folder


def test_init_writes_what_a_run_with_nothing_else_does():
    written = read_yaml(resources.files("evalkit.cli") / "templates" / "evalkit.yaml", ConfigError)
    assert {key: written[key] for key in EMBEDDED_DEFAULT} == EMBEDDED_DEFAULT


def test_other_judges_take_no_gates_of_the_default():
    config = load_config(None, {"judges": (PluginSpec("grain"),)})
    assert config.gates == ()
    assert load_config(None, {"seeds": 2}).gates
    assert load_config(None, {"gates": ()}).gates == (), "--no-gates"


def test_every_gate_of_the_default_asks_something():
    config = load_config(None, {})
    plan = assemble(config)
    scope = scope_of(plan, plan.cases())
    assert [n for _, n in scope.asked] == [25, 48, 20, 48, 31]  # the VLM judge looks for typos in every edit
    assert scope.n_cases == 48
    assert not scope.unaskable()


def test_the_minis_draw_and_edit_in_4_and_80_evaluations(run):
    with RunReader(run) as reader:
        for role, nfe in ((Role.STUDENT, 4), (Role.TEACHER, 80)):
            samples = list(reader.samples(role))
            assert len(samples) == len(CASES)
            assert [sample.error for sample in samples] == [""] * len(CASES)
            assert {sample.nfe for sample in samples} == {nfe}


def test_every_judge_of_the_default_says_something(run):
    verdict = json.loads((run / "leaderboard.json").read_text())
    text = json.dumps(verdict)
    for dimension in (
        "typography.word_accuracy",
        "layout.placement",
        "grain.visible_noise",
        "edit.preserved",
        "vlm.quality",
    ):
        assert dimension in text
    assert (run / "report" / "index.html").is_file()
