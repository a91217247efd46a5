"""Seconds are compared only where they were taken alike."""

from dataclasses import replace
from typing import Any

import pytest

from evalkit.api.records import Role, Sample
from evalkit.api.results import RunSummary
from evalkit.api.timing import TIMED_ON, times_as_fast
from evalkit.engine.timing import shared_conditions
from tests.reports.conftest import demo_summary

HERE = {"hardware": "a GPU (fake)", "cpu": "a CPU (fake)", "cpus": 2, "threads": 2, "torch": "2.9", "offload": "none"}


def sample(number: int, batch_size: int = 1, seconds: float | None = 0.5, **conditions: Any) -> Sample:
    notes = {TIMED_ON: {**HERE, **conditions}}
    return Sample(
        "key", Role.STUDENT, f"case/{number}", 0, "print", 0, seconds=seconds, batch_size=batch_size, notes=notes
    )


def summary(student: dict[str, Any], teacher: dict[str, Any]) -> RunSummary:
    calm = demo_summary()
    one, other = calm.generators
    timed = (replace(one, timed_on=student), replace(other, timed_on=teacher))
    return replace(calm, generators=timed)


def test_a_ratio_takes_like_conditions() -> None:
    ratio = times_as_fast(summary(HERE, HERE))
    assert ratio is not None
    assert ratio > 1


@pytest.mark.parametrize("key", list(HERE))
def test_no_ratio_where_one_condition_differs(key: str) -> None:
    assert times_as_fast(summary(HERE, {**HERE, key: "another"})) is None


def test_no_ratio_where_the_conditions_are_unknown() -> None:
    assert times_as_fast(summary({}, {})) is None


def test_pictures_of_another_machine_make_the_conditions_unknown() -> None:
    alike = [sample(number) for number in range(5)]
    assert shared_conditions(alike) == {**HERE, "batch_size": 1}
    assert shared_conditions([*alike, sample(5, hardware="another GPU (fake)")]) == {}
    assert shared_conditions([*alike, replace(sample(5), notes={})]) == {}
    assert shared_conditions([]) == {}


def test_the_last_batch_may_be_smaller() -> None:
    assert shared_conditions([*(sample(n, 4) for n in range(8)), sample(8, 2), sample(9, 2)])["batch_size"] == 4
    assert shared_conditions([*(sample(n, 4) for n in range(8)), *(sample(n, 1) for n in range(4))]) == {}
