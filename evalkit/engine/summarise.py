"""From the cells of a run to its answer: means with intervals, gates, coverage, outcome."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import NamedTuple

import numpy as np

from evalkit.api.records import Dimension, Role, Status
from evalkit.api.results import DimensionResult, GeneratorResult, Interval
from evalkit.engine.generating import info_of
from evalkit.engine.plan import Plan
from evalkit.engine.timed_draws import timed_result, timings
from evalkit.engine.timing import shared_conditions
from evalkit.formats.foreign_text import clean
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import difference_bounds, paired_differences
from evalkit.verdict.gates import ROUNDING


def dimension_results(plan: Plan, store: RunReader) -> tuple[DimensionResult, ...]:
    """Every dimension of every role, the student's with its paired difference to the teacher."""
    counts = store.status_counts()
    results = []
    for role in plan.generators:
        for judge, dimension in plan.dimensions().values():
            scored = counts.get((role, dimension.name, Status.SCORED), 0)
            paired = role is Role.STUDENT and Role.TEACHER in plan.generators
            results.append(
                DimensionResult(
                    role,
                    judge.name,
                    judge.version,
                    dimension,
                    store.n_samples(role) - counts.get((role, dimension.name, Status.NOT_APPLICABLE), 0),
                    scored,
                    _mean(store, role, dimension),
                    _difference_to_teacher(store, dimension) if paired else None,
                )
            )
    return tuple(results)


def _mean(store: RunReader, role: Role, dimension: Dimension) -> Interval | None:
    """Mean of a dimension over the cases of a run."""
    values = case_means((case, value) for case, _, value in store.scores(role, dimension.name))
    low, high = dimension.ends
    return mean_interval(values, low=low, high=high)


def _difference_to_teacher(store: RunReader, dimension: Dimension) -> Interval | None:
    """Mean of student minus teacher over the cases and seeds that both scored."""
    low, high = difference_bounds(dimension)
    differences = case_means(paired_differences(store, store, Role.TEACHER, dimension.name))
    return mean_interval(differences, low=low, high=high)


def judge_fingerprints(plan: Plan) -> dict[str, str]:
    """Judge name -> fingerprint."""
    return {judge.name: judge.fingerprint() for judge in plan.judges}


def generator_results(plan: Plan, store: RunReader) -> tuple[GeneratorResult, ...]:
    """What each generator delivered: medians over its pictures, its seconds from a timing if there was one."""
    results, measured = [], timings(store)
    for role, generator in plan.generators.items():
        info, n_ok, n_error = info_of(generator), 0, 0
        nfes: list[int] = []
        seconds: list[float] = []
        for sample in store.samples(role):
            n_ok, n_error = n_ok + sample.ok, n_error + (not sample.ok)
            nfes += [sample.nfe] if sample.nfe is not None else []
            seconds += [sample.seconds] if sample.seconds is not None else []
        result = GeneratorResult(
            role,
            info.name,
            info.licence,
            info.hardware,
            n_ok,
            n_error,
            int(statistics.median(nfes)) if nfes else None,
            float(np.median(seconds)) if seconds else None,
            info.settings,
            shared_conditions(store.samples(role)),
        )
        results.append(timed_result(result, measured.get(role)))
    return tuple(results)


def coverage(plan: Plan, store: RunReader) -> float:
    """Share of the cells that a judge has looked at (scored or abstained) among all that the cases ask for."""
    totals = [row for row in cell_totals(plan, store)]
    asked = sum(row.asked for row in totals)
    return sum(row.looked for row in totals) / asked if asked else 0.0


class CellTotals(NamedTuple):
    """The cells of one dimension of one role: how many the cases ask for, and how many of these a judge looked at."""

    role: Role
    judge: str
    dimension: str
    asked: int
    looked: int


def cell_totals(plan: Plan, store: RunReader) -> list[CellTotals]:
    """How complete every dimension of every role is. Cells that a case does not ask for are not counted."""
    counts = store.status_counts()
    rows = []
    for role in plan.generators:
        drawn = store.n_samples(role)
        for name, (judge, _) in plan.dimensions().items():
            asked = drawn - counts.get((role, name, Status.NOT_APPLICABLE), 0)
            looked = sum(counts.get((role, name, status), 0) for status in (Status.SCORED, Status.UNSCORED))
            rows.append(CellTotals(role, judge.name, name, asked, looked))
    return rows


def incomplete(plan: Plan, store: RunReader) -> list[str]:
    """The dimensions whose share of judged cells is below the run's `min_coverage`, in words; one line per judge."""
    by_judge: dict[tuple[Role, str], list[CellTotals]] = {}
    for row in cell_totals(plan, store):
        if row.asked and row.looked < plan.config.min_coverage * row.asked - ROUNDING:
            by_judge.setdefault((row.role, row.judge), []).append(row)
    said = []
    for (role, judge), rows in by_judge.items():
        least = min(rows, key=lambda row: row.looked / row.asked)
        failure = clean(_usual_failure(store, role, least.dimension), limit=160)
        said.append(
            f"coverage of {judge} on the {role.value}'s pictures is {least.looked / least.asked:.1%} "
            f"({least.looked} of {least.asked} cells of {least.dimension}), below the limit of "
            f"{plan.config.min_coverage:.1%}" + (f", mostly for: {failure}" if failure else "")
        )
    return said


def _usual_failure(store: RunReader, role: Role, dimension: str) -> str:
    """The most frequent reason why cells of a dimension have no verdict; empty if all have one."""
    failed = (Status.ERROR, Status.SKIPPED)
    reasons = Counter(reason for _, _, status, _, reason in store.statuses(role, dimension) if status in failed)
    return next((reason for reason, _ in reasons.most_common(1)), "")


def flaky_in_words(flaky: frozenset[str], store: RunReader) -> list[str]:
    """How many cases the gates left out as unstable; empty if none."""
    left_out = sum(case.id in flaky for _, case in store.cases()) if flaky else 0
    return (
        [f"{left_out} of {store.n_cases()} cases are listed as unstable and left out of the gates"] if left_out else []
    )
