"""Copies a finished run into a new folder, without the verdicts of some judges."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from evalkit.api.errors import StoreError, UsageError
from evalkit.api.records import Role
from evalkit.store.blobs import BlobFolder
from evalkit.store.run_reader import RunReader

_SQLITE = b"SQLite format 3\0"


def copy_run(source: Path, out: Path, *, without: Iterable[str], files: Iterable[str]) -> None:
    """Copy the store, the pictures (as hard links) and some files of a run.

    An earlier copy of the same run in `out` is left as it is, so that interrupted work goes on.

    Args:
        without: names of the judges whose verdicts, scores and controls are left out.
        files: names of further files in the run folder; those that do not exist are left out.

    Raises:
        UsageError: `out` holds another run, or it can't be made.
        StoreError: a picture is missing or damaged, or a file can't be copied.
    """
    if out.resolve() == source.resolve():
        raise UsageError("a run can't be replayed into its own folder", where=str(out), hint="choose another --out")
    if (out / "run.sqlite").exists():
        with RunReader(out) as reader:
            if reader.meta("replay_of") == str(source.resolve()):
                return
        raise UsageError("this folder holds another run", where=str(out), hint="choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make the run folder: {error.strerror}", where=str(out)) from error
    with RunReader(source) as reader:
        _copy_pictures(reader, BlobFolder(out / "pictures"))
    for name in files:
        if (source / name).is_file():
            _copy_file(source / name, out / name)
    begun = out / ".begun.sqlite"
    begun.unlink(missing_ok=True)
    _copy_database(source / "run.sqlite", begun)
    with closing(sqlite3.connect(begun)) as database, database:
        for table in ("verdicts", "scores", "controls"):
            database.executemany(f"DELETE FROM {table} WHERE judge = ?", [(name,) for name in without])
        database.execute("DELETE FROM meta WHERE key = 'summary'")
        database.execute("INSERT INTO meta VALUES ('replay_of', json_quote(?))", (str(source.resolve()),))
    begun.rename(out / "run.sqlite")


def _copy_pictures(reader: RunReader, blobs: BlobFolder) -> None:
    for role in Role:
        for sample in reader.samples(role):
            if sample.ok and not blobs.adopt(reader.blobs, sample.sha256, sample.suffix):
                what = f"the {role.value}'s picture of `{sample.case_id}` is missing or damaged"
                raise StoreError(what, where=str(reader.folder))


def _copy_file(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
        if not is_database:
            shutil.copyfile(source, target)
            return
    except OSError as error:
        raise StoreError(f"can't be copied: {error.strerror or error}", where=str(source)) from error
    _copy_database(source, target)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file with the content of its write-ahead log."""
    try:
        uri = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as theirs, closing(sqlite3.connect(target)) as ours:
            theirs.backup(ours)
    except sqlite3.Error as error:
        raise StoreError(f"can't be copied: {error}", where=str(source)) from error
