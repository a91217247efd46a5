"""The baselines of a project: a run that others are compared with, kept under a name.

A project's baselines lie in `.evalkit/baselines/<name>/`: a copy of the run's `run.sqlite` (no pictures, unless asked
for) and `history.json` with who set it, when, why and from which run. Small enough to be committed.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.store.run_reader import RunReader

FOLDER = Path(".evalkit") / "baselines"
HISTORY = "history.json"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}")


def find_baseline(text: str, base: Path) -> Path:
    """The run folder or leaderboard file that `text` means: a path, or the name of a baseline of the project in `base`.

    Raises:
        ValueError: neither.
    """
    named = base / FOLDER / text if _NAME.fullmatch(text) else None
    for path in (named, base / Path(text).expanduser()):
        if path is not None and (path.is_file() or (path / "run.sqlite").is_file()):
            return path.resolve()
    raise ValueError(f"no run folder, leaderboard file or baseline `{text}`; `evalkit baseline set` makes one")


def set_baseline(project: Path, name: str, run: Path, *, author: str, reason: str, pictures: bool = False) -> Path:
    """Make a finished run the baseline `name` of the project; its folder. What was there before stays in the history.

    Raises:
        UsageError: a bad name, no reason, or a run that has not finished.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` is no name for a baseline", hint="letters, digits, '_', '-', '.'")
    if not reason.strip() or not author.strip():
        raise UsageError("a baseline needs an author and a reason", hint="--author NAME --reason 'why'")
    with RunReader(run) as reader:
        summary = reader.meta("summary")
    if summary is None:
        raise UsageError("this run has not finished", where=str(run), hint="the same `evalkit run` goes on")
    folder = project / FOLDER / name
    history = read_history(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _copy_database(run / "run.sqlite", folder / "run.sqlite")
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    if pictures:
        shutil.copytree(run / "pictures", folder / "pictures")
    entry = {
        "set": datetime.now(UTC).isoformat(timespec="seconds"),
        "author": author,
        "reason": reason,
        "run": str(run.resolve()),
        "run_created": summary["created"],
        "outcome": summary["outcome"],
    }
    (folder / HISTORY).write_text(json.dumps([*history, entry], indent=1) + "\n", encoding="utf-8")
    return folder


def read_history(folder: Path) -> list[dict[str, str]]:
    """Who set this baseline, when and why, oldest first; empty for one that is not there."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    history: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return history


def list_baselines(project: Path) -> dict[str, list[dict[str, str]]]:
    """Name -> history of every baseline of a project."""
    folders = sorted(path.parent for path in (project / FOLDER).glob(f"*/{HISTORY}"))
    return {folder.name: read_history(folder) for folder in folders}


def _copy_database(source: Path, target: Path) -> None:
    """A compact copy, replacing what is there; `VACUUM INTO` sees a consistent state."""
    temporary = target.with_suffix(".part")
    temporary.unlink(missing_ok=True)
    with sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True) as database:
        database.execute("VACUUM INTO ?", (str(temporary),))
    database.close()
    temporary.replace(target)
