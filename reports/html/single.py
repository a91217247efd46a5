"""`report.html`: the whole report as one file to send around, up to a size.

Style sheets and scripts stand in the page, allowed by their hashes. Data and pictures stand in blocks that are no code
(`application/json`), whose ids `assets/data.js` asks for: one per file of the list, per case and per picture.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.api.records import JSON
from evalkit.reports.escape import script_json
from evalkit.reports.files import replacing_file
from evalkit.reports.html.data import ReportData
from evalkit.reports.html.list_rows import PICTURES
from evalkit.reports.html.page import DATA_MARK

LIST_SHARE, DETAILS_SHARE = 0.25, 0.5
"""Parts of the room that the list, and the list with details and thumbnails, may take: the rest is for pictures."""
MARGIN = 4_096
"""Bytes kept free for the sentence that says what was left out."""


@dataclass(slots=True)
class Contents:
    """What goes into the file: files of the list with so many rows, details and thumbnails of `cases`, and the pictures
    of the first `illustrated` of them; `files` are all pictures, large and small."""

    lists: int = 0
    rows: int = 0
    cases: list[int] = field(default_factory=list)
    illustrated: int = 0
    files: dict[str, None] = field(default_factory=dict)

    def left_out(self, total: int, cap: int) -> str:
        """What is not in the file, in words; empty where nothing is missing."""
        parts = (
            (self.illustrated, "the pictures of {}"),
            (len(self.cases), "the details of {}"),
            (self.rows, "any mention of {}"),
        )
        missing = [words.format(f"{total - n:,}") for n, words in parts if n < total]
        if not missing:
            return ""
        kept = f"Of {total:,} cases it leaves out {', '.join(missing)}, and keeps the worst."
        return f"This file is held under {cap / 1e6:,.0f} MB. {kept} The report folder has everything."


@dataclass(slots=True)
class _Room:
    """Bytes that are left."""

    left: int

    def take(self, size: int, *, keep: float = 0.0) -> bool:
        """Whether `size` bytes fit while `keep` stay free; they are then taken."""
        fits = size <= self.left - keep
        self.left -= size if fits else 0
        return fits


def write_single_file(
    path: Path, folder: Path, data: ReportData, unreadable: Collection[str], cap: int, page: Callable[..., str]
) -> None:
    """Write the report in `folder` as the one file `path` of at most `cap` bytes, worst cases first.

    The list comes first, then the details of cases, then pictures, as far as they fit. `page` is
    `render_page` of the run.
    """
    bare = page(0, inline=True)
    contents = choose(cap - len(bare.encode("utf-8")) - MARGIN, folder, data, unreadable)
    left_out = contents.left_out(data.count, cap)
    head, tail = page(contents.rows, inline=True, left_out=left_out).split(DATA_MARK)
    with replacing_file(path) as file:
        file.write(head)
        for block in _blocks(contents, folder, data, unreadable):
            file.write(block)
        file.write(tail)


def choose(room: int, folder: Path, data: ReportData, unreadable: Collection[str]) -> Contents:
    """What fits into `room` bytes, worst cases first: nothing is left out for something less bad that is smaller."""
    chosen, space = Contents(), _Room(room)
    if not space.take(len(_block("data/index", data.manifest(data.count)))):
        return chosen
    thumbs: list[tuple[str, ...]] = []
    for number, rows in enumerate(data.listing.chunks(unreadable)):
        if not space.take(len(_block(f"data/rows/{number}", rows)), keep=(1 - LIST_SHARE) * room):
            break
        chosen.lists += 1
        chosen.rows += len(rows["found"])
        thumbs += zip(*(_column(rows, part) for part in PICTURES), strict=True)
    for at, small in zip(data.listing.order()[: chosen.rows], thumbs, strict=True):
        new, size = _new_files(map(_thumb_file, filter(None, small)), chosen, folder)
        size += len(_text_block(f"data/case/{at}", data.details.read(at)))
        if not space.take(size, keep=(1 - DETAILS_SHARE) * room):
            break
        chosen.cases.append(at)
        chosen.files.update(new)
    for at in chosen.cases:
        record = json.loads(data.details.read(at))
        names = [role["picture"] for role in (*record["roles"], *record["edited"]) if role["picture"]]
        names += record["judge_pictures"]
        new, size = _new_files((f"pictures/{name}" for name in names), chosen, folder)
        if not space.take(size):
            break
        chosen.illustrated += 1
        chosen.files.update(new)
    return chosen


def _new_files(names: Iterable[str], chosen: Contents, folder: Path) -> tuple[dict[str, None], int]:
    """Those of `names` that are not chosen yet, each once, and the bytes they take."""
    new = dict.fromkeys(name for name in names if name not in chosen.files)
    return new, sum(_picture_size(folder, name) for name in new)


def _blocks(contents: Contents, folder: Path, data: ReportData, unreadable: Collection[str]) -> Iterator[str]:
    """The blocks one after the other: never two pictures in memory."""
    if not contents.lists:
        return
    yield _block("data/index", data.manifest(contents.rows))
    for number, rows in zip(range(contents.lists), data.listing.chunks(unreadable), strict=False):
        yield _block(f"data/rows/{number}", rows)
    for at in contents.cases:
        yield _text_block(f"data/case/{at}", data.details.read(at))
    for name in contents.files:
        yield _text_block(name, base64.b64encode((folder / name).read_bytes()).decode("ascii"))


def _block(name: str, value: JSON) -> str:
    return _text_block(name, script_json(value))


def _column(rows: JSON, name: str) -> list[str]:
    return rows[name] if isinstance(rows[name], list) else [rows[name]] * len(rows["found"])


def _text_block(name: str, text: str) -> str:
    """A block of text that holds no `<`: JSON as `script_json` writes it, or base64."""
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _picture_size(folder: Path, name: str) -> int:
    return len(_text_block(name, "")) + 4 * -(-(folder / name).stat().st_size // 3)


def _thumb_file(thumb: str) -> str:
    return f"pictures/{thumb}" if "." in thumb else f"thumbs/{thumb}.webp"
