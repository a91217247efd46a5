"""Writes `leaderboard.json`, and reads such files with every field checked, as they may come from anywhere."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON
from evalkit.formats.explain import explain
from evalkit.formats.keys import from_json
from evalkit.reports.files import replacing_file
from evalkit.reports.leaderboard.entries import Entry
from evalkit.reports.leaderboard.ranks import RULE

SCHEMA = "leaderboard.schema.json"
FORMAT = 2
MAX_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Board:
    """The entries of one file, in its order; `sorted_by` is the dimension that gives it."""

    sorted_by: str
    entries: tuple[Entry, ...]


def write_board(board: Board, folder: Path) -> Path:
    """Write `leaderboard.json` and its schema into `folder`; the path of the former."""
    target = folder / "leaderboard.json"
    with replacing_file(folder / SCHEMA) as file:
        file.write(schema_text())
    with replacing_file(target) as file:
        json.dump(board_json(board), file, indent=2, ensure_ascii=True, allow_nan=False)
        file.write("\n")
    return target


def board_json(board: Board) -> JSON:
    """The file's content, plain JSON values."""
    content = {"$schema": SCHEMA, "format_version": FORMAT, "rank_rule": RULE, **dataclasses.asdict(board)}
    return json.loads(json.dumps(content, allow_nan=False))


def schema_text() -> str:
    """The published JSON Schema (draft 2020-12) of the file."""
    return (files(__package__) / "schema.json").read_text(encoding="utf-8")


def read_board(path: Path) -> Board:
    """A leaderboard file, every field checked. Its ranks are not checked.

    Raises:
        UsageError: not there, too large, not JSON, of another format, or a field that is missing, unknown or wrong.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"larger than {MAX_BYTES:,} bytes", where=str(path), hint="is this a leaderboard file?")
        content = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_refuse)
    except OSError as problem:
        raise UsageError(f"can't be read: {problem.strerror}", where=str(path), hint="check the path") from problem
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"not JSON: {problem}", where=str(path), hint="is this a leaderboard file?") from problem
    if not isinstance(content, dict) or content.get("format_version") != FORMAT:
        found = content.get("format_version") if isinstance(content, dict) else None
        raise UsageError(
            f"leaderboard format {found!r}, this evalkit reads {FORMAT}",
            where=str(path),
            hint="`evalkit report RUN --exporter leaderboard` writes a run's file again",
        )
    try:
        return from_json(Board, {"sorted_by": content.get("sorted_by"), "entries": content.get("entries")})
    except ValidationError as problem:
        what, hint = explain(problem, Board)
        raise UsageError(what, where=str(path), hint=hint) from problem


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")
