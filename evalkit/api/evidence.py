"""Typed blocks of evidence: what a judge puts into `Verdict.evidence` and `Finding.evidence` for the report to draw.

Evidence is a JSON object. A value in it may be any JSON, which the report shows as nested lists and tables, or a block
of this module, which the report draws in a form of its own:

    Table            columns and rows
    HeatMap          one figure per square of the picture, drawn over the picture
    TextDifference   expected texts beside the texts that were read, with the differing letters marked
    PictureBlock     a small picture that the judge made (an edge map, a crop)
    Statement        sentences, such as the answer of a language model

A block becomes JSON by `to_json` and is marked there by its `type`; `block_from_json` reads it back.

    >>> block = Table(("letter", "looks like"), (("O", "0"), ("l", "I")))
    >>> evidence = {"confused letters": block.to_json()}
    >>> evidence["confused letters"]
    {'type': 'table', 'columns': ['letter', 'looks like'], 'rows': [['O', '0'], ['l', 'I']]}
    >>> block_from_json(evidence["confused letters"]) == block
    True

Reports escape every text of a block, so a judge may pass on what a model or a picture says.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeGuard, get_args

from evalkit.api.records import JSON

__all__ = [
    "Block",
    "Cell",
    "HeatMap",
    "PictureBlock",
    "Statement",
    "Table",
    "TextDifference",
    "TextPair",
    "block_from_json",
]

MOST_CELLS = 64
"""Most rows and most columns of a heat map: 4,096 squares show where, and a run of 10,000 pictures stays small."""
MAX_PICTURE_BYTES = 1_000_000
"""Largest encoded picture of a block. Evidence is kept in the database of the run, once for each judged picture."""

Cell = str | int | float | bool | None
"""What a cell of a table may hold."""
Scale = Literal["linear", "log"]
Palette = Literal["viridis", "magma"]


@dataclass(frozen=True, slots=True)
class Statement:
    """Sentences to be read as they stand: the words of a language model, say."""

    type: ClassVar[str] = "statement"

    text: str

    def __post_init__(self) -> None:
        _require_text(self.text, "text")

    def to_json(self) -> JSON:
        """The block as plain JSON."""
        return {"type": self.type, "text": self.text}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under named columns. The report shows the first 60 rows and says how many more there are.

    Raises:
        ValueError: no column, or a row with more or fewer cells than there are columns.
    """

    type: ClassVar[str] = "table"

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("a table needs at least one column")
        for name in self.columns:
            _require_text(name, "column")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row has {len(row)} cells under {len(self.columns)} columns")
            for cell in row:
                if not isinstance(cell, str | int | float | bool | None):
                    raise ValueError(f"a cell is a text, a number, a bool or None, not {type(cell).__name__}")

    def to_json(self) -> JSON:
        """The block as plain JSON."""
        return {"type": self.type, "columns": list(self.columns), "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One figure per square of the picture. The report draws the maps of a verdict over the picture when asked to.

    Args:
        title: names the map in the report, in a few words.
        cell: side of a square, px of the judged picture. The first square is at the top left; the last ones of a row
            or a column may reach past the picture.
        values: rows from top to bottom, all of one length and at most 64 x 64; `None` where there is no figure.
        low, high: figures at the two ends of the colour scale.
        unit: of the figures, such as `L*`; empty for none.
        scale: `log` for figures that span orders of magnitude; `low` must then be above 0.
        threshold: smaller figures are drawn faintly; `None` for no threshold.
        note: one sentence that says what the colours mean.
        palette: tells two maps of one picture apart.

    Raises:
        ValueError: a map that can't be drawn.
    """

    type: ClassVar[str] = "heat-map"

    title: str
    cell: float
    values: tuple[tuple[float | None, ...], ...]
    low: float
    high: float
    unit: str = ""
    scale: Scale = "linear"
    threshold: float | None = None
    note: str = ""
    palette: Palette = "viridis"

    def __post_init__(self) -> None:
        for name in ("title", "unit", "note"):
            _require_text(getattr(self, name), name)
        if not self.title:
            raise ValueError("a heat map needs a title")
        if not _is_figure(self.cell) or self.cell <= 0:
            raise ValueError(f"cell is {self.cell!r}, not a number above 0")
        widths = {len(row) for row in self.values}
        if len(widths) != 1 or not 0 < len(self.values) <= MOST_CELLS or not 0 < widths.pop() <= MOST_CELLS:
            raise ValueError(f"values must be 1 to {MOST_CELLS} rows of one length, 1 to {MOST_CELLS}")
        if not all(value is None or _is_figure(value) for row in self.values for value in row):
            raise ValueError("values must be finite numbers or None")
        if not (_is_figure(self.low) and _is_figure(self.high) and self.low < self.high):
            raise ValueError(f"low {self.low!r} and high {self.high!r} must be finite numbers, low the smaller one")
        if self.scale not in get_args(Scale) or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"scale is {self.scale!r} with low {self.low:g}: `linear`, or `log` with low above 0")
        if self.threshold is not None and not _is_figure(self.threshold):
            raise ValueError(f"threshold is {self.threshold!r}, not a finite number")
        if self.palette not in get_args(Palette):
            raise ValueError(f"palette is {self.palette!r}, not one of {', '.join(get_args(Palette))}")

    def to_json(self) -> JSON:
        """The block as plain JSON."""
        return {
            "type": self.type,
            "title": self.title,
            "cell": self.cell,
            "values": [list(row) for row in self.values],
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "scale": self.scale,
            "threshold": self.threshold,
            "note": self.note,
            "palette": self.palette,
        }


@dataclass(frozen=True, slots=True)
class TextPair:
    """One expected text beside what was read; an empty text where nothing was expected or nothing was read.

    `accepted` marks a reading that the judge lets pass though it differs (another case, say): its letters are not
    marked. `verdict` is the judge's word for the pair.
    """

    expected: str
    read: str
    verdict: str = ""
    accepted: bool = False

    def __post_init__(self) -> None:
        for name in ("expected", "read", "verdict"):
            _require_text(getattr(self, name), name)
        if not isinstance(self.accepted, bool):
            raise ValueError(f"accepted is {self.accepted!r}, not a bool")


@dataclass(frozen=True, slots=True)
class TextDifference:
    """Expected texts beside the texts that were read. The report marks the letters in which the two differ."""

    type: ClassVar[str] = "text-difference"

    pairs: tuple[TextPair, ...]

    def to_json(self) -> JSON:
        """The block as plain JSON."""
        return {
            "type": self.type,
            "pairs": [
                {"expected": p.expected, "read": p.read, "verdict": p.verdict, "accepted": p.accepted}
                for p in self.pairs
            ],
        }


@dataclass(frozen=True, slots=True)
class PictureBlock:
    """A small picture that the judge made: an encoded PNG, JPEG or WebP of at most 1 MB.

    The report decodes it before it shows it and says so where it can't.

    Raises:
        ValueError: no bytes, or too many.
    """

    type: ClassVar[str] = "picture"

    data: bytes
    caption: str = ""

    def __post_init__(self) -> None:
        _require_text(self.caption, "caption")
        if not isinstance(self.data, bytes) or not 0 < len(self.data) <= MAX_PICTURE_BYTES:
            raise ValueError(f"a picture takes 1 to {MAX_PICTURE_BYTES:,} bytes")

    def to_json(self) -> JSON:
        """The block as plain JSON, the picture in base64."""
        return {"type": self.type, "data": base64.b64encode(self.data).decode("ascii"), "caption": self.caption}


Block = Table | HeatMap | TextDifference | PictureBlock | Statement
"""Any block of evidence."""


def block_from_json(value: JSON) -> Block:
    """The block that `to_json` wrote.

    Raises:
        ValueError: not a block, of an unknown type, or with a field that is missing, unknown or wrong.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise ValueError("not a block of evidence: it has no `type`")
    read = _READERS.get(value["type"])
    if read is None:
        raise ValueError(f"no block has the type {value['type']!r}; there are {', '.join(_READERS)}")
    fields = {name: field for name, field in value.items() if name != "type"}
    try:
        return read(fields)
    except TypeError as error:  # a field that is missing or unknown
        raise ValueError(f"{value['type']}: {error}") from error


def _statement(fields: dict[str, Any]) -> Statement:
    return Statement(**fields)


def _table(fields: dict[str, Any]) -> Table:
    columns, rows = tuple(_list(fields.pop("columns", None), "columns")), _list(fields.pop("rows", None), "rows")
    return Table(columns, tuple(tuple(_list(row, "row")) for row in rows), **fields)


def _heat_map(fields: dict[str, Any]) -> HeatMap:
    rows = _list(fields.pop("values", None), "values")
    return HeatMap(values=tuple(tuple(_list(row, "row")) for row in rows), **fields)


def _text_difference(fields: dict[str, Any]) -> TextDifference:
    pairs = _list(fields.pop("pairs", None), "pairs")
    if not all(isinstance(pair, Mapping) for pair in pairs):
        raise ValueError("a pair must be an object")
    return TextDifference(tuple(TextPair(**pair) for pair in pairs), **fields)


def _picture(fields: dict[str, Any]) -> PictureBlock:
    data = fields.pop("data", None)
    _require_text(data, "data")
    try:
        return PictureBlock(base64.b64decode(data, validate=True), **fields)
    except binascii.Error as error:
        raise ValueError(f"data is not base64: {error}") from error


_READERS: Mapping[str, Callable[[dict[str, Any]], Block]] = {
    Table.type: _table,
    HeatMap.type: _heat_map,
    TextDifference.type: _text_difference,
    PictureBlock.type: _picture,
    Statement.type: _statement,
}


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} must be a list")
    return value


def _require_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r:.100}, not a text")


def _is_figure(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
