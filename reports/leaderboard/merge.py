"""`evalkit leaderboard`: entries of several runs side by side, provided that they may be compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from evalkit.api import settings
from evalkit.api.errors import UsageError
from evalkit.api.records import Role
from evalkit.api.results import RunResults
from evalkit.api.settings import ResolvedPath
from evalkit.formats.leaderboard import MIN_COVERAGE, Board, Entry, claim, read_board, repeated
from evalkit.reports.leaderboard import every_eval_ever, hub, page, verify
from evalkit.reports.leaderboard.board import write_board
from evalkit.reports.leaderboard.contestants import Contestant, check_comparable, newest
from evalkit.reports.leaderboard.entries import entries_of
from evalkit.reports.leaderboard.paired_cells import Cells, cells_of
from evalkit.reports.leaderboard.ranks import best_first, ranked
from evalkit.reports.leaderboard.signing import load_private_key, load_public_key, sign

FORMATS = ("json", "html", "eee", "hf")


class LeaderboardFiles(NamedTuple):
    """The files to open, one per format, and notes for the user: which entries were left out, and why."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


class Leaderboard:
    """A leaderboard of many runs: merge, rank, publish, and check against the runs."""

    class Settings(settings.Settings):
        """What publishing needs besides the runs.

        `hf_dataset`: id of the benchmark's dataset on the Hugging Face hub, for the format `hf`. `organization`: who
        ran the evaluation, and `developer`: who makes the models whose name is no `developer/model`, for the format
        `eee`. `sign_key`: Ed25519 private key (PEM) that signs the entries of the
        run folders given. `trusted_key`: the public key (PEM) that every entry must be signed with when verifying.
        `min_coverage`: the share of a figure's asked cells that must be scored for it to have a rank.
        """

        hf_dataset: str = Field(default="", pattern=r"^([A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*)?$")
        organization: str = Field(default="unknown", min_length=1)
        developer: str = Field(default="unknown", min_length=1)
        sign_key: ResolvedPath | None = None
        trusted_key: ResolvedPath | None = None
        min_coverage: float = Field(default=MIN_COVERAGE, ge=0, le=1)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def write(
        self,
        runs: Mapping[str, RunResults],
        files: Sequence[Path],
        out: Path,
        *,
        dimension: str = "",
        formats: Sequence[str] = ("json", "html"),
    ) -> LeaderboardFiles:
        """Merge runs (by the name messages call them) and leaderboard files, and write every format into `out`.

        Raises:
            UsageError: nothing to merge, runs that may not be compared, an unknown dimension or format, a bad key.
            UnavailableError: a package that a format or the signature needs is missing.
        """
        unknown = sorted(set(formats) - set(FORMATS))
        if unknown:
            raise UsageError(f"no format `{unknown[0]}`", where="--format", hint=f"one of {', '.join(FORMATS)}")
        if "hf" in formats and not self.settings.hf_dataset:
            raise UsageError("the format `hf` needs the benchmark's dataset on the hub", hint="--hf-dataset OWNER/NAME")
        given = self._contestants(runs, files)
        check_comparable(given)
        kept, notes = newest(given)
        board = _board(kept, dimension, self.settings.min_coverage)
        kept = _in_order(kept, board)
        written = []
        for name in dict.fromkeys(formats):
            if name == "json":
                written.append(write_board(board, out))
            elif name == "html":
                written.append(page.write_page(board, out))
            elif name == "eee":
                written.append(every_eval_ever.write(kept, self.settings.organization, self.settings.developer, out))
            else:
                written.append(hub.write(board.entries, self.settings.hf_dataset, out))
        return LeaderboardFiles(tuple(written), notes)

    def verify(self, file: Path, runs: Mapping[str, RunResults]) -> tuple[verify.Check, ...]:
        """Check the entries of a leaderboard file against runs whose figures and digest were computed again.

        Raises:
            UsageError: not a leaderboard file, nothing to check it by, or a trusted key that can't be read.
        """
        trusted = load_public_key(self.settings.trusted_key) if self.settings.trusted_key else ""
        cells = cells_by_run({results.summary().run_digest: results for results in runs.values()})
        return verify.check(read_board(file), runs, trusted, cells)

    def _contestants(self, runs: Mapping[str, RunResults], files: Sequence[Path]) -> list[Contestant]:
        key = load_private_key(self.settings.sign_key) if self.settings.sign_key else None
        found = [Contestant(entry, str(path), None) for path in files for entry in _entries(path)]
        for name, results in runs.items():
            for entry in entries_of(results.summary()):
                signed = dataclasses.replace(entry, signature=sign(claim(entry), key)) if key else entry
                found.append(Contestant(signed, name, results))
        if not found:
            raise UsageError("no entries to put on a leaderboard", hint="evalkit leaderboard RUN…")
        return found


def _entries(path: Path) -> Sequence[Entry]:
    """The entries of a leaderboard file. Raises `UsageError` if two claim to be of the same generator."""
    board = read_board(path)
    if twice := repeated(board):
        what = f"{twice[0].label()}, NFE {twice[0].nfe}, is in it twice"
        raise UsageError(what, where=str(path), hint="`evalkit leaderboard --verify` says which entry matches its run")
    return board.entries


def _board(contestants: Sequence[Contestant], dimension: str, min_coverage: float) -> Board:
    entries = [contestant.entry for contestant in contestants]
    known = list(dict.fromkeys(figure.dimension for entry in entries for figure in entry.dimensions))
    if dimension and dimension not in known:
        raise UsageError(f"no dimension `{dimension}`", where="--dimension", hint=f"one of {', '.join(known)}")
    chosen = dimension or (known[0] if known else "")
    cells = cells_by_run({c.entry.run_digest: c.results for c in contestants if c.results and c.entry.run_digest})
    ordered = best_first(ranked(entries, cells, min_coverage), chosen)
    return Board(chosen, ordered, min_coverage, tuple(sorted(cells)))


def cells_by_run(runs: Mapping[str, RunResults]) -> dict[str, Mapping[Role, Cells]]:
    """The cells of runs by their digest; runs without any are left out."""
    found = {digest: cells_of(results.cases()) for digest, results in runs.items()}
    return {digest: cells for digest, cells in found.items() if cells}


def _in_order(contestants: Sequence[Contestant], board: Board) -> list[Contestant]:
    """The contestants in the board's order, each with its ranked entry."""
    by_key = {contestant.key: contestant for contestant in contestants}
    ordered = [(by_key[Contestant(entry, "", None).key], entry) for entry in board.entries]
    return [contestant._replace(entry=entry) for contestant, entry in ordered]
