"""Markdown in parts that are shortened or left out where a place holds only so many bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEP_SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a step summary above 1 MiB as a whole (docs.github.com, "Adding a job summary")."""
COMMENT_BYTES = 65_536
"""GitHub takes at most 65,536 characters in a comment; counted in bytes here, which are never fewer."""
_NOTE = 200
"""Bytes kept free for the sentence that says what was left out."""


@dataclass(frozen=True, slots=True)
class MarkdownPart:
    """A titled piece of Markdown. Its rows may be cut from the end, all else stays.

    `head` comes right above the rows (the head of a table), `tail` after them. A collapsed part opens on a click.
    """

    title: str
    rows: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    collapsed: bool = False
    level: int = 3

    def within(self, limit: int, max_rows: int) -> str | None:
        """The part in at most `limit` bytes, with the number of rows cut; `None` if not even the title fits."""
        kept: list[str] = []
        left = limit - _size(self._text((), len(self.rows))) - _size("\n".join(self.head)) - 3
        for row in self.rows[:max_rows]:
            left -= _size(row) + 1
            if left < 0:
                break
            kept.append(row)
        text = self._text(kept, len(self.rows) - len(kept))
        return text if _size(text) <= limit else None

    def _text(self, rows: Sequence[str], cut: int) -> str:
        body = ["\n".join([*self.head, *rows])] if rows else []
        more = [f"*{cut:,} more {'row' if cut == 1 else 'rows'}: see the report.*"] if cut else []
        inner = [*body, *more, *self.tail]
        if self.collapsed:
            return "\n\n".join([f"<details><summary>{self.title}</summary>", *inner, "</details>"])
        return "\n\n".join([f"{'#' * self.level} {self.title}", *inner])


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, collapsed: bool = False) -> MarkdownPart:
    """A part with one table. Cells are Markdown that holds no newline and no `|`."""
    return MarkdownPart(title, tuple(map(_row, rows)), (_row(head), _row(["---"] * len(head))), collapsed=collapsed)


def fit(markdown_parts: Iterable[MarkdownPart], limit: int, max_rows: int) -> str:
    """The parts in order in at most `limit` bytes, with the number of those that did not fit. Empty if none did."""
    parts: list[str] = []
    left_out = 0
    left = limit - _NOTE
    for part in markdown_parts:
        text = part.within(left, max_rows)
        if text is None:
            left_out += 1
        else:
            parts.append(text)
            left -= _size(text) + 2
    if left_out and parts:
        parts.append(f"*{left_out} more {'section' if left_out == 1 else 'sections'}: see the report.*")
    return "\n\n".join(parts) + "\n" if parts else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
