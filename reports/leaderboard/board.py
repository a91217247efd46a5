"""Writes `leaderboard.json` (`evalkit.formats.leaderboard` reads it) and the schema that it obeys."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from pathlib import Path

from evalkit.api.records import JSON
from evalkit.formats.leaderboard import FORMAT, Board
from evalkit.reports.files import replacing_file
from evalkit.reports.leaderboard.ranks import RULE, basis

SCHEMA = "leaderboard.schema.json"


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
    said = {"format_version": FORMAT, "rank_rule": RULE, "rank_basis": basis(board)}
    content = {"$schema": SCHEMA, **said, **dataclasses.asdict(board)}
    return json.loads(json.dumps(content, allow_nan=False))


def schema_text() -> str:
    """The published JSON Schema (draft 2020-12) of the file."""
    return (files(__package__) / "schema.json").read_text(encoding="utf-8")
