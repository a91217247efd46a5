"""A cache of pictures and verdicts by content key, shared between runs, so that the teacher is generated only once."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from evalkit.api.errors import StoreError
from evalkit.api.records import Request, Role, Sample, Verdict
from evalkit.formats.keys import dump, from_json_text
from evalkit.store.blobs import BlobFolder
from evalkit.store.schema import CACHE_TABLES, connect

T = TypeVar("T")
_PAGE = 256
_FAULTS = (OSError, sqlite3.Error, StoreError)


class Cache:
    """The cache in one folder. Several runs may use it at once. To empty it, delete the folder.

    It holds finished work only. Like the run store it has two connections, so that one thread may `add` while another
    looks up.

    A cache only saves time: one that is full, read-only or damaged is reported once and not used any more.

    Args:
        folder: of the cache; it is created.
        warn: is told, once, why the cache can't be used.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.blobs = BlobFolder(folder / "pictures")
        self._warn = warn
        self._warning = threading.Lock()
        self._usable = True
        self._connections: list[sqlite3.Connection] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connections = [connect(folder / "cache.sqlite", CACHE_TABLES) for _ in range(2)]
        except _FAULTS as error:
            self._give_up(error)

    def close(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def has_picture(self, key: str) -> bool:
        """Whether there is a finished sample of this key; its file may still turn out to be damaged."""
        return self._look_up("SELECT 1 FROM pictures WHERE key = ?", key) is not None

    def picture(self, key: str, role: Role, request: Request, blobs: BlobFolder) -> Sample | None:
        """The finished sample of this key, as one of this run; its file is linked into the run's `blobs`."""
        row = self._look_up("SELECT record FROM pictures WHERE key = ?", key)
        sample = _read(Sample, row[0]) if row else None
        if sample is None or not self._adopted(blobs, sample):
            return None
        return dataclasses.replace(sample, role=role, case_id=request.case.id, seed=request.seed)

    def verdict(self, key: str) -> tuple[Verdict, float | None] | None:
        """The verdict of this key and the seconds it took when it was made."""
        row = self._look_up("SELECT record, seconds FROM verdicts WHERE key = ?", key)
        verdict = _read(Verdict, row[0]) if row else None
        return (verdict, row[1]) if row and verdict else None

    def add(self, samples: list[Sample], blobs: BlobFolder) -> None:
        """Store finished samples with their files from the run's `blobs`, in one commit."""
        if not self._usable:
            return
        try:
            whole = [sample for sample in samples if self.blobs.adopt(blobs, sample.sha256, sample.suffix)]
        except OSError as error:
            self._give_up(error)
            return
        self._write("INSERT OR REPLACE INTO pictures VALUES (?, ?)", [(s.key, dump(s)) for s in whole])

    def add_verdicts(self, verdicts: Iterable[tuple[str, float | None, str]]) -> None:
        """Store verdicts of a judge that has passed its controls: (key, seconds, record as `RunReader` has it)."""
        rows = iter(verdicts)
        while self._usable and (page := list(islice(rows, _PAGE))):
            self._write("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", page)

    def _adopted(self, blobs: BlobFolder, sample: Sample) -> bool:
        """Whether the picture is now in the run. An error of the run's own disk is raised: it is not the cache's."""
        try:
            readable = self.blobs.is_intact(sample.sha256, sample.suffix)
        except OSError as error:
            self._give_up(error)
            return False
        return readable and blobs.adopt(self.blobs, sample.sha256, sample.suffix)

    def _look_up(self, query: str, key: str) -> Any:
        """One row, or `None`."""
        if not self._usable:
            return None
        try:
            return self._connections[1].execute(query, (key,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not self._usable:
            return
        connection = self._connections[0]
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        with self._warning:
            if self._usable:
                self._usable = False
                reason = error.what if isinstance(error, StoreError) else str(error)
                self._warn(f"the cache in {self.folder} can't be used, so that nothing is reused: {reason}")


def _read(cls: type[T], text: str) -> T | None:
    """A cached record; `None`, so that it is made again, if another version of evalkit wrote it differently."""
    try:
        return from_json_text(cls, text)
    except ValidationError:
        return None
