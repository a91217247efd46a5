"""The baselines of a project: runs, stored under a name, that later runs are compared with.

A baseline lies in `.evalkit/baselines/<name>/`. It is a copy of the run's `run.sqlite` (with pictures only on request)
and `history.json`, which records who set it, when, why and from which run. It is small enough to be committed.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.results import RunSummary
from evalkit.api.settings import with_home
from evalkit.store.run_reader import RunReader

FOLDER = Path(".evalkit") / "baselines"
HISTORY = "history.json"
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


def set_baseline(project: Path, name: str, run: Path, *, author: str, reason: str, pictures: bool = False) -> Path:
    """Make a finished run the baseline `name` of the project; returns its folder. The history keeps earlier entries.

    Raises:
        UsageError: the name is not allowed, the author or the reason is missing, or the run has not finished.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` can't be the name of a baseline", hint="use letters, digits, '_', '-' and '.'")
    _check_said(author, reason)
    with RunReader(run) as reader:
        summary = reader.meta("summary")
    if summary is None:
        raise UsageError("this run has not finished", where=str(run), hint="continue it with the same `evalkit run`")
    folder = project / FOLDER / name
    history = read_history(folder)
    folder.mkdir(parents=True, exist_ok=True)
    copy_database(run / "run.sqlite", folder / "run.sqlite")
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    if pictures:
        shutil.copytree(run / "pictures", folder / "pictures")
    _note(folder, history, run, summary["created"], summary["outcome"], author=author, reason=reason)
    return folder


def replace_run(folder: Path, database: Path, summary: RunSummary, *, author: str, reason: str) -> None:
    """Put the verdicts of `database` in the place of a baseline's; the history says who did it and why.

    Raises:
        UsageError: the author or the reason is missing.
    """
    history = read_history(folder)
    _check_said(author, reason)
    copy_database(database, folder / "run.sqlite")
    run = Path(history[-1]["run"]) if history else folder
    _note(folder, history, run, summary.created, summary.outcome.value, author=author, reason=reason)


def _note(
    folder: Path, history: list[dict[str, str]], run: Path, created: str, outcome: str, *, author: str, reason: str
) -> None:
    entry = {
        "set": datetime.now(UTC).isoformat(timespec="seconds"),
        "author": author,
        "reason": reason,
        "run": str(run.resolve()),
        "run_created": created,
        "outcome": outcome,
    }
    (folder / HISTORY).write_text(json.dumps([*history, entry], indent=1) + "\n", encoding="utf-8")


def _check_said(author: str, reason: str) -> None:
    if not reason.strip() or not author.strip():
        raise UsageError("a baseline needs an author and a reason", hint="--author NAME --reason 'why'")


def read_history(folder: Path) -> list[dict[str, str]]:
    """Who set this baseline, when and why, oldest first; empty if there is no such baseline."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    history: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return history


def list_baselines(project: Path) -> dict[str, list[dict[str, str]]]:
    """The history of every baseline of a project, by name."""
    folders = sorted(path.parent for path in (project / FOLDER).glob(f"*/{HISTORY}"))
    return {folder.name: read_history(folder) for folder in folders}


def copy_database(source: Path, target: Path) -> None:
    """Replace `target` by a compact copy; `VACUUM INTO` reads a consistent state."""
    temporary = target.with_suffix(".part")
    temporary.unlink(missing_ok=True)
    with sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True) as database:
        database.execute("VACUUM INTO ?", (str(temporary),))
    database.close()
    temporary.replace(target)
