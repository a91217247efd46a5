"""`undecided: warn` lets too few cases through and nothing else, through the real command."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.api.results import GateStatus, Undecided
from tests.evalkit.test_missing_evidence import CONTENT, DROP, QUALITY, Runner, run

pytestmark = pytest.mark.slow

__all__ = ["run"]

WARNS = {"undecided": "warn"}
UNDECIDED = GateStatus.UNDECIDED


@pytest.mark.parametrize(
    ("gate", "truth", "student", "min_coverage"),
    [
        ({"dimension": "fake.truth", "min_value": 0.97}, {"abstain_on_bad": True}, {"bad": "0:29"}, 0.95),
        ({"finding": "typo", "max_rate": 0.03}, {"abstain_on_bad": True}, {"bad": "0:29"}, 0.95),
        (QUALITY | {"min_scored": 0}, {"abstain": "0:60"}, {}, 0),
        (DROP | {"max_drop": 0.05}, {}, {"lost": "0:3"}, 0.95),
    ],
)
def test_a_gap_is_never_called_too_few_cases(
    run: Runner, gate: dict[str, Any], truth: dict[str, Any], student: dict[str, Any], min_coverage: float
) -> None:
    ended = run([gate | {"undecided": "warn"}], truth=truth, student=student, min_coverage=min_coverage, judges=())
    assert (ended.code, ended.statuses, ended.gates[0].cause) == (3, [UNDECIDED], Undecided.EVIDENCE)


def test_a_limited_run_is_not_only_warned_of(run: Runner) -> None:
    ended = run([CONTENT | WARNS, QUALITY | WARNS], "--limit", "20")
    assert ended.code == 3
    assert [gate.cause for gate in ended.gates] == [Undecided.LIMITED] * 2
