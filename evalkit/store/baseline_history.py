"""The history of a baseline: who set it, when, why and from which run, in `history.json` beside its database.

An entry is written before the database that it is about is put in place, and holds that database's hash. If `evalkit`
is killed in between, the last entry speaks of a database that never came, and is not counted.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.formats.strict_json import read_json
from evalkit.store.durable import write_whole

HISTORY = "history.json"
DATABASE = "run.sqlite"
_HASH = "database"

Entry = dict[str, str]


def read_history(folder: Path) -> list[Entry]:
    """Who set this baseline, when and why, oldest first; empty if there is no such baseline.

    Raises:
        UsageError: the file is truncated or is no history.
    """
    path = folder / HISTORY
    if not path.is_file():
        return []
    try:
        history = _checked(read_json(path, UsageError))
    except (UsageError, ValueError) as error:
        raise UsageError(
            f"the history of the baseline `{folder.name}` can't be read: {getattr(error, 'what', error)}",
            where=str(path),
            hint="restore the file, or move it away to begin a new history: the baseline itself does not depend on it",
        ) from error
    return history if _completed(history, folder / DATABASE) else history[:-1]


def record(folder: Path, history: list[Entry], entry: Entry, database: Path) -> None:
    """Add an entry about the file `database`, which is put in place next."""
    before = folder / DATABASE
    if history and before.is_file():
        history = [*history[:-1], {_HASH: _hash(before), **history[-1]}]  # an entry of version 0.1.0 has no hash
    text = json.dumps([*history, {**entry, _HASH: _hash(database)}], indent=1) + "\n"
    write_whole(folder / HISTORY, text.encode())


def _checked(value: object) -> list[Entry]:
    if not isinstance(value, list):
        raise ValueError("it is not a list of entries")
    entries: list[Entry] = value
    for entry in entries:
        if not isinstance(entry, dict) or not all(isinstance(text, str) for text in entry.values()):
            raise ValueError("it is not a list of entries")
        if missing := {"set", "author", "reason", "run"} - set(entry):
            raise ValueError(f"an entry has no `{min(missing)}`")
    return entries


def _completed(history: list[Entry], database: Path) -> bool:
    """Whether the database of the last entry was put in place."""
    if not history or _HASH not in history[-1]:
        return True
    if not database.is_file():
        return False
    here = _hash(database)
    return here == history[-1][_HASH] or len(history) < 2 or here != history[-2].get(_HASH)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
