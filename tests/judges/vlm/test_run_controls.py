"""Controls made from the run itself: a lying model is caught, an honest one passes with every single rubric alone."""

import random
from collections.abc import Iterable

import numpy as np
import pytest

from evalkit.api.hooks import ChecksVerdicts, ControlsFromRun, RunPictures
from evalkit.api.pictures import Picture
from evalkit.api.records import Case
from evalkit.api.results import ControlResult
from evalkit.engine.judging import try_control
from evalkit.judges.vlm.judge import VlmJudge
from evalkit.judges.vlm.quorum import (
    ERROR,
    GUESSED,
    HONEST,
    LUCK,
    at_least,
    best_count,
    fewer_than,
    least_of_all,
    least_right,
)
from evalkit.judges.vlm.rubric import rubrics, why_not
from evalkit.judges.vlm.run_controls import FEW, MOST, _errors, budgets
from evalkit.judges.vlm.spoil import WAYS
from evalkit.judges.vlm.tally import ALL
from tests.judges.vlm.doubles import (
    Says,
    Truth,
    always_a,
    constant,
    drawing_lots,
    drawn,
    edited,
    endpoint,
    praising_seldom,
    right_on_shipped_tiles,
    scenes_at,
)

QUIET = {"check_text": False, "check_with_instruments": False, "crops_from_px": 100_000}
RUN = drawn(60)
PORTRAITS = drawn(60, 5, portraits=True)


def of(run: Iterable[tuple[Case, Picture]], *, teacher: bool = True, n: int | None = None, **more) -> RunPictures:
    """`run` as a judge sees it, of `n` cells if only part of them are shown."""
    cells = tuple((case, picture if teacher else None) for case, picture in run)
    return RunPictures(cells, n or len(cells), 2 if teacher else 1, **more)


SCENES = [one for run in (RUN, PORTRAITS) for one in scenes_at(256, 256, of(run, teacher=False))]
HONEST_MODEL = Truth([*RUN, *PORTRAITS, *SCENES])
SEVERAL = ("compliance", "text", "background", "quality", "checklist")
OF_T2I = [name for name in rubrics() if name != "edit"]


def tried(says: Says, *names: str, run=None, teacher: bool = True, **more) -> list[ControlResult]:
    """The results of a judge with these rubrics: the shipped controls, and those of the run."""
    run = (PORTRAITS if names == ("portrait",) else RUN) if run is None else run
    judge = VlmJudge(VlmJudge.Settings(rubrics=names, **QUIET), endpoint(says))
    try:
        results = [try_control(judge, control) for control in judge.controls()]
        return [*results, *judge.try_on_run(of(run, teacher=teacher, **more))]
    finally:
        judge.close()


def failed(results: Iterable[ControlResult]) -> list[str]:
    return [result.name for result in results if not result.passed]


def of_run(results: Iterable[ControlResult]) -> list[ControlResult]:
    return [result for result in results if result.name.startswith("pictures of this run")]


# ------------------------------------------------------------------------------------------------------- honest models


@pytest.mark.parametrize("name", OF_T2I)
def test_an_honest_model_passes_with_a_single_rubric(name: str) -> None:
    results = tried(HONEST_MODEL, name)
    assert failed(results) == []
    (own,) = of_run(results)
    assert own.made, own.rule
    assert own.dimensions == (f"vlm.{name}",)


def test_an_honest_model_passes_with_edits_alone(tmp_path) -> None:
    run = edited(60, tmp_path)
    results = tried(Truth(run), "edit", run=run)
    assert failed(results) == []
    assert of_run(results)[0].made
    assert "not done" in of_run(results)[0].detail


@pytest.mark.parametrize("name", [name for name in OF_T2I if name != "preference"])
def test_without_a_teacher_shipped_scenes_are_asked_about_at_the_size_of_the_run(name: str) -> None:
    results = tried(HONEST_MODEL, name, teacher=False, n=240)
    assert failed(results) == []
    (own,) = of_run(results)
    assert own.detail, own.rule
    assert "256x256" in own.rule
    assert failed(tried(constant(), name, teacher=False, n=240))


def test_a_teacher_whose_pictures_are_bad_makes_no_judge_invalid() -> None:
    """An honest model says so of every one of them; the shipped scenes at that size show that it can tell."""
    results = tried(Truth(scenes_at(256, 256, of(RUN))), "text")
    assert failed(results) == []
    assert "shipped scenes at 256x256 px" in of_run(results)[0].rule


# -------------------------------------------------------------------------------------------------------- lying models

PICTURES = [picture.pixels for _, picture in (*RUN, *PORTRAITS)]


def on_tiles(elsewhere: Says) -> Says:
    return right_on_shipped_tiles(HONEST_MODEL, elsewhere, PICTURES)


LIARS = {
    "constant": constant(),
    "constant, the best": constant(5),
    "constant, the worst": constant(1, "no"),
    "random": drawing_lots(),
    "right on shipped tiles, constant elsewhere": on_tiles(constant()),
    "right on shipped tiles, the worst elsewhere": on_tiles(constant(1, "no")),
    "right on shipped tiles, random elsewhere": on_tiles(drawing_lots()),
}


@pytest.mark.parametrize("name", OF_T2I)
@pytest.mark.parametrize("liar", LIARS)
def test_a_liar_is_caught_by_the_controls_of_a_single_rubric(liar: str, name: str) -> None:
    """Or, if it draws lots and is lucky with few controls, the run says that nothing is proven."""
    results = tried(LIARS[liar], name)
    assert failed(results) or ("random" in liar and not of_run(results)[0].made)


@pytest.mark.nightly
@pytest.mark.parametrize("elsewhere", [drawing_lots, praising_seldom])
def test_a_model_that_draws_lots_elsewhere_fails_the_controls_of_all_rubrics(elsewhere) -> None:
    for seed in range(10):
        assert ALL in failed(tried(on_tiles(elsewhere(seed)), "compliance", "background", "quality")), seed


def test_in_a_small_run_the_controls_of_all_rubrics_together_are_enough() -> None:
    honest = tried(HONEST_MODEL, *SEVERAL, run=RUN[:12])
    assert failed(honest) == []
    own = {result.name: result for result in of_run(honest)}
    assert own[ALL].made, own[ALL].rule
    assert failed(tried(on_tiles(constant(1, "no")), *SEVERAL, run=RUN[:12]))
    caught = [bool(failed(tried(on_tiles(drawing_lots(seed)), *SEVERAL, run=RUN[:12]))) for seed in range(10)]
    assert all(caught), caught


def test_a_rubric_that_a_model_cannot_answer_leaves_the_others_valid() -> None:
    def blind(name, text, pictures):
        return {"score": 5, "findings": []} if "noise, blur" in text else HONEST_MODEL(name, text, pictures)

    assert failed(tried(on_tiles(blind), *SEVERAL)) == ["pictures of this run: quality"]


@pytest.mark.parametrize("liar", [name for name in LIARS if "tiles" in name])
def test_the_shipped_tiles_alone_would_not_catch_it(liar: str) -> None:
    assert failed(tried(LIARS[liar], "text", run=[])) == []


def test_a_position_biased_model_is_caught_and_its_other_rubrics_stand() -> None:
    results = tried(on_tiles(always_a(HONEST_MODEL)), "quality", "preference")
    assert failed(results) == ["pictures of this run: preference"]
    assert tried(always_a(HONEST_MODEL), "preference")[1].name in failed(tried(always_a(HONEST_MODEL), "preference"))


# ----------------------------------------------------------------------------------------------------- how many, which


def test_at_most_24_controls_of_a_rubric_and_a_tenth_of_its_looks() -> None:
    model = endpoint(HONEST_MODEL)
    for n, most in ((60, 12), (30, 6), (10, 2)):
        run = RUN[:n]
        judge = VlmJudge(VlmJudge.Settings(rubrics=("quality",), repeats=0.0, **QUIET), model)
        cells = tuple(run)
        for case, picture in cells:  # the run itself
            judge.judge(picture, case, None)
        before = {call.images[0].sha256 for call in model.asked}
        list(judge.try_on_run(RunPictures(cells, n, 2)))
        fresh = {call.images[0].sha256 for call in model.asked} - before
        judge.close()
        assert len(fresh) <= most, n


def test_the_controls_of_several_rubrics_are_a_tenth_of_all_looks() -> None:
    asked = [rubrics()[name] for name in (*SEVERAL, "preference")]
    for n in (3, 7, 12, 33, 60):
        counts = budgets(asked, of(RUN[:n]))
        looks = sum(2 * sum(not why_not(r, case, twin=True) for case, _ in RUN[:n]) for r in asked[:-1])
        assert sum(counts[r.name] for r in asked[:-1]) == looks // 10, n
        assert counts["preference"] == n // 10


def test_a_run_too_small_for_controls_says_so() -> None:
    (own,) = of_run(tried(HONEST_MODEL, "quality", run=RUN[:4]))
    assert own.passed
    assert not own.made
    assert "10 % of the calls" in own.rule


def test_a_rubric_that_no_case_is_asked_has_no_controls() -> None:
    assert of_run(tried(HONEST_MODEL, "portrait", run=RUN[:3])) == []


def test_what_has_been_passed_is_not_asked_again() -> None:
    passed = frozenset({"pictures of this run: quality"})
    assert of_run(tried(HONEST_MODEL, "quality", passed=passed)) == []


def test_a_blank_picture_proves_nothing_where_a_blank_one_was_asked_for() -> None:
    flat = [
        (Case(f"flat/{i}", f"a flat colour number {i}", width=256, height=256), Picture.from_pixels(grey(i)))
        for i in range(60)
    ]
    (own,) = of_run(tried(Truth([*flat, *scenes_at(256, 256, of(flat))]), "compliance", run=flat))
    assert "shipped scenes" in own.rule
    assert own.passed


def grey(level: int) -> np.ndarray:
    return np.full((256, 256, 3), 100 + level, np.uint8)


def test_the_judge_is_found_by_the_engine() -> None:
    assert issubclass(VlmJudge, ControlsFromRun)
    assert issubclass(VlmJudge, ChecksVerdicts)


# --------------------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("n", range(2, MOST + 1))
def test_an_honest_judge_is_right_often_enough_in_99_of_100_runs(n: int) -> None:
    rng = np.random.default_rng(n)
    right = rng.binomial(n, HONEST, 200_000)
    least = least_right(n, ERROR)
    assert (right < least).mean() <= 1.2 * ERROR
    assert (right < least + 1).mean() > ERROR or least == n


@pytest.mark.parametrize("n", range(2, 200, 9))
def test_an_honest_judge_passes_on_all_rubrics_together_and_guessing_does_not(n: int) -> None:
    least = least_of_all(n, ERROR / 2)
    assert 1 - at_least(least, n, HONEST) <= ERROR / 2 + 1e-9
    assert n < 20 or at_least(least, n, GUESSED) <= 2 * LUCK


def test_of_two_controls_of_each_rubric_one_must_be_right() -> None:
    asked = [rubric for rubric in rubrics().values() if rubric.name in WAYS]
    errors = _errors(asked, [rubric for rubric in asked if rubric.name != "preference"])
    assert sum(errors.values()) == pytest.approx(ERROR)
    assert all(least_right(2, error) == 1 for error in errors.values())
    for n in range(FEW, MOST + 1):
        assert least_right(n, min(errors.values())) > n // 2, "good pictures alone are not enough"


def test_so_many_controls_are_asked_that_guessing_passes_least_often() -> None:
    chance = [at_least(least_right(n, ERROR), n, 0.4) for n in range(MOST + 1)]
    assert best_count(8, ERROR, 0.4) == 7
    assert [best_count(n, ERROR, 0.4) for n in (0, 1, 2)] == [0, 1, 2]
    for most in range(2, MOST + 1):
        assert chance[best_count(most, ERROR, 0.4)] == min(chance[2 : most + 1])


def test_answers_that_depend_on_the_order_or_change_when_asked_again_make_the_judge_invalid() -> None:
    def verdicts(says: Says, repeats: float):
        judge = VlmJudge(VlmJudge.Settings(rubrics=("preference",), repeats=repeats, **QUIET), endpoint(says))
        other = [picture for _, picture in drawn(40, 7)]
        found = [judge.judge(p, case, twin) for (case, p), twin in zip(RUN[:40], other, strict=True)]
        results = {result.name: result for result in judge.check_verdicts(iter(found))}
        judge.close()
        return results

    honest = verdicts(HONEST_MODEL, 0.5)
    assert [result.passed for result in honest.values()] == [True, True]
    biased = verdicts(always_a(HONEST_MODEL), 0.0)["order of the pictures"]
    assert not biased.passed
    assert biased.dimensions == ("vlm.preference",)

    rng = random.Random(0)

    def moody(name, text, pictures):
        return {"better": rng.choice("AB")}

    assert not verdicts(moody, 1.0)["same question twice"].passed


def test_few_pairs_prove_nothing() -> None:
    assert not fewer_than(1 / 3, 0, 5, 0.01)
    assert fewer_than(1 / 3, 0, 12, 0.01)
    assert not fewer_than(1 / 3, 0, 0, 0.01)
