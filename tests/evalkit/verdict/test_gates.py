"""Gates decide on interval bounds, whatever the missing cells hold."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from evalkit.api.records import Case, Dimension, Grade, Status, Task
from evalkit.api.results import GateResult, GateStatus, Interval, Undecided
from evalkit.config.model import Gate
from evalkit.verdict.evidence import Cell, Pair, bounds_of_drops, breaking_end, of_drops, of_values
from evalkit.verdict.gates import Ruling, is_upper, rule_on, rule_on_interval, settle

DIMENSION = Dimension("d", "a share")


def scored(value: float) -> Cell:
    return Cell(Status.SCORED, value)


MISSING = Cell(Status.UNSCORED, reason="unsure")


def decide(
    gate: Gate, pairs: list[Pair], dimension: Dimension = DIMENSION, *, min_coverage: float = 0.95
) -> GateResult:
    if gate.max_drop is not None:
        evidence, (low, high) = of_drops(pairs, dimension), bounds_of_drops(dimension)
    else:
        evidence = of_values(pairs, breaking_end(dimension, upper=is_upper(gate)))
        low, high = dimension.low, dimension.worst if dimension.high is None else dimension.high
    ruling = rule_on(gate, evidence, low=low, high=high, min_coverage=min_coverage, paired=gate.max_drop is not None)
    return settle([ruling])[0]


def cases(values: list[tuple[float | None, float | None]]) -> list[Pair]:
    return [
        Pair(f"c{i}", *(MISSING if value is None else scored(value) for value in both)) for i, both in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("rule", "interval", "expected"),
    [
        ({"min_value": 0.9}, (0.95, 0.92, 0.98), GateStatus.PASS),
        ({"min_value": 0.9}, (0.85, 0.80, 0.89), GateStatus.FAIL),
        ({"min_value": 0.9}, (0.95, 0.85, 0.99), GateStatus.UNDECIDED),
        ({"min_value": 0.9}, (0.95, None, 0.99), GateStatus.UNDECIDED),
        ({"min_value": 0.9}, None, GateStatus.UNDECIDED),
        ({"max_value": 0.1}, (0.05, 0.01, 0.09), GateStatus.PASS),
        ({"max_value": 0.1}, (0.2, 0.15, None), GateStatus.FAIL),
        ({"max_drop": 0.05}, (0.01, -0.01, 0.03), GateStatus.PASS),
        ({"max_drop": 0.05}, (0.2, 0.1, 0.3), GateStatus.FAIL),
        ({"max_drop": 0.05}, (-0.2, -0.3, -0.1), GateStatus.PASS),
        ({"max_drop": 0.05}, (0.04, -0.02, 0.1), GateStatus.UNDECIDED),
    ],
)
def test_a_gate_is_decided_on_the_bounds(rule: dict, interval: tuple | None, expected: GateStatus) -> None:
    (result,) = settle([rule_on_interval(Gate(dimension="d", **rule), Interval(*interval, n=50) if interval else None)])
    assert result.status is expected, result


def test_nothing_scored_is_undecided_and_says_why() -> None:
    result = decide(Gate(dimension="d", min_value=0.5), [Pair(f"c{i}", MISSING) for i in range(40)])
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)
    assert "only 0 of 40 cells of the student were scored: unsure (40 cells)" in result.detail


def test_nothing_asked_is_undecided_and_says_why() -> None:
    outside = Cell(Status.NOT_APPLICABLE, reason="the case asks for no text")
    result = decide(Gate(dimension="d", min_value=0.5), [Pair(f"c{i}", outside) for i in range(40)])
    assert result.cause is Undecided.EVIDENCE
    assert "nothing was asked of the student: the case asks for no text (40 cells)" in result.detail


def test_abstentions_on_the_bad_pictures_do_not_pass() -> None:
    pairs = [Pair(f"c{i}", scored(1.0) if i < 122 else MISSING) for i in range(200)]
    result = decide(Gate(dimension="d", min_value=0.95), pairs)
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)
    assert result.asked
    assert (result.asked.student_scored, result.asked.student) == (122, 200)


def test_what_the_teacher_misses_too_is_left_out() -> None:
    pairs = cases([(1.0, 1.0)] * 100 + [(None, None)] * 20)
    assert decide(Gate(dimension="d", min_value=0.9), pairs).status is GateStatus.PASS
    result = decide(Gate(dimension="d", max_drop=0.05), pairs)
    assert result.status is GateStatus.PASS
    assert result.asked
    assert result.asked.left_out == 20


def test_what_only_the_student_misses_counts_against_it() -> None:
    result = decide(Gate(dimension="d", max_drop=0.05), cases([(1.0, 1.0)] * 100 + [(None, 1.0)] * 10))
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)


def test_what_only_the_reference_misses_takes_its_best_value() -> None:
    result = decide(Gate(dimension="d", max_drop=0.05), cases([(0.5, 0.5)] * 100 + [(0.5, None)] * 20))
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)
    assert decide(Gate(dimension="d", max_drop=0.2), cases([(0.5, 0.5)] * 100 + [(0.5, None)] * 4)).status is (
        GateStatus.PASS
    )


def test_without_a_teacher_every_missing_cell_counts_as_bad() -> None:
    pairs = [Pair(f"c{i}", scored(1.0) if i < 100 else MISSING) for i in range(120)]
    assert decide(Gate(dimension="d", min_value=0.9), pairs).status is GateStatus.UNDECIDED


def test_the_scored_cells_alone_can_fail() -> None:
    result = decide(
        Gate(dimension="d", min_value=0.9), [Pair(f"c{i}", scored(0.5)) for i in range(60)] + [Pair("m", MISSING)]
    )
    assert result.status is GateStatus.FAIL


def test_seeds_are_imputed_before_the_mean_of_the_case() -> None:
    pairs = [Pair(f"c{i // 2}", scored(1.0) if i % 2 else MISSING) for i in range(200)]
    evidence = of_values(pairs, 0.0)
    assert evidence.imputed is not None
    assert set(evidence.imputed) == {0.5}
    assert set(evidence.scored) == {1.0}


def test_failed_judges_and_missing_pictures_make_it_undecided() -> None:
    crashed = Cell(Status.ERROR, reason="the judge crashed")
    pairs = [Pair(f"c{i}", crashed if i < 6 else scored(0.0)) for i in range(60)]
    result = decide(Gate(dimension="d", min_value=0.9), pairs)
    assert result.cause is Undecided.EVIDENCE
    assert "6 of 60 cells of the student have no verdict: the judge crashed (6 cells)" in result.detail
    assert decide(Gate(dimension="d", min_value=0.9), pairs, min_coverage=0.8).status is GateStatus.FAIL


def test_an_unbounded_dimension_without_a_worst_value_stays_undecided() -> None:
    pairs = [Pair(f"c{i}", scored(float(i % 3))) for i in range(60)] + [Pair("m", MISSING)]
    gate = Gate(dimension="d", max_value=5)
    result = decide(gate, pairs, Dimension("d", "px", False, high=None))
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)
    assert "declares no worst value" in result.detail
    assert decide(gate, pairs, Dimension("d", "px", False, high=None, worst=20.0)).status is GateStatus.PASS


def test_a_power_problem_may_warn_but_missing_evidence_never_does() -> None:
    few = [Pair(f"c{i}", scored(float(i % 2))) for i in range(20)]
    warns = Gate(dimension="d", min_value=0.5, undecided="warn")
    assert decide(warns, few).warns
    assert decide(warns, [*few, *(Pair(f"m{i}", MISSING) for i in range(40))]).warns is False


@pytest.mark.parametrize("n_missing", [1, 9, 19])
def test_a_gap_is_the_cause_even_where_power_lacks_too(n_missing: int) -> None:
    few = [Pair(f"c{i}", scored(float(i % 2))) for i in range(20)]
    gaps = [Pair(f"m{i}", MISSING) for i in range(n_missing)]
    result = decide(Gate(dimension="d", min_value=0.5, undecided="warn"), [*few, *gaps])
    assert (result.status, result.cause, result.warns) == (GateStatus.UNDECIDED, Undecided.EVIDENCE, False)
    drop = Gate(dimension="d", max_drop=0.1, undecided="warn")
    result = decide(drop, cases([(float(i % 2), 0.5) for i in range(20)] + [(0.5, None)] * n_missing))
    assert (result.cause, result.warns) == (Undecided.EVIDENCE, False)


def test_nothing_scored_is_missing_evidence_whatever_the_gate_asks_for() -> None:
    for rule in ({"min_value": 0.5}, {"min_value": 0.0}, {"max_drop": 1.0}):
        gate = Gate(dimension="d", min_scored=0, undecided="warn", **rule)
        result = decide(gate, cases([(None, None)] * 40), min_coverage=0)
        assert (result.cause, result.warns) == (Undecided.EVIDENCE, False), rule


def test_a_gate_may_ask_for_more_scored_cells() -> None:
    pairs = cases([(1.0, 1.0)] * 60 + [(None, None)] * 40)
    assert decide(Gate(dimension="d", max_drop=0.1), pairs).status is GateStatus.PASS
    assert decide(Gate(dimension="d", max_drop=0.1, min_scored=0.7), pairs).cause is Undecided.EVIDENCE


def test_several_gates_fail_by_holm() -> None:
    """One gate of eight that fails only just is put down to chance; one that fails clearly is not."""
    gate = Gate(dimension="d", max_value=0.1)
    just, fine = Interval(0.2, 0.105, 0.295, 50), Interval(0.0, -0.05, 0.05, 50)
    alone = settle([rule_on_interval(gate, just)])
    assert alone[0].status is GateStatus.FAIL
    among = settle([rule_on_interval(gate, just), *(rule_on_interval(gate, fine) for _ in range(7))])
    assert (among[0].status, among[0].cause) == (GateStatus.UNDECIDED, Undecided.FAMILY)
    assert "it would have failed as the only gate" in among[0].detail
    gaps = replace(rule_on_interval(gate, just), missing="48 of 50 cells of the baseline were scored")
    among = settle([gaps, *(rule_on_interval(gate, fine) for _ in range(7))])
    assert (among[0].status, among[0].cause) == (GateStatus.UNDECIDED, Undecided.EVIDENCE)
    clear = Interval(0.6, 0.5, 0.7, 50)
    assert settle([rule_on_interval(gate, clear), *(rule_on_interval(gate, fine) for _ in range(7))])[0].status is (
        GateStatus.FAIL
    )


def test_too_little_power_gives_a_range_of_cases() -> None:
    rng = np.random.default_rng(0)
    pairs = [Pair(f"c{i}", scored(float(v))) for i, v in enumerate(np.clip(rng.normal(0.55, 0.2, 60), 0, 1))]
    result = decide(Gate(dimension="d", min_value=0.52), pairs)
    if result.status is GateStatus.UNDECIDED and result.n_needed is not None:
        assert result.n_needed_most is not None
        assert result.n_needed <= result.n_needed_most
    near = decide(Gate(dimension="d", min_value=0.55), pairs)
    assert (near.status, near.n_needed) == (GateStatus.UNDECIDED, None), "the data do not tell how far it is"


@pytest.mark.parametrize(
    "rule",
    [
        {"dimension": "d"},
        {"dimension": "d", "min_value": 1, "max_value": 2},
        {"dimension": "d", "max_rate": 0.1},
        {"finding": "typo"},
        {"finding": "typo", "dimension": "d", "max_rate": 0.1},
        {"max_rate": 0.1},
        {"dimension": "d", "min_value": float("nan")},
        {"dimension": "d", "max_value": float("inf")},
    ],
)
def test_a_gate_is_one_rule_with_a_finite_bound(rule: dict) -> None:
    with pytest.raises(ValidationError):
        Gate(**rule)


def test_where() -> None:
    gate = Gate(dimension="d", min_value=0.5, where={"task": "t2i", "tag": "cjk"})
    assert gate.asks(Case("a", "p", tags=("cjk",)))
    assert not gate.asks(Case("a", "p"))
    assert gate.where
    assert gate.where.task is Task.T2I
    assert Gate(finding="typo", max_rate=0.1).grade is Grade.FAILURE


@pytest.mark.parametrize(("worst", "expected"), [(None, GateStatus.UNDECIDED), (100.0, GateStatus.PASS)])
def test_a_constant_sample_is_no_worse_off_than_one_with_a_defect(worst: float | None, expected: GateStatus) -> None:
    """On a side without a limit: a declared `worst` bounds both, and without it neither tells how bad a defect is."""
    dimension = Dimension("d", "px", False, high=None, worst=worst)
    gate = Gate(dimension="d", max_value=0.5)
    for defects in (0, 1):
        pairs = [Pair(f"c{i}", scored(float(i < defects))) for i in range(1000)]
        evidence = of_values(pairs, breaking_end(dimension, upper=True))
        ruling = rule_on(gate, evidence, low=0.0, high=worst, min_coverage=0.95, paired=False)
        (result,) = settle([ruling])
        assert result.status is expected, (defects, result.detail)
        assert ("declares no `worst`" in result.detail) == (worst is None)


def test_ten_different_cases_tell_how_far_others_may_lie() -> None:
    gate = Gate(dimension="d", max_value=0.5)
    for defects, expected in ((9, GateStatus.UNDECIDED), (10, GateStatus.PASS)):
        evidence = of_values([Pair(f"c{i}", scored(float(i < defects))) for i in range(1000)], None)
        (result,) = settle([rule_on(gate, evidence, low=0.0, high=None, min_coverage=0.95, paired=False)])
        assert result.status is expected


def test_a_gate_says_where_its_number_of_cases_comes_from() -> None:
    values = np.linspace(0.23, 0.85, 60)  # mean .54, standard error .024: the bound lies two of them away
    result = decide(Gate(dimension="d", min_value=0.5), [Pair(f"c{i}", scored(float(v))) for i, v in enumerate(values)])
    assert result.cause is Undecided.POWER
    assert result.n_needed
    assert "for the true values that this run leaves plausible" in result.detail


def test_a_watched_gate_that_passes_on_its_interval_alone_lacks_power_not_evidence() -> None:
    """Its own level is a little stricter than the interval's, because watching took a part of the error rate."""
    inside = Interval(0.05, 0.0, 0.0999, 200)
    (result,) = settle([Ruling(Gate(dimension="d", max_drop=0.1), inside, inside, 1.0, p_pass=0.028, watched=True)])
    assert (result.status, result.cause) == (GateStatus.UNDECIDED, Undecided.POWER)
