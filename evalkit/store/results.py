"""A finished run as exporters read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.blame import blame_verdicts
from evalkit.errors import UsageError
from evalkit.keys import from_json
from evalkit.records import Role, Sample
from evalkit.results import CaseResult, RunSummary
from evalkit.store.run_reader import RunReader


class StoredResults:
    """`RunResults` over a run folder. Blame is worked out while reading, so it is never out of date."""

    def __init__(self, store: RunReader) -> None:
        self._store = store

    def summary(self) -> RunSummary:
        """The stored summary. Raises `UsageError` for a run that has not finished."""
        stored = self._store.meta("summary")
        if stored is None:
            raise UsageError(
                "this run has not finished", where=str(self._store.folder), hint="the same `evalkit run` goes on"
            )
        return from_json(RunSummary, stored)

    def cases(self) -> Iterator[CaseResult]:
        seeds = self._store.meta("seeds") or 1
        for idx, case in self._store.cases():
            for seed in range(seeds):
                samples = {role: self._store.sample(role, idx, seed) for role in Role}
                yield CaseResult(
                    case,
                    seed,
                    {role: sample for role, sample in samples.items() if sample},
                    blame_verdicts({r: self._store.verdicts(r, idx, seed) for r in Role if samples[r]}),
                )

    def picture_path(self, sample: Sample) -> Path:
        return self._store.blobs.path(sample.sha256, sample.suffix)
