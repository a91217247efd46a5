"""A finished run as exporters read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from evalkit.api.errors import UsageError
from evalkit.api.records import Role, Sample
from evalkit.api.results import CaseResult, RunSummary
from evalkit.formats.keys import from_json
from evalkit.store.run_reader import RunReader
from evalkit.verdict.blame import blame_verdicts
from evalkit.verdict.compare import Baseline


class StoredResults:
    """`RunResults` over a run folder. Blame is worked out while reading, so it is never out of date."""

    def __init__(self, store: RunReader) -> None:
        self._store = store
        self._judges: dict[str, str] = store.meta("judges") or {}
        self._baseline = _open_baseline(store.meta("baseline"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._baseline:
            self._baseline.reader.close()

    def summary(self) -> RunSummary:
        """The stored summary. Raises `UsageError` for a run that has not finished."""
        stored = self._store.meta("summary")
        if stored is None:
            raise UsageError(
                "this run has not finished",
                where=str(self._store.folder),
                hint="the same `evalkit run` continues it",
            )
        return from_json(RunSummary, stored)

    def cases(self) -> Iterator[CaseResult]:
        seeds = self._store.meta("seeds") or 1
        for idx, case in self._store.cases():
            for seed in range(seeds):
                samples = {role: self._store.sample(role, idx, seed) for role in Role}
                verdicts = blame_verdicts({r: self._store.verdicts(r, idx, seed) for r in Role if samples[r]})
                student = verdicts.get(Role.STUDENT, ())
                yield CaseResult(
                    case,
                    seed,
                    {role: sample for role, sample in samples.items() if sample},
                    verdicts,
                    self._baseline.change(case, seed, student, self._judges) if self._baseline else None,
                )

    def picture_path(self, sample: Sample) -> Path:
        path = self._store.blobs.path(sample.sha256, sample.suffix)
        if self._baseline and not path.is_file():
            return self._baseline.reader.blobs.path(sample.sha256, sample.suffix)
        return path


def _open_baseline(folder: str | None) -> Baseline | None:
    """The baseline this run was compared with, if it is still where it was."""
    if folder is None or not (Path(folder) / "run.sqlite").is_file():
        return None
    return Baseline(RunReader(Path(folder)))
