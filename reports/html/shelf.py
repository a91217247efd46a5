"""The pictures of a report: hard links into the run's store where the file system allows, copies where not."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from evalkit.api.errors import EvalkitError
from evalkit.api.pictures import FORMATS, decode, read_file
from evalkit.api.records import Sample, SourceImage
from evalkit.api.results import RunResults
from evalkit.reports.html.thumbs import SMALL, Thumbnails

_SHA256 = re.compile(r"[0-9a-f]{64}")


class PictureFile(NamedTuple):
    """The file name of a picture inside `pictures/`, or why there is none.

    `thumb` is what the list shows: a name inside `thumbs/` without suffix, or `name` where the picture is small.
    """

    name: str
    missing: str
    thumb: str = ""


class SizedPicture(NamedTuple):
    """A picture that is not a sample, and its (width, height) in px; (0, 0) where there is none."""

    file: PictureFile
    size: tuple[int, int]


class PictureShelf:
    """Puts each picture into `folder/pictures` once, under a name made of its content, and a small one beside it.

    The small ones are whole when the block ends; `unreadable` then names those that could not be made.
    """

    def __init__(self, folder: Path, results: RunResults) -> None:
        self._folder = folder / "pictures"
        self._folder.mkdir(parents=True)
        self._results = results
        self._thumbs = Thumbnails(folder / "thumbs")
        self._sources: dict[SourceImage, SizedPicture] = {}

    def __enter__(self) -> Self:
        self._thumbs.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thumbs.__exit__(kind, error, trace)

    @property
    def unreadable(self) -> set[str]:
        """The names of thumbnails whose picture can't be decoded."""
        return self._thumbs.failed

    def place(self, sample: Sample | None) -> PictureFile:
        """Make the picture of `sample` part of the report, and have its thumbnail made."""
        if sample is None:
            return PictureFile("", "no picture of this role in the run")
        if not sample.ok:
            return PictureFile("", sample.error)
        if not _SHA256.fullmatch(sample.sha256) or sample.suffix not in FORMATS.values():
            return PictureFile("", f"the store names no usable file ({sample.sha256[:80]!r}, {sample.suffix[:20]!r})")
        target = self._folder / f"{sample.sha256}{sample.suffix}"
        if not target.exists():
            try:
                _link_or_copy(self._results.picture_path(sample).resolve(strict=True), target)
            except (OSError, EvalkitError) as error:
                return PictureFile("", f"the picture file can't be read: {error}")
        small = 0 < max(sample.width, sample.height) <= SMALL
        return PictureFile(target.name, "", target.name if small else self._thumbs.add(target, sample.sha256))

    def place_source(self, source: SourceImage) -> SizedPicture:
        """Make the picture that an edit starts from part of the report, if its file is still what was edited.

        It is read once, however many cases and seeds start from it.
        """
        if source not in self._sources:
            self._sources[source] = self._place_source(source)
        return self._sources[source]

    def place_bytes(self, data: bytes) -> SizedPicture:
        """Make a picture that a judge made part of the report; it is decoded first, so that no broken file is shown."""
        try:
            return self._write(data, hashlib.sha256(data).hexdigest())
        except EvalkitError as error:
            return SizedPicture(PictureFile("", f"the judge's picture can't be decoded: {error}"), (0, 0))

    def _place_source(self, source: SourceImage) -> SizedPicture:
        try:
            data = read_file(Path(source.path))
            if hashlib.sha256(data).hexdigest() != source.sha256:
                return SizedPicture(PictureFile("", "the file has changed since the run"), (0, 0))
            return self._write(data, source.sha256)
        except EvalkitError as error:
            return SizedPicture(PictureFile("", f"the file can't be read: {error}"), (0, 0))

    def _write(self, data: bytes, sha256: str) -> SizedPicture:
        picture = decode(data)
        target = self._folder / f"{sha256}{FORMATS[picture.format]}"
        if not target.exists():
            target.write_bytes(data)
        height, width = picture.pixels.shape[:2]
        return SizedPicture(PictureFile(target.name, ""), (width, height))


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
