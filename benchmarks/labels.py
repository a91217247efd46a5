"""Reads a folder of pictures labelled by hand (`labels.jsonl` and images), as a benchmark and as labels.

Each line has `id`, `image` (relative to the folder), `prompt`, and `expected_text` or `expected_texts`. Unknown fields
are ignored, because other people's label files have more. For measuring judges a line may also have
`words` (`expected`, `observed`, `status`), `error_boxes` (`kind`, `text`, `box`) and `ignore_boxes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from evalkit.api import settings as base
from evalkit.api.decoding import check_limits
from evalkit.api.errors import PictureError, SuiteError
from evalkit.api.picture_files import read_header
from evalkit.api.pictures import read_file
from evalkit.api.protocols import BenchmarkInfo
from evalkit.api.records import Box, Case, TextTarget
from evalkit.api.settings import ResolvedPath
from evalkit.benchmarks.inside import path_inside
from evalkit.formats.explain import explain
from evalkit.formats.keys import digest
from evalkit.formats.strict_jsonl import read_jsonl

LABELS = "labels.jsonl"
FALLBACK_SIZE = (1024, 1024)
WordStatus = Literal["correct", "typo", "missing", "duplicate", "malformed", "punct"]


@dataclass(frozen=True, slots=True)
class WordLabel:
    """One expected word, what stands in the picture, and how a person judged it."""

    expected: str
    observed: str
    status: WordStatus


@dataclass(frozen=True, slots=True)
class ErrorBox:
    """A place where a person saw wrong text. `kind` is `typo`, `malformed`, `extra` or `duplicate`."""

    kind: str
    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled picture. `image` is relative to the folder. Findings in `ignore_boxes` are not counted."""

    id: str
    image: str
    prompt: str
    expected_texts: tuple[str, ...]
    words: tuple[WordLabel, ...]
    error_boxes: tuple[ErrorBox, ...]
    ignore_boxes: tuple[Box, ...]


class LabelsBenchmark:
    """A folder of labelled pictures: labels.jsonl and images."""

    class Settings(base.Settings):
        """Settings. `path`: the folder."""

        primary: ClassVar[str] = "path"
        path: ResolvedPath

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path

    def info(self) -> BenchmarkInfo:
        """`digest` covers the labels and the sizes of the pictures (the cases hold both)."""
        content = hashlib.sha256()
        for case in self.cases():
            content.update(digest(case.id, case.prompt, [t.text for t in case.texts], case.width, case.height).encode())
        return BenchmarkInfo(self._folder.name, "1", content.hexdigest(), "Pictures labelled by hand.")

    def cases(self) -> Iterator[Case]:
        """One case per labelled picture, in file order. Raises `SuiteError` naming file and line."""
        return (label_case(self._folder, label) for label in read_labels(self._folder))


def read_labels(folder: Path) -> Iterator[Label]:
    """Read the labels of `folder` lazily.

    Raises:
        SuiteError: a line is not a label, an id is given twice, or an image is outside the folder. The error names file
            and line.
    """
    seen: set[str] = set()
    path_inside(folder, LABELS, where=str(folder / LABELS))
    for where, text, _ in read_jsonl(folder / LABELS, SuiteError):
        try:
            row = _Row.model_validate_json(text)
        except ValidationError as error:
            what, hint = explain(error, _Row)
            raise SuiteError(what, where=where, hint=hint) from error
        if row.id in seen:
            raise SuiteError(f"id {row.id!r} is given twice", where=where, hint="give each picture its own id")
        seen.add(row.id)
        path_inside(folder, row.image, where=where)
        yield _label(row, where)


def label_case(folder: Path, label: Label) -> Case:
    """The case of one labelled picture, of the picture's own size (`FALLBACK_SIZE` if that can't be read)."""
    width, height = picture_size(folder / label.image)
    texts = tuple(TextTarget(text) for text in label.expected_texts)
    group = label.id.split("/")[0] if "/" in label.id else ""
    extra = {"image": label.image}
    return Case(label.id, label.prompt, width=width, height=height, category=group, texts=texts, extra=extra)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in px after the EXIF orientation is applied. No pixel is decoded.

    For a file that is missing, broken or too large this is `FALLBACK_SIZE`; the judge will report what is wrong.
    """
    try:
        header = read_header(read_file(path))
        check_limits(header)
    except PictureError:
        return FALLBACK_SIZE
    return header.upright_size


def word_positions(label: Label) -> tuple[int, ...]:
    """For each label word, its index among the whitespace-split expected texts.

    Judges report one status per token of `expected_text.split()`. People often give no label to a lone separator (`-`,
    `/`), so labels and tokens are aligned from left to right. A token without a label is not counted.

    Raises:
        SuiteError: a label word is not among the tokens that follow the previous label word.
    """
    tokens = [token for text in label.expected_texts for token in text.split()]
    positions, start = [], 0
    for word in label.words:
        try:
            index = tokens.index(word.expected, start)
        except ValueError as error:
            what = f"word {word.expected!r} is not in the expected text, after the words before it"
            raise SuiteError(what, where=label.id, hint="list the words as they are in expected_text") from error
        positions.append(index)
        start = index + 1
    return tuple(positions)


def _box(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 4:
        return dict(zip(("x0", "y0", "x1", "y1"), value, strict=True))
    return value


_PixelBox = Annotated[Box, BeforeValidator(_box)]


class _Word(BaseModel):
    expected: str
    observed: str = ""
    status: WordStatus


class _Error(BaseModel):
    kind: str
    text: str = ""
    box: _PixelBox


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str
    image: str
    prompt: str
    expected_text: str = ""
    expected_texts: tuple[str, ...] = ()
    words: tuple[_Word, ...] = ()
    error_boxes: tuple[_Error, ...] = ()
    ignore_boxes: tuple[_PixelBox, ...] = Field(default=())


def _label(row: _Row, where: str) -> Label:
    texts = row.expected_texts or ((row.expected_text,) if row.expected_text else ())
    words = tuple(WordLabel(word.expected, word.observed, word.status) for word in row.words)
    errors = tuple(ErrorBox(error.kind, error.text, error.box) for error in row.error_boxes)
    try:
        Case(row.id, row.prompt)
    except ValueError as error:
        raise SuiteError(str(error), where=where, hint="give the picture another id") from error
    return Label(row.id, row.image, row.prompt, texts, words, errors, row.ignore_boxes)
