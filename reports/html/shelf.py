"""The pictures of a report: hard links into the run's store where the file system allows, copies where not."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from evalkit.errors import EvalkitError
from evalkit.pictures import FORMATS
from evalkit.records import Sample
from evalkit.results import RunResults

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Placed(NamedTuple):
    """The file name of a picture inside `pictures/`, or why there is none."""

    name: str
    missing: str


class PictureShelf:
    """Puts each picture into `folder` once, under a name made of its content."""

    def __init__(self, folder: Path, results: RunResults) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._results = results

    def place(self, sample: Sample | None) -> Placed:
        """Make the picture of `sample` part of the report."""
        if sample is None:
            return Placed("", "no picture of this role in the run")
        if not sample.ok:
            return Placed("", sample.error)
        if not _SHA256.fullmatch(sample.sha256) or sample.suffix not in FORMATS.values():
            return Placed("", f"the store names no usable file ({sample.sha256[:80]!r}, {sample.suffix[:20]!r})")
        target = self._folder / f"{sample.sha256}{sample.suffix}"
        if target.exists():
            return Placed(target.name, "")
        try:
            _link_or_copy(self._results.picture_path(sample).resolve(strict=True), target)
        except (OSError, EvalkitError) as error:
            return Placed("", f"the picture file can't be read: {error}")
        return Placed(target.name, "")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
