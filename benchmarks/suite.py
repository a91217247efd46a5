"""Reads and writes suites: folders with `suite.yaml` (the description) and `cases.jsonl` (one case per line).

    my-suite/
      suite.yaml      name, version, description, licence, tasks, languages, cases: cases.jsonl
      cases.jsonl     {"id": "poster-1", "prompt": "…", "texts": [{"text": "SALE"}]}
      images/a.png    source of an edit case: {"task": "edit", "source": {"path": "images/a.png", "sha256": ""}}

The source's `sha256` is checked if it is given and filled in if it is empty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationError

from evalkit.api import settings as base
from evalkit.api.errors import PictureError, SuiteError
from evalkit.api.pictures import read_file
from evalkit.api.protocols import BenchmarkInfo
from evalkit.api.records import Case, SourceImage, Task
from evalkit.api.settings import ResolvedPath
from evalkit.benchmarks.inside import path_inside
from evalkit.formats.explain import explain
from evalkit.formats.keys import from_json_text, to_json
from evalkit.formats.strict_jsonl import read_jsonl
from evalkit.formats.strict_yaml import read_yaml

HEADER = "suite.yaml"
CORE = Path(__file__).parent / "suites" / "scenes-core"
MINIS_CORE = Path(__file__).parent / "suites" / "minis-core"


class SuiteHeader(base.Settings):
    """The contents of `suite.yaml`. `cases` is relative to the folder and may not leave it."""

    name: str = Field(min_length=1, max_length=100)
    version: str = Field(min_length=1, max_length=100)
    description: str = ""
    licence: str = ""
    tasks: tuple[Task, ...] = (Task.T2I,)
    languages: tuple[str, ...] = ("en",)
    cases: str = "cases.jsonl"


class SuiteBenchmark:
    """A suite of your own: a folder with suite.yaml and cases.jsonl."""

    class Settings(base.Settings):
        """Settings. `path`: the folder."""

        primary: ClassVar[str] = "path"
        path: ResolvedPath

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path

    def info(self) -> BenchmarkInfo:
        """What the suite is."""
        return suite_info(self._folder)

    def cases(self) -> Iterator[Case]:
        """The cases in file order, read line by line. Raises `SuiteError`, which names file and line."""
        return read_cases(self._folder, read_header(self._folder))


class BuiltInSuite:
    """A suite that is part of the package: the one in `folder`."""

    folder: ClassVar[Path]

    class Settings(base.Settings):
        """No settings: the suite is fixed."""

    def __init__(self, settings: Settings) -> None:
        self._suite = SuiteBenchmark(SuiteBenchmark.Settings(path=self.folder))

    def info(self) -> BenchmarkInfo:
        """What the suite is."""
        return self._suite.info()

    def cases(self) -> Iterator[Case]:
        """The cases in file order."""
        return self._suite.cases()


class ScenesCore(BuiltInSuite):
    """The built-in suite: 24 flat designs with exact text, layout and background."""

    folder = CORE


class MinisCore(BuiltInSuite):
    """The built-in suite of the mini models: 28 flat designs of 128 px and 20 edits, with exact truth."""

    folder = MINIS_CORE


def suite_info(folder: Path) -> BenchmarkInfo:
    """Describe the suite in `folder`. `digest` covers the bytes of both files and of every source image."""
    header = read_header(folder)
    digest = hashlib.sha256()
    for path in (folder / HEADER, cases_path(folder, header)):
        digest.update(_sha256_of(path).encode())
    if Task.EDIT in header.tasks:
        for case in read_cases(folder, header):
            digest.update(case.source.sha256.encode() if case.source else b"-")
    return BenchmarkInfo(header.name, header.version, digest.hexdigest(), header.description, header.licence)


def read_header(folder: Path) -> SuiteHeader:
    """The header of the suite in `folder`. Raises `SuiteError`, which names each wrong key."""
    path = folder / HEADER
    path_inside(folder, HEADER, where=str(path))
    value = read_yaml(path, SuiteError)
    try:
        return SuiteHeader.model_validate(value)
    except ValidationError as error:
        what, hint = explain(error, SuiteHeader)
        raise SuiteError(what, where=str(path), hint=hint) from error


def cases_path(folder: Path, header: SuiteHeader) -> Path:
    """The file that holds the cases."""
    return path_inside(folder, header.cases, where=str(folder / HEADER))


def read_cases(folder: Path, header: SuiteHeader) -> Iterator[Case]:
    """Read the cases of a suite lazily. Paths of source images become absolute; their hashes are filled in or checked.

    Only the ids seen so far are kept (to refuse duplicates).

    Raises:
        SuiteError: a case is wrong. The error names file and line, and says what to do.
    """
    lines: dict[str, str] = {}
    for where, text, _ in read_jsonl(cases_path(folder, header), SuiteError):
        try:
            case = from_json_text(Case, text)
        except ValidationError as error:
            what, hint = explain(error, Case)
            raise SuiteError(what, where=where, hint=hint) from error
        number = where.rpartition(":")[2]
        if case.id in lines:
            what = f"case id {case.id!r} is already that of line {lines[case.id]}"
            raise SuiteError(what, where=where, hint="give each case its own id")
        lines[case.id] = number
        if case.task not in header.tasks:
            hint = f"add {case.task.value} to `tasks` in {HEADER}"
            raise SuiteError(f"task {case.task.value!r} is not declared", where=where, hint=hint)
        yield _with_source(folder, case, where)


def write_suite(folder: Path, header: SuiteHeader, cases: Iterable[Case]) -> None:
    """Write a suite that `SuiteBenchmark` can read. Each file is written whole or not at all.

    Source images must already lie in `folder`; their paths are written relative to it.

    Raises:
        SuiteError: there is no case, an id is given twice, a task is undeclared, or a source is outside the folder.
    """
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    target = cases_path(folder, header)
    with _replacing(target) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            for case in cases:
                value = to_json(_with_relative_source(folder, case))
                file.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
        checked = header.model_copy(update={"cases": temporary.name})
        for _ in read_cases(folder, checked):
            pass
    with _replacing(folder / HEADER) as temporary:
        value = header.model_dump(mode="json")
        temporary.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def _with_source(folder: Path, case: Case, where: str) -> Case:
    if case.source is None:
        return case
    path = path_inside(folder, case.source.path, where=where)
    try:
        if not path.is_file():
            raise PictureError("no such file", where=str(path))
        actual = hashlib.sha256(read_file(path)).hexdigest()
    except PictureError as error:
        what = f"source image {case.source.path!r}: {error.what}"
        raise SuiteError(what, where=where, hint="put the image into the folder of the suite") from error
    if case.source.sha256 not in ("", actual):
        what = f"source image {case.source.path!r} is not the one this case was written for (sha256 {actual})"
        raise SuiteError(what, where=where, hint="restore the image, or correct `sha256`")
    return dataclasses.replace(case, source=SourceImage(str(path), actual))


def _with_relative_source(folder: Path, case: Case) -> Case:
    if case.source is None:
        return case
    path = Path(case.source.path)
    if path.is_absolute():
        if not path.resolve().is_relative_to(folder.resolve()):
            what = f"source image {path} lies outside the suite's folder"
            raise SuiteError(what, where=case.id, hint=f"copy it into {folder}")
        path = path.resolve().relative_to(folder.resolve())
    return dataclasses.replace(case, source=SourceImage(path.as_posix(), case.source.sha256))


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside `target` that takes its place if the block succeeds."""
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SuiteError(f"can't be read: {error.strerror or error}", where=str(path), hint="check the file") from error
