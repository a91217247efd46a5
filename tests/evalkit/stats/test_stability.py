"""Cases that pass in some runs of one student and fail in others."""

from evalkit.stats.stability import unstable_cases


def test_the_most_undecided_first() -> None:
    history = {
        "steady": [False] * 4,
        "broken": [True] * 4,
        "rare": [True, False, False, False],
        "coin": [True, False] * 2,
    }
    found = unstable_cases(history)
    assert [(case.case_id, case.rate, case.n) for case in found] == [("coin", 0.5, 4), ("rare", 0.25, 4)]
