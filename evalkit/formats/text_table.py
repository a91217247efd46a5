"""Aligns rows of text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def align(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """One line per row, columns two spaces apart.

    Args:
        rows: cells; a row may have fewer than the longest one.
        left: indices of the columns that are aligned to the left; all others are aligned to the right.

    >>> align([("cases", "seen"), ("50", "none")])
    ['cases  seen', '50     none']
    """
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]
