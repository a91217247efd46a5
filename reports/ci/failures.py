"""What this run broke, worst first: the failures that CI shows before all others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.api.records import Finding, Role
from evalkit.api.results import FAILING_SEVERITY, Bucket, CaseResult, RunResults
from evalkit.reports.rows import findings, is_students_own

NEW = (Bucket.REGRESSED, Bucket.NEW_FAILURE)
"""Against a baseline, a failure in one of these is new."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One case and seed that fails, with its worst finding. `bucket` is `None` where no baseline was given."""

    case_id: str
    seed: int
    judge: str
    finding: Finding
    bucket: Bucket | None


@dataclass(frozen=True, slots=True)
class Failures:
    """The worst new failures of a run and how many there are in all; those of flaky cases stand apart.

    Against a baseline, new is what regressed or has no verdict in the baseline. Without one, it is what has a severe
    finding of the student's own.
    """

    worst: tuple[Failure, ...]
    n: int
    flaky: tuple[Failure, ...]
    n_flaky: int


def collect_failures(results: RunResults, limit: int) -> Failures:
    """The `limit` worst of a run, in one pass; memory is flat in the number of cases."""
    unstable = frozenset(results.summary().flaky)
    worst: list[Failure] = []
    flaky: list[Failure] = []
    n = n_flaky = 0
    for failure in map(_failure, results.cases()):
        if failure is None:
            continue
        if failure.case_id in unstable:
            n_flaky += 1
            _keep(flaky, failure, limit)
        elif _is_new(failure):
            n += 1
            _keep(worst, failure, limit)
    return Failures(tuple(worst), n, tuple(flaky), n_flaky)


def expected_and_read(finding: Finding) -> tuple[str | None, str | None]:
    """The text asked for and the text read, where the finding is about text and says so."""
    expected, read = finding.evidence.get("expected"), finding.evidence.get("read")
    return (expected if isinstance(expected, str) else None, read if isinstance(read, str) else None)


def worst_first(located: Iterable[tuple[str, Finding]], severity: float) -> list[tuple[str, Finding]]:
    """The findings of at least `severity`: the student's own first, the most severe first among equals."""
    severe = [item for item in located if item[1].severity >= severity]
    return sorted(severe, key=lambda item: (not is_students_own(item[1]), -item[1].severity))


def _failure(result: CaseResult) -> Failure | None:
    severe = worst_first(findings(result, Role.STUDENT), FAILING_SEVERITY)
    if not severe:
        return None
    judge, finding = severe[0]
    return Failure(result.case.id, result.seed, judge, finding, result.change.bucket if result.change else None)


def _is_new(failure: Failure) -> bool:
    return is_students_own(failure.finding) if failure.bucket is None else failure.bucket in NEW


def _keep(kept: list[Failure], failure: Failure, limit: int) -> None:
    kept.append(failure)
    kept.sort(key=lambda f: -f.finding.severity)  # stable: equals stay in the order of the suite
    del kept[limit:]
