"""The list of cases as the browser reads it: columns of small numbers, worst cases first, in files read as needed.

The first 200 rows come with the page, the others once the page stands. `assets/data.js` puts the columns together
again, `assets/sift.js` filters them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from evalkit.api.records import JSON, Role, grade_of
from evalkit.api.results import CaseResult, RunSummary
from evalkit.reports.dimensions import dimension_rows
from evalkit.reports.escape import script_json
from evalkit.reports.failures import findings
from evalkit.reports.html.list_rows import BUCKETS, FAILING, FAULTS, PICTURES, Row, RowMaker
from evalkit.reports.html.shelf import PictureFile

FIRST_ROWS = 200
ROWS_PER_FILE = 1000


class _Place(NamedTuple):
    """What a row is sorted by, and where it waits. Where more is worse, figures are negative: the worst is first."""

    bucket: int
    passing: bool
    grade: int
    severity: float
    faulty: int
    findings: int
    at: int
    offset: int


class Listing:
    """Takes the cases in the order of the run and gives their rows: with a baseline regressions first, then the worst:
    what fails before what does not, by grade and by severity.

    Memory holds only eight numbers per case: the rows wait in a temporary file.
    """

    def __init__(self, summary: RunSummary) -> None:
        self._maker = RowMaker(summary)
        self._dimensions = dimension_rows(summary.dimensions)
        self._places: list[_Place] = []
        self._spool = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - lives as long as the list, see `close`

    def close(self) -> None:
        """Close the temporary file."""
        self._spool.close()

    def add(self, result: CaseResult, pictures: Mapping[str, PictureFile]) -> None:
        """Take the next case of the run; `pictures` as `RowMaker.row` wants them."""
        row = self._maker.row(len(self._places), result, pictures)
        own = [f for _, f in findings(result, Role.STUDENT)]
        bucket = BUCKETS.index(result.change.bucket) if result.change else len(BUCKETS)
        faulty = bool(row["is"] & FAULTS)
        place = _Place(
            bucket,
            not row["is"] & (1 << FAILING),
            -max((grade_of(f).rank for f in own), default=-1),
            -max((f.severity for f in own), default=0.0),
            -faulty,
            -len(own),
            row["at"],
            self._spool.tell(),
        )
        self._places.append(place)
        self._spool.write(json.dumps(row).encode("ascii") + b"\n")

    def order(self) -> list[int]:
        """The positions of the cases in the run, worst first."""
        return [place.at for place in sorted(self._places)]

    def chunks(self, unreadable: Collection[str]) -> Iterator[JSON]:
        """The rows, worst first, as columns: 200 of them, then 1,000 at a time. Take cases before, not after.

        `unreadable` names thumbnails that don't exist.
        """
        places = sorted(self._places)
        start, end = 0, FIRST_ROWS
        while start == 0 or start < len(places):
            yield columns([self._row(place, unreadable) for place in places[start:end]])
            start, end = end, end + ROWS_PER_FILE

    def manifest(self, cases_per_file: int, total: int) -> JSON:
        """What the browser must know before it reads a row; `total` is the number of rows it will find."""
        return {
            "total": total,
            "failing": FAILING,
            "files": 1 + -(-max(0, total - FIRST_ROWS) // ROWS_PER_FILE),
            "chunk": cases_per_file,
            "names": {key: names.listed() for key, names in self._maker.names.items()},
            "scope": self._maker.scope,
            "groups": [list(group) for group in self._maker.groups],
            "dimensions": [
                [r.judge, r.dimension.name, r.dimension.unit, r.dimension.higher_is_better, r.dimension.description]
                for r in self._dimensions
            ],
        }

    def write(self, folder: Path, cases_per_file: int, unreadable: Collection[str]) -> None:
        """Write `index.js`, with the first rows, and `rows-NNNN.js` into `folder`."""
        head = f"evalkit.data.index({script_json(self.manifest(cases_per_file, len(self._places)))});\n"
        for number, chunk in enumerate(self.chunks(unreadable)):
            name = f"rows-{number:04d}.js" if number else "index.js"
            call = f"evalkit.data.rows({number},{script_json(chunk)});\n"
            (folder / name).write_text(call if number else head + call, encoding="ascii", newline="\n")

    def _row(self, place: _Place, unreadable: Collection[str]) -> Row:
        self._spool.seek(place.offset)
        row: Row = json.loads(self._spool.readline())
        return row | {part: "" for part in PICTURES if row[part] in unreadable}


def columns(rows: Sequence[Row]) -> JSON:
    """Rows as columns; a column whose values are all the same is that value.

    Each text is in `texts` once, and rows name it by number.

    `scores` is one list per role of one column per dimension, 0 for a column with nothing in it.
    """
    texts: dict[str, int] = {}
    turned: dict[str, JSON] = {"found": [row["found"] for row in rows]}
    for name in ("at", "id", "seed", "cat", "task", "bucket", "is", *PICTURES):
        column = [row[name] for row in rows]
        turned[name] = column if len(set(column)) != 1 else column[0]
    turned["scores"] = [_score_columns([row["scores"][role] for row in rows]) for role in range(len(Role))]
    turned["prompt"] = [texts.setdefault(row["prompt"], len(texts)) for row in rows]
    turned["says"] = [[texts.setdefault(text, len(texts)) for text in row["says"]] for row in rows]
    turned["gates"] = [[texts.setdefault(text, len(texts)) for text in row["gates"]] for row in rows]
    turned["texts"] = list(texts)
    return turned


def _score_columns(rows: Sequence[Sequence[JSON]]) -> list[JSON]:
    by_dimension = [list(column) for column in zip(*rows, strict=True)]
    return [column if any(value is not None for value in column) else 0 for column in by_dimension]
