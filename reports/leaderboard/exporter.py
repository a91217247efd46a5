"""`leaderboard.json` of one run: one entry per generator, with the schema it obeys beside it."""

from __future__ import annotations

from pathlib import Path

from evalkit.api import settings
from evalkit.api.results import RunResults, RunSummary
from evalkit.formats.leaderboard import Board
from evalkit.reports.leaderboard.board import write_board
from evalkit.reports.leaderboard.entries import entries_of
from evalkit.reports.leaderboard.ranks import ranked


class LeaderboardExporter:
    """A JSON file of leaderboard entries, each figure with its interval, its counts and its judge."""

    class Settings(settings.Settings):
        """Nothing to set."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def export(self, results: RunResults, out: Path) -> Path:
        """Write `leaderboard.json` and its schema into `out`; the path of the former."""
        return write_board(leaderboard(results.summary()), out)


def leaderboard(summary: RunSummary) -> Board:
    """The leaderboard of one run, student first. A figure that is missing is `None`, and its counts say why."""
    first = summary.dimensions[0].dimension.name if summary.dimensions else ""
    return Board(first, ranked(entries_of(summary)))
