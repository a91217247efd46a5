"""A finished run as exporters read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from evalkit.api.errors import UsageError
from evalkit.api.failing import failed_gates_by_case
from evalkit.api.records import Case, Role, Sample, Verdict
from evalkit.api.results import CaseChange, CaseResult, RunSummary
from evalkit.config.stored import gates_from_json
from evalkit.store.run_reader import RunReader
from evalkit.verdict.blame import blame_verdicts
from evalkit.verdict.compare import Baseline


class StoredResults:
    """`RunResults` over a run folder. Blame is worked out while reading, so it is never out of date."""

    def __init__(self, store: RunReader) -> None:
        self._store = store
        self._judges: dict[str, str] = store.meta("judges") or {}
        self._baseline = _open_baseline(store.meta("baseline"))
        self._kinds = store.kinds()
        self._applied: frozenset[str] | None = None
        """Rules of the failed gates that the baseline was last held to."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._baseline:
            self._baseline.reader.close()

    def summary(self) -> RunSummary:
        """The stored summary. Raises `UsageError` for a run that has not finished."""
        summary = self._store.summary()
        if summary is None:
            raise UsageError(
                "this run has not finished",
                where=str(self._store.folder),
                hint="the same `evalkit run` command continues it",
            )
        return summary if summary.judges else dataclasses.replace(summary, judges=self._judges)  # version 0.1.0

    def cases(self) -> Iterator[CaseResult]:
        seeds = self._store.meta("seeds") or 1
        summary = self._store.summary()
        failed = failed_gates_by_case(summary.gates) if summary else {}
        every = frozenset(rule for counted in failed.values() for rule in counted)
        if self._baseline and every != self._applied:  # a pass over both runs, and every report asks for the cases
            self._baseline.apply(self._store, gates_from_json(self._store.meta("config")), every)
            self._applied = every
        for idx, case in self._store.cases():
            for seed in range(seeds):
                samples = {role: self._store.sample(role, idx, seed) for role in Role}
                said = {role: self._store.verdicts(role, idx, seed) for role in Role if samples[role]}
                verdicts = blame_verdicts(said, self._kinds)
                student, rules = verdicts.get(Role.STUDENT, ()), failed.get(case.id, ())
                yield CaseResult(
                    case,
                    seed,
                    {role: sample for role, sample in samples.items() if sample},
                    verdicts,
                    self._change(case, seed, student, rules),
                    rules,
                )

    def _change(
        self, case: Case, seed: int, verdicts: tuple[Verdict, ...], rules: tuple[str, ...]
    ) -> CaseChange | None:
        """How a case differs from the baseline, with the thumbnail where the baseline keeps no picture."""
        if self._baseline is None:
            return None
        change = self._baseline.change(case, seed, verdicts, self._judges, rules)
        before = change.baseline_sample
        small = self._baseline.thumbnails.instead_of(before) if before else None
        return dataclasses.replace(change, baseline_thumbnail=small) if small else change

    def picture_path(self, sample: Sample) -> Path:
        path = self._store.blobs.path(sample.sha256, sample.suffix)
        if self._baseline and not path.is_file():
            kept = self._baseline.reader.blobs.path(sample.sha256, sample.suffix)
            return kept if kept.is_file() else self._baseline.thumbnails.path(sample)
        return path


def _open_baseline(folder: str | None) -> Baseline | None:
    """The baseline this run was compared with, if it is still where it was."""
    if folder is None or not (Path(folder) / "run.sqlite").is_file():
        return None
    return Baseline(RunReader(Path(folder)))
