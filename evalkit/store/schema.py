"""The tables of `run.sqlite` and of the cache, and how to open them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from evalkit.api.errors import StoreError

VERSION = 1
"""Version of the format. It is raised with every change of a table or a stored record, so that run folders of another
format are refused instead of misread."""

RUN_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cases (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS samples (
  role TEXT NOT NULL, idx INTEGER NOT NULL, seed INTEGER NOT NULL,
  key TEXT NOT NULL, ok INTEGER NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (role, idx, seed)
);
CREATE TABLE IF NOT EXISTS verdicts (
  role TEXT NOT NULL, idx INTEGER NOT NULL, seed INTEGER NOT NULL, judge TEXT NOT NULL,
  key TEXT NOT NULL, final INTEGER NOT NULL, seconds REAL, record TEXT NOT NULL,
  PRIMARY KEY (role, idx, seed, judge)
);
CREATE TABLE IF NOT EXISTS scores (
  role TEXT NOT NULL, idx INTEGER NOT NULL, seed INTEGER NOT NULL, judge TEXT NOT NULL, dimension TEXT NOT NULL,
  status TEXT NOT NULL, value REAL, reason TEXT NOT NULL,
  PRIMARY KEY (role, idx, seed, dimension)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS controls (
  judge TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (judge, name)
);
"""

CACHE_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pictures (key TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, seconds REAL, record TEXT NOT NULL);
"""


def connect(path: Path, tables: str) -> sqlite3.Connection:
    """Open a database for reading and writing, and create missing tables: WAL, full sync, 60 s lock timeout.

    The connection may move to another thread, but two threads must not use it at once.

    Raises:
        StoreError: the file is not a database, is damaged, or was written by another version of evalkit.
    """
    try:
        connection = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(tables)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (str(VERSION),))
        return _of_this_version(connection, path)
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a database for reading only, even in a read-only folder. Raises as `connect`."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    if not os.access(path.parent, os.W_OK):
        uri += "&immutable=1"  # WAL would need to write a file beside the database; in a read-only folder nobody writes
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=60.0, isolation_level=None, check_same_thread=False)
        return _of_this_version(connection, path)
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: sqlite3.DatabaseError) -> Exception:
    """What is wrong with the file; a full or read-only disk is the machine's fault and stays as it is."""
    if isinstance(error, sqlite3.OperationalError):
        return error
    return StoreError(
        f"not a database of evalkit: {error}", where=str(path), hint="move the folder away, or choose another --out"
    )


def _of_this_version(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    (version,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if int(version) != VERSION:
        raise StoreError(
            f"the database has format {version}, this evalkit reads {VERSION}",
            where=str(path),
            hint="use the version of evalkit that wrote it, or another --out",
        )
    return connection
