"""Cases that do not always end alike."""

import numpy as np

from evalkit.stats.stability import chance_of_failing, unstable_cases


def test_the_most_undecided_first() -> None:
    history = {
        "steady": [False] * 4,
        "broken": [True] * 4,
        "rare": [True, False, False, False],
        "coin": [True, False] * 2,
    }
    found = unstable_cases(history)
    assert [(case.case_id, case.rate, case.n) for case in found] == [("coin", 0.5, 4), ("rare", 0.25, 4)]


def test_a_gate_rarely_fails_a_student_against_itself() -> None:
    rng = np.random.default_rng(0)
    history = {f"case/{i}": list(rng.random(4) < 0.8) for i in range(60)}
    share = chance_of_failing(history, 0.0, low=-1, high=1)
    # one-sided 2.5 % of 200 draws; a binomial exceeds 6.5 % once in a thousand
    assert share is not None
    assert share <= 0.065
    assert chance_of_failing(history, 0.3, low=-1, high=1) == 0


def test_runs_that_differ_are_noticed() -> None:
    # a student that got worse between the runs is no A/A: half of the draws put the worse run on the wrong side
    history = {f"case/{i}": [0.9 + 0.001 * i, 0.1] for i in range(6)}
    assert (chance_of_failing(history, 0.0, low=-1, high=1) or 0) > 0


def test_one_run_shows_no_chance() -> None:
    assert chance_of_failing({"a": [1.0], "b": [0.0]}, 0.0) is None
