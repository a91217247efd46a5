"""The cases of a run that fail, worst first, each with its findings and with the gates that counted it.

Which case fails is decided in `evalkit.api.failing`, and nowhere else: its picture has a failure of the student's own,
or a failed gate counted it. Cases whose failures the teacher has too, and which no failed gate counted, are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from evalkit.api.failing import case_fails, case_inherits, is_failure, is_inherited
from evalkit.api.records import Finding, Grade, Role, Verdict, grade_of
from evalkit.api.results import Bucket, CaseResult, GateResult, RunResults, RunSummary
from evalkit.reports.wording import figure

NEW = (Bucket.REGRESSED, Bucket.NEW_FAILURE)
"""With a baseline, a failure is new if its case is in one of these buckets."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The findings of one kind that one judge has on one picture: the worst of them, and how many there are."""

    judge: str
    worst: Finding
    n: int

    @property
    def kind(self) -> str:
        """What they are."""
        return self.worst.kind

    @property
    def grade(self) -> Grade:
        """The grade of the worst."""
        return grade_of(self.worst)


class Counted(NamedTuple):
    """A failed gate that counted a case, with what it measured on this picture.

    `subject` is the dimension or the kind of finding that the rule bounds. The values are those of a dimension; without
    one, `reason` says why.
    """

    rule: str
    subject: str
    value: float | None = None
    teacher: float | None = None
    baseline: float | None = None
    reason: str = ""

    @property
    def measured(self) -> str:
        """`words 0.500 (teacher 0.944)`; empty for a gate on a kind of finding."""
        if self.value is None:
            return f"{self.subject}: {self.reason}" if self.reason else ""
        others = (("teacher", self.teacher), ("baseline", self.baseline))
        beside = ", ".join(f"{name} {figure(value)}" for name, value in others if value is not None)
        return f"{self.subject} {figure(self.value)}" + (f" ({beside})" if beside else "")

    @property
    def in_words(self) -> str:
        """The rule, and what was measured."""
        return f"counted by the failed gate “{self.rule}”" + (f": {self.measured}" if self.measured else "")


@dataclass(frozen=True, slots=True)
class Failure:
    """One case and seed that fails.

    Args:
        case_id: of the case.
        seed: of the picture.
        bucket: what became of it since the baseline; `None` without one.
        found: its failures, one for each kind, the worst first. Where a gate alone fails the case, the findings that
            the gate counted, and none for a gate on a dimension.
        counted: the failed gates that counted the case.
    """

    case_id: str
    seed: int
    bucket: Bucket | None
    found: tuple[Merged, ...] = ()
    counted: tuple[Counted, ...] = ()

    @property
    def worst(self) -> Merged | None:
        """The worst of its findings; `None` if only a gate on a dimension fails it."""
        return self.found[0] if self.found else None

    @property
    def is_new(self) -> bool:
        """Whether the baseline did not have it."""
        return self.bucket in NEW


@dataclass(frozen=True, slots=True)
class Failures:
    """The worst failures of a run and how many there are in all; those of flaky cases are listed apart.

    `everyone` names all of them, by case id and seed, in the order of the run. `n_new` of them are new since the
    baseline; it is `None` without one. `inherited` are the worst of the `n_inherited` cases and seeds that do not fail,
    because the teacher has their failures, too, and no failed gate counted them.
    """

    worst: tuple[Failure, ...]
    n: int
    flaky: tuple[Failure, ...]
    n_flaky: int
    n_new: int | None = None
    everyone: tuple[tuple[str, int], ...] = ()
    inherited: tuple[Failure, ...] = ()
    n_inherited: int = 0


NO_FAILURES = Failures((), 0, (), 0)


def findings(result: CaseResult, role: Role) -> Iterator[tuple[str, Finding]]:
    """Every finding of every judge on the picture of `role`, with the judge's name."""
    for verdict in result.verdicts.get(role, ()):
        for finding in verdict.findings:
            yield verdict.judge, finding


def collect_failures(results: RunResults, limit: int) -> Failures:
    """The `limit` worst failures of a run, in one pass; of the others memory holds the names alone."""
    summary = results.summary()
    unstable, gates = frozenset(summary.flaky), by_rule(summary)
    worst: list[Failure] = []
    flaky: list[Failure] = []
    inherited: list[Failure] = []
    everyone: list[tuple[str, int]] = []
    n_flaky = n_new = n_inherited = 0
    for result in results.cases():
        failure = failure_of(result, gates)
        if failure is None:
            if case_inherits(result):
                n_inherited += 1
                _keep(inherited, _described(result, gates), limit)
            continue
        if failure.case_id in unstable:
            n_flaky += 1
            _keep(flaky, failure, limit)
            continue
        everyone.append((failure.case_id, failure.seed))
        n_new += failure.is_new
        _keep(worst, failure, limit)
    new = n_new if summary.comparison else None
    return Failures(
        tuple(worst), len(everyone), tuple(flaky), n_flaky, new, tuple(everyone), tuple(inherited), n_inherited
    )


def failure_of(result: CaseResult, gates: Mapping[str, GateResult]) -> Failure | None:
    """What fails a case, `None` if it does not fail. `gates` are those of `by_rule`."""
    return _described(result, gates) if case_fails(result) else None


def _described(result: CaseResult, gates: Mapping[str, GateResult]) -> Failure:
    counted = counted_by(result, gates)
    found = list(findings(result, Role.STUDENT))
    severe = merged(item for item in found if is_failure(item[1]))
    if not severe:
        subjects = {one.subject for one in counted}
        severe = merged(item for item in found if item[1].kind in subjects)
    bucket = result.change.bucket if result.change else None
    return Failure(result.case.id, result.seed, bucket, tuple(severe), counted)


def by_rule(summary: RunSummary) -> dict[str, GateResult]:
    """The gates of a run by their rules, by which a case names them."""
    return {gate.rule: gate for gate in summary.gates}


def counted_by(result: CaseResult, gates: Mapping[str, GateResult]) -> tuple[Counted, ...]:
    """The failed gates that counted a case."""
    return tuple(_counted(rule, gates[rule].dimension if rule in gates else "", result) for rule in result.failed_gates)


def merged(located: Iterable[tuple[str, Finding]]) -> list[Merged]:
    """Findings as one entry for each judge and kind: the student's own first, then by grade and severity."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for judge, finding in located:
        groups.setdefault((judge, finding.kind), []).append(finding)
    entries = [Merged(judge, min(group, key=_badness), len(group)) for (judge, _), group in groups.items()]
    return sorted(entries, key=lambda one: _badness(one.worst))


def expected_and_read(finding: Finding) -> tuple[str | None, str | None]:
    """The text asked for and the text read, where the finding is about text and says so."""
    expected, read = finding.evidence.get("expected"), finding.evidence.get("read")
    return (expected if isinstance(expected, str) else None, read if isinstance(read, str) else None)


def _badness(finding: Finding) -> tuple[bool, int, float]:
    """What findings are sorted by: smaller is worse."""
    return (is_inherited(finding), -grade_of(finding).rank, -finding.severity)


def _counted(rule: str, subject: str, result: CaseResult) -> Counted:
    value, reason = _score(result.verdicts.get(Role.STUDENT, ()), subject)
    if value is None:
        return Counted(rule, subject, reason=reason)
    teacher, _ = _score(result.verdicts.get(Role.TEACHER, ()), subject)
    baseline, _ = _score(result.change.baseline_verdicts if result.change else (), subject)
    return Counted(rule, subject, value, teacher, baseline)


def _score(verdicts: Iterable[Verdict], dimension: str) -> tuple[float | None, str]:
    """The score of a picture on a dimension, else the reason why it has none."""
    score = next((found for verdict in verdicts if (found := verdict.score(dimension))), None)
    return (score.value, score.reason) if score else (None, "")


def _keep(kept: list[Failure], failure: Failure, limit: int) -> None:
    kept.append(failure)
    kept.sort(key=_order)  # stable: equals stay in the order of the suite
    del kept[limit:]


def _order(failure: Failure) -> tuple[bool, bool, float]:
    worst = failure.worst
    if worst is None:
        return (not failure.is_new, False, 0.0)
    return (not failure.is_new, is_inherited(worst.worst), -worst.worst.severity)
