"""A/A check over run folders of one student: unstable cases, and how often a gate would have failed by chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evalkit.api.errors import UsageError
from evalkit.api.failing import fails
from evalkit.api.records import JSON, Role
from evalkit.api.results import Interval
from evalkit.stats.intervals import case_means, level_above, mean_interval
from evalkit.stats.stability import UnstableCase, unstable_cases
from evalkit.store.run_reader import RunReader
from evalkit.verdict.blame import blame_verdicts, scored_anything
from evalkit.verdict.compare import difference_bounds
from evalkit.verdict.flaky import FlakyList
from evalkit.verdict.results import StoredResults

ALPHA = 0.025
"""One-sided level of a gate of 95 % confidence."""


class ChanceFailures(NamedTuple):
    """A dimension's difference between runs that should not differ, and how many ordered pairs a gate failed."""

    dimension: str
    difference: Interval | None
    failed: int
    pairs: int


class AAReport(NamedTuple):
    """What an A/A check found."""

    n_cases: int
    unstable: tuple[UnstableCase, ...]
    gates: tuple[ChanceFailures, ...]
    flaky: FlakyList
    """The unstable cases as `flaky:` takes them."""


def check_runs(folders: Sequence[Path], max_drop: float) -> AAReport:
    """Compare runs of the same student on the same benchmark with one another.

    Raises:
        UsageError: a single run of a single seed, or runs of another benchmark, student or judge.
    """
    readers = [RunReader(folder) for folder in folders]
    try:
        if len(readers) == 1 and (readers[0].meta("seeds") or 1) < 2:
            raise UsageError("one run of one seed shows no chance", hint="give more runs, or one with --seeds 4")
        _check_alike(readers)
        _check_independent(readers)
        history: dict[str, list[bool]] = defaultdict(list)
        for reader in readers:
            for case, failed in _endings(reader):
                history[case].append(failed)
        unstable = unstable_cases(history)
        flaky = _as_list(unstable, readers)
        return AAReport(len(history), unstable, _chance_failures(readers, max_drop), flaky)
    finally:
        for reader in readers:
            reader.close()


def _check_alike(readers: Sequence[RunReader]) -> None:
    first = readers[0]
    for reader in readers[1:]:
        for name, ours, theirs in (
            ("benchmarks", first.meta("benchmark"), reader.meta("benchmark")),
            ("judges", first.meta("judges"), reader.meta("judges")),
            ("students", _student(first), _student(reader)),
        ):
            if ours != theirs:
                raise UsageError(f"runs of different {name}", where=f"{first.folder} and {reader.folder}")
        _check_same_student(first, reader)


def _check_same_student(one: RunReader, other: RunReader) -> None:
    """Refuse runs whose students are configured alike but are not the same: a folder that was filled anew, say."""
    ours, theirs = ({s.case_id: s.fingerprint for s in reader.samples(Role.STUDENT)} for reader in (one, other))
    shared = ours.keys() & theirs.keys()
    differ = sum(ours[case] != theirs[case] for case in shared)
    if differ:
        raise UsageError(
            f"the student has changed between the runs: its fingerprint differs in {differ} of {len(shared)} cases",
            where=f"{one.folder} and {other.folder}",
            hint="chance shows in draws of the same student; several draws of a folder of pictures go into one folder, "
            "as seeds 0, 1, … of one run with `--seeds`",
        )


def _check_independent(readers: Sequence[RunReader]) -> None:
    """Refuse runs that hold the same pictures: what is copied or cached shows no chance."""
    drawn = [
        {(sample.case_id, sample.seed): sample.sha256 for sample in reader.samples(Role.STUDENT) if sample.ok}
        for reader in readers
    ]
    for (one, ours), (other, theirs) in combinations(zip(readers, drawn, strict=True), 2):
        shared = [cell for cell in ours if cell in theirs]
        same = sum(ours[cell] == theirs[cell] for cell in shared)
        if shared and same > len(shared) / 2:
            raise UsageError(
                f"{same} of {len(shared)} pictures are the same in both runs, so they show no chance",
                where=f"{one.folder} and {other.folder}",
                hint="draw the second run anew with `--cache none`; a generator that repeats itself needs no A/A check",
            )


def _as_list(unstable: Sequence[UnstableCase], readers: Sequence[RunReader]) -> FlakyList:
    """The list with what every one of the runs says of whose pictures they were, not only the last."""
    cases = tuple(case.case_id for case in unstable)
    prints: dict[str, set[str]] = {case: set() for case in cases}
    pictures: dict[str, set[str]] = {case: set() for case in cases}
    for reader in readers:
        for sample in reader.samples(Role.STUDENT):
            if sample.case_id in prints:
                prints[sample.case_id].add(sample.fingerprint)
                pictures[sample.case_id] |= {sample.sha256} if sample.ok else set()
    digests = tuple(StoredResults(reader).summary().run_digest for reader in readers)
    return FlakyList(cases, digests, _sorted(prints), _sorted(pictures))


def _sorted(found: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {case: tuple(sorted(values)) for case, values in found.items()}


def _student(reader: RunReader) -> JSON:
    return StoredResults(reader).summary().config.get("student")


def _endings(reader: RunReader) -> list[tuple[str, bool]]:
    """(case id, failed) of every judged picture of the student."""
    endings = []
    kinds = reader.kinds()
    for idx, case in reader.cases():
        for seed in range(reader.meta("seeds") or 1):
            blamed = blame_verdicts({role: reader.verdicts(role, idx, seed) for role in Role}, kinds)
            verdicts = tuple(verdict for verdict in blamed[Role.STUDENT] if scored_anything(verdict))
            if verdicts:
                endings.append((case.id, fails(verdicts)))
    return endings


def _chance_failures(readers: Sequence[RunReader], max_drop: float) -> tuple[ChanceFailures, ...]:
    dimensions = [r.dimension for r in StoredResults(readers[0]).summary().dimensions if r.role is Role.STUDENT]
    found = []
    for dimension in dimensions:
        means = [dict(_by_case(reader, dimension.name)) for reader in readers]
        low, high = difference_bounds(dimension)
        failed = pairs = 0
        for one, other in permutations(means, 2):
            differences = np.array([one[case] - other[case] for case in one if case in other])
            failed += level_above(differences, max_drop, low=low, high=high) <= ALPHA
            pairs += 1
        apart = [means[1][case] - means[0][case] for case in means[0] if case in means[1]] if len(means) > 1 else []
        difference = mean_interval(np.array(apart), low=low, high=high)
        found.append(ChanceFailures(dimension.name, difference, failed, pairs))
    return tuple(found)


def _by_case(reader: RunReader, dimension: str) -> list[tuple[str, float]]:
    rows = [(case, value) for case, _, value in reader.scores(Role.STUDENT, dimension)]
    return list(zip(dict.fromkeys(case for case, _ in rows), case_means(rows).tolist(), strict=True))
