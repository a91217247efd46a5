"""`evalkit run` with nothing else: the shipped minis on the built-in suite."""

import json
from importlib import resources

import pytest

from evalkit.api.errors import ConfigError
from evalkit.api.records import Role
from evalkit.cli import main
from evalkit.config.load import EMBEDDED_DEFAULT
from evalkit.formats.strict_yaml import read_yaml
from evalkit.store.run_reader import RunReader

pytestmark = pytest.mark.slow

CASES = ("minis/text-1", "minis/shapes-1", "minis/edit-recolor-1")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default") / "run"
    chosen = [word for case in CASES for word in ("--case", case)]
    assert main(["run", *chosen, "--out", str(folder), "--cache", "none"]) == 0
    return folder


def test_init_writes_what_a_run_with_nothing_else_does():
    written = read_yaml(resources.files("evalkit.cli") / "templates" / "evalkit.yaml", ConfigError)
    assert {key: written[key] for key in EMBEDDED_DEFAULT} == EMBEDDED_DEFAULT


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
