"""The tables of `run.sqlite` and of the cache, and how they are opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from evalkit.api.errors import StoreError

VERSION = 1
"""Raised whenever a table or a stored record changes: a run folder of another format is refused, not misread."""

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
    """Open a database for reading and writing, and create what is missing: WAL, full sync, 60 s lock timeout.

    The connection may be handed to one other thread; it is never used by two at once.

    Raises:
        StoreError: not a database, damaged, or written by another version of evalkit.
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
    """Open a database for reading only; it may lie in a folder that can't be written. Raises as `connect`."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    if not os.access(path.parent, os.W_OK):
        uri += "&immutable=1"  # WAL needs a file beside the database; nobody can be writing here anyway
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=60.0, isolation_level=None, check_same_thread=False)
        return _of_this_version(connection, path)
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    return StoreError(
        f"not a database of evalkit: {error}", where=str(path), hint="move the folder away, or choose another --out"
    )


def _of_this_version(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    (version,) = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if int(version) != VERSION:
        raise StoreError(
            f"written in format {version}, this evalkit reads {VERSION}",
            where=str(path),
            hint="use the evalkit version that wrote it, or another --out",
        )
    return connection
