"""Reads untrusted JSON Lines, one line at a time.

It refuses, with the line number: text that is not UTF-8, NUL characters, NaN and infinities, duplicate keys, nesting
deep enough to exhaust the stack, and lines larger than `MAX_LINE` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON
from evalkit.formats.strict_json import loads

MAX_LINE = 4_000_000
"""Largest line in bytes: a thousand times the longest case of the built-in suite."""


class Line(NamedTuple):
    """One line: its place (`file:line`), its text, and its JSON value."""

    where: str
    text: str
    value: JSON


def read_jsonl(path: Path, error: type[UsageError]) -> Iterator[Line]:
    """The lines of `path` that are not blank, in order; only one line is in memory at a time.

    Raises:
        error: the file can't be read or is empty, or a line is not strict JSON; names file and line.
    """
    if not path.is_file():
        raise error("no such file", where=str(path), hint="check the path, or write the file")
    found = False
    try:
        with path.open("rb") as file:
            number = 0
            while data := file.readline(MAX_LINE + 1):
                number += 1
                if not data.strip(b" \t\r\n"):
                    continue
                found = True
                yield _parse(data, error, where=f"{path}:{number}", first=number == 1)
    except OSError as problem:
        raise error(
            f"can't be read: {problem.strerror or problem}", where=str(path), hint="check the file"
        ) from problem
    if not found:
        raise error("the file is empty", where=str(path), hint="write one JSON object per line")


def _parse(data: bytes, error: type[UsageError], *, where: str, first: bool) -> Line:
    if len(data) > MAX_LINE:
        raise error(f"a line of more than {MAX_LINE} bytes", where=where, hint="put one case on each line")
    if b"\0" in data:
        raise error("a NUL byte", where=where, hint="save the file as UTF-8 text (UTF-16 is not read)")
    try:
        text = data.decode("utf-8-sig" if first else "utf-8").strip(" \t\r\n")
    except UnicodeDecodeError as problem:
        hint = "save the file as UTF-8"
        raise error(f"not UTF-8 (byte {problem.start + 1} of the line)", where=where, hint=hint) from problem
    try:
        value = loads(text)
    except RecursionError as problem:
        raise error("JSON nested too deeply", where=where, hint="flatten the value") from problem
    except ValueError as problem:
        raise error(f"bad JSON: {problem}", where=where, hint="write one JSON object per line") from problem
    if "\\u0000" in text and _holds_nul(value):
        raise error("a NUL character in a string", where=where, hint="remove \\u0000")
    return Line(where, text, value)


def _holds_nul(value: JSON) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(name) or _holds_nul(item) for name, item in value.items())
    return isinstance(value, list) and any(_holds_nul(item) for item in value)
