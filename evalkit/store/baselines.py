"""The baselines of a project: runs, stored under a name, that later runs are compared with.

A baseline lies in `.evalkit/baselines/<name>/`. It is a copy of the run's `run.sqlite`, `history.json`, which records
who set it, when, why and from which run, and on request pictures or thumbnails. Without pictures it is small enough to
be committed.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.results import RunSummary
from evalkit.api.settings import with_home
from evalkit.store.baseline_history import DATABASE, HISTORY, Entry, read_history, record
from evalkit.store.baseline_pictures import THUMBNAILS, Keep, Thumbnails, drop_pictures, keep_pictures
from evalkit.store.durable import put_in_place, sweep, temporary_beside
from evalkit.store.run_reader import RunReader

FOLDER = Path(".evalkit") / "baselines"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}")


def find_baseline(text: str, base: Path) -> Path:
    """The run folder or leaderboard file that `text` means: a path, or the name of a baseline of the project in `base`.

    Raises:
        ValueError: it is neither.
    """
    named = base / FOLDER / text if _NAME.fullmatch(text) else None
    for path in (named, base / with_home(Path(text))):
        if path is not None and (path.is_file() or (path / "run.sqlite").is_file()):
            return path.resolve()
    raise ValueError(
        f"`{text}` is not a run folder, a leaderboard file or a baseline (`evalkit baseline set` makes one)"
    )


def set_baseline(project: Path, name: str, run: Path, *, author: str, reason: str, keep: Keep = Keep.NONE) -> Path:
    """Make a finished run the baseline `name` of the project; returns its folder. The history keeps earlier entries.

    If it is killed, the baseline is the old one or the new one, whole: new pictures are added first, then the history
    records the change, then the new database takes the place of the old, and only then are old pictures deleted.

    Raises:
        UsageError: the name is not allowed, the author or the reason is missing, the run has not finished, a picture to
            be kept is missing or damaged, the history can't be read, or another evalkit is at it.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` can't be the name of a baseline", hint="use letters, digits, '_', '-' and '.'")
    _check_said(author, reason)
    folder = project / FOLDER / name
    with RunReader(run) as reader:
        summary = reader.meta("summary")
        if summary is None:
            hint = "continue it with the same `evalkit run`"
            raise UsageError("this run has not finished", where=str(run), hint=hint)
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            history = read_history(folder)
            needed, thumbnails = keep_pictures(reader, folder, keep)
            entry = _entry(run, summary["created"], summary["outcome"], author, reason) | {"pictures": keep.value}
            _publish(folder, run / DATABASE, history, entry, thumbnails)
            drop_pictures(folder, needed)
    return folder


def replace_run(folder: Path, database: Path, summary: RunSummary, *, author: str, reason: str) -> None:
    """Put the verdicts of `database` in the place of a baseline's; the history says who did it and why.

    Raises:
        UsageError: the author or the reason is missing, or the history can't be read.
    """
    _check_said(author, reason)
    with _alone(folder):
        history = read_history(folder)
        run = Path(history[-1]["run"]) if history else folder
        kept = {"pictures": history[-1]["pictures"]} if history and "pictures" in history[-1] else {}
        entry = _entry(run, summary.created, summary.outcome.value, author, reason) | kept
        _publish(folder, database, history, entry)


def _publish(
    folder: Path, database: Path, history: list[Entry], entry: Entry, thumbnails: Thumbnails | None = None
) -> None:
    """Record the entry, then put a copy of the database in place."""
    part = temporary_beside(folder / DATABASE)
    try:
        copy_database(database, part)
        if thumbnails is not None:
            with closing(sqlite3.connect(part)) as connection, connection:
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (THUMBNAILS, json.dumps(thumbnails)))
        record(folder, history, entry, part)
        put_in_place(part, folder / DATABASE)
    finally:
        part.unlink(missing_ok=True)


def _entry(run: Path, created: str, outcome: str, author: str, reason: str) -> Entry:
    return {
        "set": datetime.now(UTC).isoformat(timespec="seconds"),
        "author": author,
        "reason": reason,
        "run": str(run.resolve()),
        "run_created": created,
        "outcome": outcome,
    }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from changing this baseline; the system ends this with the process, even after `kill -9`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for part in (folder, *(folder.glob("*/*/"))):
            sweep(part)
        yield
    except BlockingIOError as error:
        raise UsageError("another evalkit is changing this baseline", where=str(folder), hint="wait for it") from error
    finally:
        os.close(descriptor)


def _check_said(author: str, reason: str) -> None:
    if not reason.strip() or not author.strip():
        raise UsageError("a baseline needs an author and a reason", hint="--author NAME --reason 'why'")


def names_of_baselines(project: Path) -> list[str]:
    """The baselines of a project."""
    return sorted(path.parent.name for path in (project / FOLDER).glob(f"*/{HISTORY}"))


def copy_database(source: Path, target: Path) -> None:
    """Replace `target` by a compact copy; `VACUUM INTO` reads a consistent state."""
    part = temporary_beside(target)
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("VACUUM INTO ?", (str(part),))
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)
