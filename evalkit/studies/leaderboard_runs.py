"""Finished runs as a leaderboard takes them: with the digest of their store, and with figures computed anew."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.records import Role, Sample, Status
from evalkit.api.results import CaseResult, DimensionResult, GeneratorResult, RunSummary
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
    """The results of a run with digest, counts, NFE, means and intervals computed anew, to verify a leaderboard."""

    def _with_digest(self) -> RunSummary:
        summary = self._results.summary()
        return replace(
            summary,
            dimensions=tuple(self._recompute(row) for row in summary.dimensions),
            generators=tuple(self._recount(generator) for generator in summary.generators),
            n_cases=self._reader.n_cases(),
            run_digest=run_digest(self._reader),
        )

    def _recount(self, generator: GeneratorResult) -> GeneratorResult:
        ok = [sample.ok for sample in self._reader.samples(generator.role)]
        nfes = [sample.nfe for sample in self._reader.samples(generator.role) if sample.nfe is not None]
        nfe = int(statistics.median(nfes)) if nfes else None
        return replace(generator, n_pictures=sum(ok), n_errors=len(ok) - sum(ok), nfe=nfe)

    def _recompute(self, row: DimensionResult) -> DimensionResult:
        reader, dimension = self._reader, row.dimension
        means = case_means((case, value) for case, _, value in reader.scores(row.role, dimension.name))
        difference = None
        if row.difference is not None:
            low, high = difference_bounds(dimension)
            pairs = case_means(paired_differences(reader, reader, Role.TEACHER, dimension.name))
            difference = mean_interval(pairs, low=low, high=high)
        return replace(
            row,
            n_scored=reader.status_counts().get((row.role, dimension.name, Status.SCORED), 0),
            estimate=mean_interval(means, low=dimension.low, high=dimension.high),
            difference=difference,
        )
