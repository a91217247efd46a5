"""`leaderboard.html`: the leaderboard as a table. JavaScript is only needed to sort by a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from evalkit.api.records import JSON, Dimension, Role
from evalkit.api.results import Interval, Outcome
from evalkit.formats.leaderboard import Board, Entry, Figure
from evalkit.reports import wording
from evalkit.reports.escape import clip, visible
from evalkit.reports.files import replacing_file
from evalkit.reports.html.bars import Axis, Mark, value_axis
from evalkit.reports.leaderboard.ranks import RULE, basis
from evalkit.reports.leaderboard.signing import key_name
from evalkit.reports.palette import palette

STYLE, SCRIPT = "leaderboard.css", "leaderboard.js"
LONGEST_TEXT = 300
NOTES = {
    Outcome.PASSED: "",
    Outcome.MEASURED: "",
    Outcome.FAILED: "its run failed a gate",
    Outcome.UNDECIDED: "its run is undecided",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One dimension: its figure in any entry that has it, and the axis that all its bars share."""

    figure: Figure
    axis: Axis


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one entry as the page draws it."""

    figure: Figure
    interval: Interval | None
    mark: Mark | None
    rank: str


@dataclass(frozen=True, slots=True)
class Row:
    """One entry; `cells` has `None` where it was not judged."""

    entry: Entry
    cells: tuple[Cell | None, ...]
    note: str
    signed: str


def write_page(board: Board, out: Path) -> Path:
    """Write `leaderboard.html` with its style sheet and script beside it; its path."""
    target = out / "leaderboard.html"
    for path, text in (
        (out / STYLE, palette() + _asset(STYLE)),
        (out / SCRIPT, _asset(SCRIPT)),
        (target, render_page(board)),
    ):
        with replacing_file(path) as file:
            file.write(text)
    return target


def render_page(board: Board) -> str:
    """The page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("evalkit.reports.leaderboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    columns = _columns(board.entries)
    return environment.get_template("leaderboard.html.j2").render(
        board=board,
        first=board.entries[0],
        columns=columns,
        rows=[_row(entry, columns) for entry in board.entries],
        rule=RULE,
        basis=basis(board),
        words=wording,
        confidence=_confidence(board.entries),
    )


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text("utf-8")


def _columns(entries: Sequence[Entry]) -> list[Column]:
    figures: dict[str, list[Figure]] = {}
    for entry in entries:
        for figure in entry.dimensions:
            figures.setdefault(figure.dimension, []).append(figure)
    columns = []
    for group in figures.values():
        known = [interval for figure in group if (interval := figure.interval())]
        columns.append(Column(group[0], _axis(group[0].scale(), known) if known else Axis(0.0, 1.0)))
    return columns


def _axis(dimension: Dimension, known: Sequence[Interval]) -> Axis:
    """The range of the entries with a tenth on either side, within the bounds of the dimension."""
    spanned = value_axis(replace(dimension, low=None, high=None), known)
    low = spanned.low if dimension.low is None else max(spanned.low, dimension.low)
    high = spanned.high if dimension.high is None else min(spanned.high, dimension.high)
    return Axis(low, high) if low < high else spanned


def _row(entry: Entry, columns: Sequence[Column]) -> Row:
    cells = []
    for column in columns:
        figure = entry.figure(column.figure.dimension)
        interval = figure.interval() if figure else None
        mark = column.axis.place(interval) if interval else None
        rank = rank_in_words(figure) if figure else ""
        cells.append(Cell(figure, interval, mark, rank) if figure else None)
    signed = f"signed {key_name(entry.signature.public_key)}" if entry.signature else "not signed"
    blameless = entry.role is Role.TEACHER and entry.outcome is Outcome.FAILED  # gates are about the student
    note = NOTES[entry.outcome] + ("" if entry.has_evidence else ": not ranked")
    return Row(entry, tuple(cells), "" if blameless else note, signed)


def rank_in_words(figure: Figure) -> str:
    """`2` or `1–3`; empty without a rank."""
    if figure.rank_best is None:
        return ""
    return f"{figure.rank_best}" if figure.rank_best == figure.rank_worst else f"{figure.rank_best}–{figure.rank_worst}"


def _confidence(entries: Sequence[Entry]) -> str:
    levels = {f.confidence for e in entries for f in e.dimensions if f.confidence is not None}
    return ", ".join(f"{100 * level:g} %" for level in sorted(levels)) or "none"


def _finalize(value: JSON) -> JSON:
    """Every text that enters the page, with invisible characters written out, and clipped."""
    return clip(visible(value), LONGEST_TEXT) if type(value) is str else value
