"""Writes `run.sqlite` of one run.

A lock file ensures that only one process writes, and only one of its threads may write at a time. Reads use a second
connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from evalkit.api.errors import StoreError, UsageError
from evalkit.api.records import JSON, Case, Role, Sample, Verdict
from evalkit.api.results import ControlResult
from evalkit.formats.keys import digest, dump
from evalkit.store.run_reader import FINAL, RunReader
from evalkit.store.schema import RUN_TABLES, connect


class VerdictRow(NamedTuple):
    """A verdict and the cell it belongs to."""

    role: Role
    idx: int
    seed: int
    key: str
    verdict: Verdict
    seconds: float | None


class ControlRow(NamedTuple):
    """What came of a control, and the fingerprint that its judge had."""

    fingerprint: str
    result: ControlResult


class RunStore(RunReader):
    """The folder of one run, for writing; it is created if it does not exist.

    Raises:
        UsageError: another evalkit is writing here.
        StoreError: the folder is damaged, or does not belong to evalkit.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"can't make the run folder: {error.strerror}", where=str(folder)) from error
        self._lock = _lock(folder / "run.lock")
        self._connection = connect(folder / "run.sqlite", RUN_TABLES)
        super().__init__(folder)
        self.blobs.sweep()

    def close(self) -> None:
        super().close()
        self._connection.close()
        self._lock.close()

    def check_still_there(self) -> None:
        """Raise `StoreError` if the folder has been removed or replaced since it was opened."""
        ours = os.fstat(self._lock.fileno())
        try:
            there = os.stat(self.folder / "run.lock")
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise StoreError(
                "the run folder was removed while the run was writing to it",
                where=str(self.folder),
                hint="run the same command again; what the cache holds is not made anew",
            )

    def transaction(self, rows: Iterable[Sample | VerdictRow | ControlRow | tuple[int, Sample]]) -> None:
        """Write samples (with the index of their case), verdicts and results of controls in one commit."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                if isinstance(row, VerdictRow):
                    self._put_verdict(row)
                elif isinstance(row, ControlRow):
                    self.put_control(*row)
                elif isinstance(row, tuple):
                    self._put_sample(*row)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _put_sample(self, idx: int, sample: Sample) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?)",
            (sample.role.value, idx, sample.seed, sample.key, sample.ok, dump(sample)),
        )

    def _put_verdict(self, row: VerdictRow) -> None:
        verdict, cell = row.verdict, (row.role.value, row.idx, row.seed, row.verdict.judge)
        final = all(score.status in FINAL for score in verdict.scores)
        self._connection.execute(
            "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*cell, row.key, final, row.seconds, dump(verdict)),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*cell, s.dimension, s.status.value, s.value, s.reason) for s in verdict.scores],
        )

    def set_meta(self, key: str, value: JSON) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def put_cases(self, cases: Iterable[Case], *, shuffled: bool = False) -> int:
        """Write the cases in one transaction, streaming, and return their number.

        Raises `UsageError` if two cases have the same id. `shuffled` puts the cases in a random order that depends only
        on their ids.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        n = 0
        try:
            connection.execute("DELETE FROM cases")
            for n, case in enumerate(cases, start=1):
                connection.execute("INSERT INTO cases VALUES (?, ?, ?)", (n - 1, case.id, dump(case)))
            if shuffled:
                self._shuffle()
            connection.execute("COMMIT")
        except BaseException as error:
            connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.IntegrityError):
                raise UsageError("the benchmark has two cases with the same id", where=str(error)) from error
            raise
        return n

    def _shuffle(self) -> None:
        connection = self._connection
        connection.create_function("shuffled_place", 1, lambda case: digest("order", case), deterministic=True)
        connection.execute(
            "CREATE TEMP TABLE shuffled AS "
            "SELECT row_number() OVER (ORDER BY shuffled_place(id)) - 1 AS idx, id, record FROM cases"
        )
        connection.execute("DELETE FROM cases")
        connection.execute("INSERT INTO cases SELECT idx, id, record FROM shuffled")
        connection.execute("DROP TABLE shuffled")

    def drop_judge(self, judge: str) -> int:
        """Delete all verdicts and controls of a judge, and the summary, which rests on them; returns how many verdicts.

        They go in one commit.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table in ("scores", "controls"):
                connection.execute(f"DELETE FROM {table} WHERE judge = ?", (judge,))
            connection.execute("DELETE FROM meta WHERE key = 'summary'")
            n = connection.execute("DELETE FROM verdicts WHERE judge = ?", (judge,)).rowcount
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return n

    def put_control(self, fingerprint: str, result: ControlResult) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO controls VALUES (?, ?, ?, ?)",
            (result.judge, result.name, fingerprint, dump(result)),
        )


def _lock(path: Path) -> Any:
    """An exclusive lock that the system releases when the process ends, even after `kill -9`."""
    try:
        file = open(path, "a")  # noqa: SIM115 (held for the life of the store)
    except OSError as error:
        raise StoreError(f"can't write here: {error.strerror}", where=str(path.parent)) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise UsageError(
            "another evalkit is writing to this run folder", where=str(path.parent), hint="wait for it, or use --out"
        ) from error
    return file
