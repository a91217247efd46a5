"""A leaderboard file as a baseline: only its figures are known, no cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit.api.errors import ConfigError, UsageError
from evalkit.api.records import Role
from evalkit.api.results import Interval
from evalkit.formats.leaderboard import Entry, Figure, read_board


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A baseline of which only the figures are known: the one student of a leaderboard file."""

    path: Path
    entry: Entry

    def figure(self, dimension: str) -> Figure | None:
        """The figure on a dimension, `None` if the file has none or nothing was scored.

        Raises:
            ConfigError: the judge failed a control in the run that the figure is of.
        """
        figure = self.entry.figure(dimension)
        if figure is not None and figure.failed_control:
            raise ConfigError(
                f"the baseline's judge of `{dimension}` failed the control `{figure.failed_control}` in that run",
                where=str(self.path),
                hint="make a new baseline",
            )
        return None if figure is None or figure.value is None else figure


def read_aggregate(path: Path) -> Aggregate:
    """The student's entry of a leaderboard file with one student. Raises `ConfigError` for any other file."""
    try:
        board = read_board(path)
    except UsageError as error:
        raise ConfigError(
            f"not a leaderboard file of evalkit: {error.what}", where=str(path), hint=error.hint
        ) from error
    students = [entry for entry in board.entries if entry.role is Role.STUDENT]
    if len(students) != 1:
        raise ConfigError(f"{len(students)} students in it, so it is not clear which is the baseline", where=str(path))
    return Aggregate(path, students[0])


def at_confidence(interval: Interval, confidence: float, low: float | None, high: float | None) -> Interval:
    """The interval at another confidence, with the cases unknown: each half as wide as that of a normal estimate.

    Args:
        interval: as the file states it.
        confidence: of the interval that is returned.
        low: smallest possible value, `None` if unbounded.
        high: largest possible value.
    """
    from scipy import stats

    if interval.confidence == confidence:
        return interval
    factor = float(stats.norm.isf((1 - confidence) / 2) / stats.norm.isf((1 - interval.confidence) / 2))
    below = None if interval.low is None else interval.value - factor * (interval.value - interval.low)
    above = None if interval.high is None else interval.value + factor * (interval.high - interval.value)
    if below is not None and low is not None:
        below = max(below, low)
    if above is not None and high is not None:
        above = min(above, high)
    return Interval(interval.value, below, above, interval.n, confidence)
