"""A judge's evidence as the page draws it: cut to a readable length, in a form that can't become code or markup.

Objects become lists of pairs: as an object, a key `__proto__` would mean something to JavaScript.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from evalkit.api.evidence import Block, Cell, HeatMap, Statement, Table, TextDifference
from evalkit.api.records import JSON
from evalkit.reports.escape import clip, visible
from evalkit.reports.evidence import MAX_PAIRS, MAX_TEXT, SHORTCUTS, typed_block
from evalkit.reports.html.differences import Column, align, mark_differences
from evalkit.reports.html.shelf import SizedPicture

MAX_JSON = 6_000
MOST_ROWS = 60
MOST_COLUMNS = 10
DEEPEST = 4


PlacePicture = Callable[[bytes], SizedPicture]
"""Makes a picture of a judge part of the report."""


def readable(evidence: Mapping[str, JSON], place: PlacePicture) -> JSON:
    """Evidence as nested nodes for `assets/evidence.js`.

    A node is a text, `{"pairs": [[name, node], …], "more": n}` or, for a table and for a list of flat objects,
    `{"columns": [name, …], "rows": [[text, …], …], "more": n}`; `more` is the number of entries left out. Other blocks
    are `{"map": …}`, `{"texts": [row, …]}` and `{"picture": file name, "missing": why, "size": px, "caption": text}`.
    """
    return _node(evidence, DEEPEST, place)


def evidence_text(evidence: JSON) -> str:
    """Evidence as JSON for reading, clipped."""
    return clip(visible(json.dumps(evidence, ensure_ascii=False, default=str)), MAX_JSON)


def drawn_map(block: HeatMap) -> JSON:
    """A heat map for `assets/heat.js`; `key` is the key that shows and hides it, empty where it has none."""
    title = _text(block.title)
    return {
        "title": title,
        "key": SHORTCUTS.get(title, ""),
        "cell": block.cell,
        "values": [list(row) for row in block.values],
        "low": block.low,
        "high": block.high,
        "unit": _text(block.unit),
        "log": block.scale == "log",
        "threshold": block.threshold,
        "note": _text(block.note),
        "palette": block.palette,
    }


def drawn_texts(block: TextDifference) -> list[JSON]:
    """The pairs in pieces with their differences marked, for `assets/tables.js`.

    `columns` puts one text above the other; it is empty for scripts whose letters join, which can't be cut apart.
    """
    rows: list[JSON] = []
    for pair in block.pairs[:MAX_PAIRS]:
        expected, read = _text(pair.expected), _text(pair.read)
        # a difference that the judge accepts (another case, say) is not marked: marks are for defects
        left, right = mark_differences(read if pair.accepted else expected, read)
        columns = [Column(expected, read, True)] if pair.accepted else align(expected, read)
        joined = any(unicodedata.bidirectional(character) in {"R", "AL"} for character in expected + read)
        rows.append(
            {
                "expected": left,
                "read": right,
                "columns": [] if joined else [list(column) for column in columns],
                "verdict": _text(pair.verdict),
            }
        )
    return rows


def _node(value: JSON, depth: int, place: PlacePicture) -> JSON:
    block = typed_block(value)
    if block is not None:
        return _block(block, place)
    if isinstance(value, Mapping) and depth and value:
        pairs = [[_text(str(name)), _node(inner, depth - 1, place)] for name, inner in list(value.items())[:MOST_ROWS]]
        return {"pairs": pairs, "more": max(0, len(value) - MOST_ROWS)}
    if isinstance(value, list | tuple) and depth and value and all(_is_flat(item) for item in value):
        return _table(value)
    return _scalar(value)


def _block(block: Block, place: PlacePicture) -> JSON:
    if isinstance(block, Statement):
        return _text(block.text)
    if isinstance(block, Table):
        rows = [[_cell(cell) for cell in row[:MOST_COLUMNS]] for row in block.rows[:MOST_ROWS]]
        columns = [_text(name) for name in block.columns[:MOST_COLUMNS]]
        return {"columns": columns, "rows": rows, "more": max(0, len(block.rows) - MOST_ROWS)}
    if isinstance(block, HeatMap):
        return {"map": drawn_map(block)}
    if isinstance(block, TextDifference):
        return {"texts": drawn_texts(block)}
    picture = place(block.data)
    return {
        "picture": picture.file.name,
        "missing": _text(picture.file.missing),
        "size": list(picture.size),
        "caption": _text(block.caption),
    }


def _cell(cell: Cell) -> str:
    """A cell of a table: a missing value is empty, a fraction has six digits."""
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else _scalar(cell)


def _is_flat(item: JSON) -> bool:
    return isinstance(item, Mapping) and not any(isinstance(inner, Mapping) for inner in item.values())


def _table(items: Sequence[Mapping[str, JSON]]) -> JSON:
    columns = list(dict.fromkeys(name for item in items[:MOST_ROWS] for name in item))[:MOST_COLUMNS]
    rows = [[_scalar(item[name]) if name in item else "" for name in columns] for item in items[:MOST_ROWS]]
    names = [_text(str(name)) for name in columns]
    return {"columns": names, "rows": rows, "more": max(0, len(items) - MOST_ROWS)}


def _scalar(value: JSON) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        return _text(", ".join(str(item) for item in value))
    return _text(str(value)) if isinstance(value, int | float) else evidence_text(value)


def _text(text: str) -> str:
    return clip(visible(text), MAX_TEXT)
