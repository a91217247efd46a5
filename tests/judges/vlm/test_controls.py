"""The controls: a model that compares pixels passes them, one that praises everything fails; the command reports it."""

from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.protocols import Control
from evalkit.benchmarks.tiles.write_controls import files
from evalkit.engine.judging import try_control
from evalkit.judges.vlm.controls import FOLDER, cases, controls, picture, recoded
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.rubric import rubrics
from tests.evalkit.conftest import Command
from tests.judges.vlm.fakes import FakeEndpoint, content, seeing, served_content, served_seeing
from tests.judges.vlm.hostile_server import HostileServer

NAMES = {
    "blank picture",
    "picture of another case",
    "misspelling",
    "patch of grain",
    "edit not done",
    "same pixels, other file",
    "teacher against itself",
    "teacher against a blank picture",
}


def tried(endpoint: FakeEndpoint, **settings) -> dict[str, bool]:
    judge = VlmJudge(VlmJudge.Settings(**settings), endpoint)
    try:
        return {c.name: try_control(judge, c).passed for c in judge.controls()}
    finally:
        judge.close()


def test_the_shipped_pictures_are_those_that_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == files()


def test_a_model_that_compares_pixels_passes_every_control() -> None:
    assert tried(FakeEndpoint(seeing)) == dict.fromkeys(NAMES, True)


def test_a_model_that_praises_everything_fails_them() -> None:
    passed = tried(FakeEndpoint(content))
    # the file makes no difference; that the model answers A in both orders, of one picture twice, is no tie
    assert {name for name, ok in passed.items() if ok} == {"same pixels, other file"}


def test_a_model_that_answers_nothing_usable_passes_none() -> None:
    assert not any(tried(FakeEndpoint(lambda ask: "no idea")).values())


def test_an_endpoint_that_is_gone_ends_the_controls() -> None:
    class Gone(FakeEndpoint):
        async def ask(self, ask):
            raise UnavailableError("no server")

    with pytest.raises(UnavailableError):
        tried(Gone(content))


def test_only_selected_rubrics_have_controls() -> None:
    assert set(tried(FakeEndpoint(seeing), rubrics=("text",))) == {"misspelling", "same pixels, other file"}
    assert set(tried(FakeEndpoint(seeing), rubrics=("quality",))) == {"patch of grain", "same pixels, other file"}


@pytest.mark.parametrize("name", rubrics())
def test_a_model_that_compares_pixels_passes_with_every_single_rubric(name: str) -> None:
    """A control that needs an answer of another rubric would make every judge invalid."""
    assert all(tried(FakeEndpoint(seeing), rubrics=(name,)).values())


def test_a_model_that_always_prefers_the_first_picture_fails_with_preference_alone() -> None:
    def always_a(ask):
        return {"better": "A"} if ask.name == "pairwise" else seeing(ask)

    assert not any(tried(FakeEndpoint(always_a), rubrics=("preference",)).values())


def test_a_control_speaks_for_the_dimension_that_its_rule_is_about() -> None:
    made = {control.name: control.dimensions for control in controls(_never, tuple(rubrics()))}
    assert made["misspelling"] == ("vlm.text",)
    assert made["teacher against a blank picture"] == ("vlm.preference",)
    assert made["same pixels, other file"] == ()


def test_the_margin_is_relative_to_the_clean_picture() -> None:
    """A model that gives the clean poster a 3 is as good a judge, if it gives the broken ones less."""

    def hard(ask):
        value = dict(seeing(ask))
        return {**value, "score": {5: 3, 2: 1}[value["score"]]} if "score" in value else value

    assert all(tried(FakeEndpoint(hard)).values())


def test_the_other_file_holds_the_same_pixels_and_other_bytes() -> None:
    clean = picture("poster")
    assert np.array_equal(recoded(clean).pixels, clean.pixels)
    assert recoded(clean).sha256 != clean.sha256
    assert {c.name for c in controls(_never, ("text",))} == {"misspelling", "same pixels, other file"}
    assert all(isinstance(c, Control) for c in controls(_never, ("edit",)))
    assert Path(cases()[1].source.path).is_file()


def _never(*_):
    raise AssertionError("nothing is looked at before a rule needs it")


RUN = ("run", "--benchmark", "minis-core", "--student", "tiles", "--limit", "2", "--out", "out", "--cache", "none")


def test_a_judge_that_fails_its_controls_is_invalid_and_no_model_has_regressed(evalkit: Command) -> None:
    with HostileServer(served_content) as server:
        done = evalkit(*RUN, "--judge", f"vlm:url={server.url},model=fake,check_text=false")
    assert done.returncode == 3, done.stderr
    assert "vlm" in done.stdout
    assert "misspelling" in done.stdout
    assert "regress" not in done.stdout


def test_the_verdict_of_a_judge_that_passes_its_controls_counts(evalkit: Command) -> None:
    with HostileServer(served_seeing) as server:
        done = evalkit(*RUN, "--judge", f"vlm:url={server.url},model=fake,check_text=false")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "vlm.compliance" in done.stdout
