"""The findings of a run, and the failures among them that CI lists, worst first.

Which finding is a failure is decided in `evalkit.api.failing`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evalkit.api.failing import is_failure
from evalkit.api.records import Blame, Finding, Grade, Role
from evalkit.api.results import Bucket, CaseResult, RunResults

NEW = (Bucket.REGRESSED, Bucket.NEW_FAILURE)
"""With a baseline, a failure is new if its case is in one of these buckets."""


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
    """The worst new failures of a run and how many there are in all; those of flaky cases are listed apart.

    With a baseline, a failure is new if its case regressed or has no verdict in the baseline. Without a baseline, every
    failure that is the student's own counts as new.
    """

    worst: tuple[Failure, ...]
    n: int
    flaky: tuple[Failure, ...]
    n_flaky: int


NO_FAILURES = Failures((), 0, (), 0)


def findings(result: CaseResult, role: Role) -> Iterator[tuple[str, Finding]]:
    """Every finding of every judge on the picture of `role`, with the judge's name."""
    for verdict in result.verdicts.get(role, ()):
        for finding in verdict.findings:
            yield verdict.judge, finding


def is_students_own(finding: Finding) -> bool:
    """Whether the student is to blame: the twin is fine, or was not judged. A defect of both models is inherited."""
    return finding.blame in (None, Blame.STUDENT_ONLY, Blame.WORSENED)


def collect_failures(results: RunResults, limit: int) -> Failures:
    """The `limit` worst failures of a run, in one pass; memory does not grow with the number of cases."""
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


def failures_of(located: Iterable[tuple[str, Finding]], least: Grade = Grade.FAILURE) -> list[tuple[str, Finding]]:
    """The findings that are failures: the student's own first, among these the most severe first."""
    severe = [item for item in located if is_failure(item[1], least)]
    return sorted(severe, key=lambda item: (not is_students_own(item[1]), -item[1].severity))


def _failure(result: CaseResult) -> Failure | None:
    severe = failures_of(findings(result, Role.STUDENT))
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
