"""A leaderboard file as a baseline: only its figures are known, no cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.api.errors import ConfigError
from evalkit.api.results import Interval


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A baseline of which only the figures are known (a leaderboard file): dimension -> (interval, judge version)."""

    path: Path
    figures: Mapping[str, tuple[Interval, str]]
    benchmark: str
    benchmark_version: str


def read_aggregate(path: Path) -> Aggregate:
    """The student's figures of a leaderboard file with one student entry. Raises `ConfigError` for any other file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
        students = [entry for entry in entries if entry["role"] == "student"]
        if len(students) != 1:
            raise ConfigError(
                f"{len(students)} students in it, so it is not clear which is the baseline", where=str(path)
            )
        (entry,) = students
        figures = {name: _figure(value) for name, value in _dimensions(entry) if value["value"] is not None}
        return Aggregate(path, figures, entry["benchmark"], str(entry["benchmark_version"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"not a leaderboard file of evalkit: {error!r}", where=str(path)) from error


def _dimensions(entry: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    dimensions = entry["dimensions"]
    if isinstance(dimensions, dict):
        return list(dimensions.items())
    return [(dimension["dimension"], dimension) for dimension in dimensions]


def _figure(value: Mapping[str, Any]) -> tuple[Interval, str]:
    interval = Interval(value["value"], value["ci_low"], value["ci_high"], value["n_scored"])
    return interval, str(value["judge_version"])
