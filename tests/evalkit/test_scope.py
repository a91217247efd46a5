"""What judges say of a case before any picture: taken at their word, and refused where it means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from evalkit.api.errors import ConfigError, PluginError
from evalkit.api.protocols import Judge
from evalkit.api.records import Background, Case, Dimension, FindingKind
from evalkit.api.scope import kinds_of, not_applicable
from evalkit.config.load import load_config
from evalkit.config.model import Gate
from evalkit.engine.plan import Plan, assemble
from evalkit.engine.scope import check_drops
from evalkit.plugins.conformance import instance_problems
from evalkit.verdict.kinds import dimensions_of_finding

CASE = Case("c", "a sign")


class FakeScopedJudge:
    """Says what it is told to say."""

    name = "fake-scoped"
    version = "1"
    concurrency = 1
    dimensions = (Dimension("fake.text", ""), Dimension("fake.quality", ""))
    kinds: Any = (FindingKind("typo", "text", dimensions=("fake.text",)), FindingKind("blur"))

    def __init__(self, said: Mapping[str, str] | Exception) -> None:
        self.said = said

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def scoped(said: Mapping[str, str] | Exception = {}) -> Any:  # noqa: B006  # it is not changed
    return FakeScopedJudge(said)


def test_a_judge_without_hooks_reports_nothing_and_every_case_applies() -> None:
    bare: Any = object()
    assert kinds_of(bare) == {}
    assert not_applicable(bare, CASE, True) == {}


def test_a_reason_is_taken_over() -> None:
    assert not_applicable(scoped({"fake.text": "no text is asked"}), CASE, True) == {"fake.text": "no text is asked"}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (ZeroDivisionError("a bug (fake)"), "raised ZeroDivisionError: a bug"),
        ({"fake.nothing": "no"}, "names `fake.nothing`"),
    ],
)
def test_a_judge_that_answers_nonsense_is_named(said: Any, problem: str) -> None:
    with pytest.raises(PluginError, match=problem) as raised:
        not_applicable(scoped(said), CASE, True)
    assert "fake-scoped" in str(raised.value)


@pytest.mark.parametrize(
    ("kinds", "problem"),
    [
        (("typo",), "is not a tuple of FindingKind"),
        ((FindingKind("typo"), FindingKind("typo", "text")), "names `typo` twice"),
        ((FindingKind("typo", dimensions=("fake.txt",)),), "names the dimension `fake.txt`"),
    ],
)
def test_kinds_are_checked_when_the_judge_is_made(kinds: object, problem: str) -> None:
    judge = scoped()
    judge.kinds = kinds
    assert any(problem in said for said in instance_problems(judge, Judge))
    assert not any("kinds" in said for said in instance_problems(scoped(), Judge))


def test_a_gate_on_a_kind_rests_on_the_dimensions_of_the_kind() -> None:
    def dimensions(finding: str) -> frozenset[str]:
        return dimensions_of_finding(Gate(finding=finding, max_rate=0.1), scoped())

    assert dimensions("typo") == dimensions("text") == {"fake.text"}
    assert dimensions("blur") == {"fake.text", "fake.quality"}


@pytest.mark.parametrize(
    ("judge", "dimension", "instead"),
    [
        ("fidelity", "fidelity.ssim", "min_value"),
        ("fidelity", "fidelity.flip", "max_value"),
        ("lpips:weights=none", "lpips", "max_value"),
        ("dists:weights=none", "dists", "max_value"),
        ("vlm", "vlm.preference", "min_value"),
    ],
)
def test_a_distance_to_the_teacher_has_no_drop_from_the_teacher(judge: str, dimension: str, instead: str) -> None:
    plan = planned(judge, Gate(dimension=dimension, max_drop=0.1))
    with pytest.raises(ConfigError, match="no value of the teacher's own to drop from") as raised:
        check_drops(plan, [CASE])
    assert f"`{instead}` in place of `max_drop`" in str(raised.value.hint)
    bound = Gate(dimension=dimension, **{instead: 0.5})
    check_drops(planned(judge, bound), [CASE])


def test_grain_may_drop_from_the_teacher_where_a_case_declares_its_ground() -> None:
    """A case that declares nothing finds its flat ground with the twin; one that does is asked of both."""
    declared = Case("d", "a sign", background=Background("solid", colors=((51, 102, 153),)))
    plan = planned("grain", Gate(dimension="grain.area", max_drop=0.1))
    check_drops(plan, [CASE, declared])
    with pytest.raises(ConfigError, match="no twin to compare with"):
        check_drops(planned("grain", Gate(dimension="grain.ratio", max_drop=0.1)), [CASE, declared])


def planned(judge: str, gate: Gate) -> Plan:
    """A plan with this judge and this gate."""
    given = {
        "student": "flash-mini",
        "teacher": "base-mini",
        "judges": [judge],
        "gates": [gate.model_dump(exclude_unset=True)],
    }
    return assemble(load_config(None, given))
