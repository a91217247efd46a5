"""Reads untrusted JSON: no NaN or infinities, no duplicate keys, bounded in size and depth."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON

MAX_BYTES = 64_000_000


def read_json(path: Path, error: type[UsageError], *, hint: str = "check the file", limit: int = MAX_BYTES) -> JSON:
    """The value in a JSON file of at most `limit` bytes.

    Raises:
        error: the file is missing, no regular file, too large, not UTF-8 or not strict JSON; names the file.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise error("no such file", where=str(path), hint=hint)
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise error(f"larger than {limit:,} bytes", where=str(path), hint=hint)
        return loads(data.decode("utf-8-sig"))
    except OSError as problem:
        raise error(f"can't be read: {problem.strerror or problem}", where=str(path), hint=hint) from problem
    except RecursionError as problem:
        raise error("JSON nested too deeply", where=str(path), hint=hint) from problem
    except ValueError as problem:
        raise error(f"not JSON: {problem}", where=str(path), hint=hint) from problem


def loads(text: str) -> JSON:
    """One strict JSON value.

    Raises:
        ValueError: NaN, an infinity, or a duplicate key.
        RecursionError: nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is too large for a number")
    return value


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"key {twice!r} is given twice")
    return result
