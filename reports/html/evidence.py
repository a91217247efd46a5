"""A judge's evidence cut to what a reader can take in, in a form that can't become code or markup.

Objects become lists of pairs: as an object, a key `__proto__` would mean something to JavaScript.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from evalkit.api.records import JSON, Verdict
from evalkit.reports.escape import clip, visible

MAX_TEXT = 2_000
MAX_JSON = 6_000
MOST_ROWS = 60
MOST_COLUMNS = 10
DEEPEST = 4
MOST_CELLS = 64


def readable(evidence: Mapping[str, JSON]) -> JSON:
    """Evidence as nested nodes for `assets/evidence.js`.

    A node is a text, `{"pairs": [[name, node], …], "more": n}`, or, for a list of flat objects,
    `{"columns": [name, …], "rows": [[text, …], …], "more": n}`; `more` is the number of entries left out.
    """
    return _node(evidence, DEEPEST)


def evidence_text(evidence: JSON) -> str:
    """Evidence as JSON for reading, clipped."""
    return clip(visible(json.dumps(evidence, ensure_ascii=False, default=str)), MAX_JSON)


def grain_map(verdict: Verdict) -> JSON:
    """The judge's map of visible noise, or `None` where it has none or one that can't be drawn.

    `{"cell": px, "values": rows of L* or null, "threshold": L* or null}`, as the grain judge's `evidence` holds it.
    """
    drawn = _cells(verdict.evidence.get("map"))
    threshold = verdict.evidence.get("threshold")
    return drawn and {**drawn, "threshold": threshold if _is_figure(threshold) and threshold > 0 else None}


def flip_map(verdict: Verdict) -> JSON:
    """The judge's map of FLIP against the twin, `{"cell": px, "values": rows of 0 to 1 or null}`, or `None`."""
    return _cells(verdict.evidence.get("flip_map"))


def _cells(found: JSON) -> JSON:
    if not isinstance(found, Mapping):
        return None
    cell, values = found.get("cell"), found.get("values")
    if not _is_figure(cell) or cell <= 0 or not isinstance(values, Sequence) or not 0 < len(values) <= MOST_CELLS:
        return None
    if not all(isinstance(row, Sequence) and 0 < len(row) <= MOST_CELLS for row in values):
        return None
    if len({len(row) for row in values}) > 1:
        return None
    if not all(v is None or _is_figure(v) for row in values for v in row):
        return None
    return {"cell": cell, "values": [list(row) for row in values]}


def _is_figure(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _node(value: JSON, depth: int) -> JSON:
    if isinstance(value, Mapping) and depth and value:
        pairs = [[_text(str(name)), _node(inner, depth - 1)] for name, inner in list(value.items())[:MOST_ROWS]]
        return {"pairs": pairs, "more": max(0, len(value) - MOST_ROWS)}
    if isinstance(value, list | tuple) and depth and value and all(_is_flat(item) for item in value):
        return _table(value)
    return _scalar(value)


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
