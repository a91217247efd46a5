"""A run against a baseline run: what became of every case, and of every dimension."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.api.failing import failed_gates_by_case, fails, inherits, knows_blame
from evalkit.api.records import Case, Dimension, Role, Verdict
from evalkit.api.results import Bucket, CaseChange, Comparison, DimensionChange, GateResult
from evalkit.config.model import Gate
from evalkit.config.stored import gates_from_json
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.stats.multiplicity import benjamini_hochberg
from evalkit.stats.paired_tests import paired_p_value
from evalkit.store.baseline_pictures import KeptThumbnails
from evalkit.store.run_reader import RunReader
from evalkit.verdict.blame import blame_verdicts, scored_anything
from evalkit.verdict.bounds import breaking_cases
from evalkit.verdict.gates import describe
from evalkit.verdict.question import same_question


class Baseline:
    """A finished run to compare with: its cases by id, and its judges."""

    def __init__(self, reader: RunReader, label: str = "") -> None:
        self.reader = reader
        self.label = label or reader.folder.name
        self.judges: Mapping[str, str] = reader.meta("judges") or {}
        self.created = str(reader.meta("created") or "")
        self.thumbnails = KeptThumbnails(reader)
        self._kinds = reader.kinds()
        self._summary = reader.summary()
        self._failed = failed_gates_by_case(self._summary.gates) if self._summary else {}
        self._broken_before: Mapping[str, frozenset[str]] = {}
        self._broken_now: Mapping[str, frozenset[str]] = {}

    def apply(self, new: RunReader, gates: Sequence[Gate], failed: Iterable[str]) -> None:
        """Hold both runs to the same bounds: the new run's failed gates here, and the failed gates of this one there.

        Args:
            new: the run under test.
            gates: its gates, and others that it is held to.
            failed: rules of those that failed.
        """
        if self._summary is None:
            return
        ours = new.meta("judges") or {}
        same = frozenset(name for name, print_ in ours.items() if self.judges.get(name) == print_)
        dimensions = {row.dimension.name: row.dimension for row in self._summary.dimensions if row.judge in same}
        rules, theirs = frozenset(failed), {rule for rules in self._failed.values() for rule in rules}
        now = [gate for gate in gates if describe(gate) in rules]
        before = [gate for gate in gates_from_json(self.reader.meta("config")) if describe(gate) in theirs]
        self._broken_before = breaking_cases(now, self.reader, new, dimensions, same)
        self._broken_now = breaking_cases(before, new, self.reader, dimensions, same)

    def change(
        self,
        case: Case,
        seed: int,
        verdicts: tuple[Verdict, ...],
        judges: Mapping[str, str],
        failed_gates: Sequence[str] = (),
    ) -> CaseChange:
        """What became of one case and seed.

        Args:
            case: the case as the new run asked it.
            seed: which of its pictures.
            verdicts: of the new run's student, blamed.
            judges: judge name -> fingerprint of the new run.
            failed_gates: rules of the new run's failed gates that counted the case.
        """
        found = self.reader.find_case(case.id)
        if found is None:
            failing = fails(verdicts, failed_gates)
            return CaseChange(Bucket.NEW_FAILURE if failing else Bucket.UNCHANGED, "not in the baseline")
        sample = self.reader.sample(Role.STUDENT, found.idx, seed)
        # what a failed gate counted is a failure of this run, whatever can be said of the baseline
        unknown = Bucket.NEW_FAILURE if failed_gates else Bucket.INCOMPARABLE
        if not same_question(found.case, case):
            return CaseChange(unknown, "the case has changed", sample)
        comparable = {name for name, fingerprint in judges.items() if self.judges.get(name) == fingerprint}
        theirs = self._verdicts(found.idx, seed)
        if not comparable:
            return CaseChange(unknown, f"changed: {_changed(judges, self.judges)}", sample, theirs)
        before = tuple(verdict for verdict in theirs if verdict.judge in comparable and scored_anything(verdict))
        now = tuple(verdict for verdict in verdicts if verdict.judge in comparable and scored_anything(verdict))
        if not now:
            return CaseChange(unknown, "not judged in this run", sample, theirs)
        if not before:
            bucket = Bucket.NEW_FAILURE if fails(now, failed_gates) else Bucket.UNCHANGED
            return CaseChange(bucket, "not judged in the baseline", sample, theirs)
        counted = [rule for rule in self._failed.get(case.id, ()) if failed_gates or not self._breaks_now(rule, case)]
        counted += [rule for rule in failed_gates if case.id in self._broken_before.get(rule, ())]
        failed_before = _failed_before(before, counted, now)
        return CaseChange(bucket_of(failed_before, fails(now, failed_gates)), "", sample, theirs)

    def _breaks_now(self, rule: str, case: Case) -> bool:
        """Whether the new run breaks a bound of the baseline's, which it has no gate for: then nothing was fixed."""
        return case.id in self._broken_now.get(rule, ())

    def _verdicts(self, idx: int, seed: int) -> tuple[Verdict, ...]:
        roles = {role: self.reader.verdicts(role, idx, seed) for role in Role}
        return blame_verdicts(roles, self._kinds)[Role.STUDENT]


def _failed_before(before: tuple[Verdict, ...], failed_gates: Sequence[str], now: tuple[Verdict, ...]) -> bool:
    """Whether the baseline failed a case.

    If only one of the two runs has a teacher, only that one knows what is inherited: the same failure then counts the
    same in both, so that it is neither fixed nor regressed by that alone.
    """
    if failed_gates:
        return True
    if inherits(now) and not knows_blame(before):
        return False
    return fails(before) or (inherits(before) and not knows_blame(now))


def bucket_of(failed_before: bool, fails_now: bool) -> Bucket:
    """The bucket of a case that both runs judged."""
    if fails_now:
        return Bucket.STILL_FAILING if failed_before else Bucket.REGRESSED
    return Bucket.FIXED if failed_before else Bucket.UNCHANGED


def compare(
    new: RunReader,
    baseline: Baseline,
    dimensions: Mapping[str, Dimension],
    gates: Sequence[GateResult] = (),
    rules: Sequence[Gate] = (),
) -> Comparison:
    """Everything that changed between a baseline and a run: buckets of cases, and dimensions by group.

    Args:
        new: the run under test.
        baseline: what it is compared with.
        dimensions: name -> dimension, of the judges whose versions are the same in both.
        gates: what the gates of the new run say; a case that a failed gate counted is a failure.
        rules: the gates themselves, by which the baseline is measured too.
    """
    judges, kinds = new.meta("judges") or {}, new.kinds()
    failed = failed_gates_by_case(gates)
    baseline.apply(new, rules, {rule for counted in failed.values() for rule in counted})
    buckets: Counter[Bucket] = Counter()
    reasons: Counter[str] = Counter()
    for idx, case in new.cases():
        for seed in range(new.meta("seeds") or 1):
            roles = {role: new.verdicts(role, idx, seed) for role in Role}
            verdicts = blame_verdicts(roles, kinds)[Role.STUDENT]
            change = baseline.change(case, seed, verdicts, judges, failed.get(case.id, ()))
            buckets[change.bucket] += 1
            if change.bucket is Bucket.INCOMPARABLE:
                reasons[change.reason] += 1
    changes = [change for dimension in dimensions.values() for change in _changes(new, baseline.reader, dimension)]
    return Comparison(
        baseline=baseline.label,
        baseline_created=baseline.created,
        buckets={bucket: buckets[bucket] for bucket in Bucket},
        dimensions=_adjusted(changes),
        reasons=dict(reasons.most_common()),
    )


def paired_differences(
    new: RunReader, base: RunReader, base_role: Role, dimension: str, without: frozenset[str] = frozenset()
) -> list[tuple[str, float]]:
    """(case id, student minus reference) of every case and seed that both scored, grouped by case.

    Args:
        new: the run whose student is compared.
        base: the run of the reference; the same one for the teacher.
        base_role: the reference's role in it.
        dimension: name of the dimension.
        without: ids of cases to leave out.
    """
    theirs = {(case, seed): value for case, seed, value in base.scores(base_role, dimension)}
    return [
        (case, value - theirs[case, seed])
        for case, seed, value in new.scores(Role.STUDENT, dimension)
        if (case, seed) in theirs and case not in without
    ]


def difference_bounds(dimension: Dimension) -> tuple[float | None, float | None]:
    """Smallest and largest possible difference of two values of a dimension."""
    if dimension.low is None or dimension.high is None:
        return None, None
    width = dimension.high - dimension.low
    return -width, width


def _changes(new: RunReader, base: RunReader, dimension: Dimension) -> Iterator[DimensionChange]:
    differences = paired_differences(new, base, Role.STUDENT, dimension.name)
    groups = new.case_groups()
    names = {"all": None} | {name: name for name in sorted({g for gs in groups.values() for g in gs})}
    for name in names:
        chosen = [(case, value) for case, value in differences if name == "all" or name in groups[case]]
        yield _change(dimension, name, case_means(chosen))


def _change(dimension: Dimension, group: str, means: NDArray[np.float64]) -> DimensionChange:
    low, high = difference_bounds(dimension)
    interval = mean_interval(means, low=low, high=high)
    p_value = paired_p_value(means) if len(means) else None
    return DimensionChange(dimension.name, group, dimension.higher_is_better, interval, p_value)


def _adjusted(changes: list[DimensionChange]) -> tuple[DimensionChange, ...]:
    """Benjamini–Hochberg over everything compared: these are explored, not gated."""
    adjusted = benjamini_hochberg([change.p_value for change in changes])
    return tuple(dataclasses.replace(c, p_adjusted=p) for c, p in zip(changes, adjusted, strict=True))


def _changed(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    return ", ".join(f"judge {name}" for name in sorted(ours) if theirs.get(name) != ours[name]) or "judges"
