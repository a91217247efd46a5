"""Finished runs as a leaderboard takes them: with the digest of their store, and with figures computed anew."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.records import Role, Sample, Status
from evalkit.api.results import CaseResult, DimensionResult, GeneratorResult, RunSummary
from evalkit.engine.recorded import Decision, decide_again
from evalkit.engine.timed_draws import timed_result, timings
from evalkit.stats.intervals import case_means, mean_interval
from evalkit.store.fingerprint import run_digest
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import difference_bounds, paired_differences
from evalkit.verdict.results import StoredResults


class DigestedRun:
    """The results of a run, with the digest that its store has now: what a leaderboard publishes."""

    def __init__(self, reader: RunReader, results: StoredResults) -> None:
        self._reader = reader
        self._results = results
        self._summary: RunSummary | None = None
        self._decided: Decision | None = None

    def summary(self) -> RunSummary:
        """The summary. Raises `UsageError` if the store has changed since the summary was made."""
        if self._summary is None:
            self._summary = self._with_digest()
        return self._summary

    def _with_digest(self) -> RunSummary:
        stored, digest = self._results.summary(), run_digest(self._reader)
        if stored.run_digest not in ("", digest):
            raise UsageError(
                f"its contents have changed since it finished: digest {digest[:16]}, then {stored.run_digest[:16]}",
                where=str(self._reader.folder),
                hint="the same `evalkit run` again updates the summary, unless the folder was tampered with",
            )
        return replace(stored, run_digest=digest)

    def cases(self) -> Iterator[CaseResult]:
        return self._results.cases()

    def picture_path(self, sample: Sample) -> Path:
        return self._results.picture_path(sample)


class RecomputedRun(DigestedRun):
    """The results of a run with all that its store tells worked out anew, to verify a leaderboard.

    These are digest, counts, NFE, seconds, means, intervals, differences to the teacher, coverage and outcome.
    """

    def unchecked(self) -> tuple[str, ...]:
        """What a leaderboard states of this run and can't be worked out from its store, in words."""
        summary = self.summary()
        said = ["names, licences, hardware, settings and command are as the run itself states them"]
        if why := self._decision(self._results.summary()).unknown:
            said.append(f"outcome and coverage can't be worked out again: {why}")
        if summary.metrics:
            names = ", ".join(dict.fromkeys(result.metric for result in summary.metrics))
            said.append(f"the figures of metrics over all pictures ({names}) are not computed again")
        return tuple(said)

    def _with_digest(self) -> RunSummary:
        summary, reader = self._results.summary(), self._reader
        decision, fingerprints = self._decision(summary), reader.meta("judges") or {}
        summary = replace(
            summary,
            dimensions=tuple(self._recompute(row, summary) for row in summary.dimensions),
            generators=tuple(self._recount(generator) for generator in summary.generators),
            benchmark_digest=str(reader.meta("benchmark") or summary.benchmark_digest),
            judges=fingerprints,
            controls=tuple(
                control
                for fingerprint, control in reader.control_results()
                if fingerprints.get(control.judge) == fingerprint and control.made
            ),
            n_cases=reader.n_cases(),
            seeds=reader.meta("seeds") or 1,
            run_digest=run_digest(reader),
        )
        if decision.outcome is None or decision.coverage is None:
            return summary
        return replace(summary, outcome=decision.outcome, coverage=decision.coverage)

    def _decision(self, summary: RunSummary) -> Decision:
        if self._decided is None:
            self._decided = decide_again(self._reader, summary)
        return self._decided

    def _recount(self, generator: GeneratorResult) -> GeneratorResult:
        ok = [sample.ok for sample in self._reader.samples(generator.role)]
        nfes = [sample.nfe for sample in self._reader.samples(generator.role) if sample.nfe is not None]
        times = [sample.seconds for sample in self._reader.samples(generator.role) if sample.seconds is not None]
        counted = replace(
            generator,
            n_pictures=sum(ok),
            n_errors=len(ok) - sum(ok),
            nfe=int(statistics.median(nfes)) if nfes else None,
            seconds_per_picture=float(statistics.median(times)) if times else None,
        )
        return timed_result(counted, timings(self._reader).get(generator.role))

    def _recompute(self, row: DimensionResult, summary: RunSummary) -> DimensionResult:
        reader, dimension = self._reader, row.dimension
        counts = reader.status_counts()
        means = case_means((case, value) for case, _, value in reader.scores(row.role, dimension.name))
        least, most = dimension.ends
        difference = None
        if row.role is Role.STUDENT and any(generator.role is Role.TEACHER for generator in summary.generators):
            low, high = difference_bounds(dimension)
            pairs = case_means(paired_differences(reader, reader, Role.TEACHER, dimension.name))
            difference = mean_interval(pairs, low=low, high=high)
        return replace(
            row,
            n_expected=reader.n_samples(row.role) - counts.get((row.role, dimension.name, Status.NOT_APPLICABLE), 0),
            n_scored=counts.get((row.role, dimension.name, Status.SCORED), 0),
            estimate=mean_interval(means, low=least, high=most),
            difference=difference,
        )
