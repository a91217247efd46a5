"""A cache of pictures and verdicts by content key, shared between runs, so that the teacher is generated only once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from evalkit.api.records import Request, Role, Sample, Verdict
from evalkit.formats.keys import dump, from_json_text
from evalkit.store.blobs import BlobFolder
from evalkit.store.schema import CACHE_TABLES, connect

T = TypeVar("T")
_PAGE = 256


class Cache:
    """The cache in one folder. Several runs may use it at once. To empty it, delete the folder.

    It holds finished work only. Like the run store it has two connections, so that one thread may `add` while another
    looks up.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.blobs = BlobFolder(folder / "pictures")
        self._connection = connect(folder / "cache.sqlite", CACHE_TABLES)
        self._reader = connect(folder / "cache.sqlite", CACHE_TABLES)

    def close(self) -> None:
        self._connection.close()
        self._reader.close()

    def picture(self, key: str, role: Role, request: Request, blobs: BlobFolder) -> Sample | None:
        """The finished sample of this key, as one of this run; its file is linked into the run's `blobs`."""
        row = self._reader.execute("SELECT record FROM pictures WHERE key = ?", (key,)).fetchone()
        sample = _read(Sample, row[0]) if row else None
        if sample is None or not blobs.adopt(self.blobs, sample.sha256, sample.suffix):
            return None
        return dataclasses.replace(sample, role=role, case_id=request.case.id, seed=request.seed)

    def verdict(self, key: str) -> tuple[Verdict, float | None] | None:
        """The verdict of this key and the seconds it took when it was made."""
        row = self._reader.execute("SELECT record, seconds FROM verdicts WHERE key = ?", (key,)).fetchone()
        verdict = _read(Verdict, row[0]) if row else None
        return (verdict, row[1]) if row and verdict else None

    def add(self, samples: list[Sample], blobs: BlobFolder) -> None:
        """Store finished samples with their files from the run's `blobs`, in one commit."""
        whole = [sample for sample in samples if self.blobs.adopt(blobs, sample.sha256, sample.suffix)]
        self._write("INSERT OR REPLACE INTO pictures VALUES (?, ?)", [(s.key, dump(s)) for s in whole])

    def add_verdicts(self, verdicts: Iterable[tuple[str, float | None, str]]) -> None:
        """Store verdicts of a judge that has passed its controls: (key, seconds, record as `RunReader` has it)."""
        rows = iter(verdicts)
        while page := list(islice(rows, _PAGE)):
            self._write("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)", page)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _read(cls: type[T], text: str) -> T | None:
    """A cached record; `None`, so that it is made again, if another version of evalkit wrote it differently."""
    try:
        return from_json_text(cls, text)
    except ValidationError:
        return None
