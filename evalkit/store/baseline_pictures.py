"""The pictures that a baseline keeps: all of them, thumbnails of the student's, or none.

Both kinds are addressed by their content. A thumbnail's hash is not that of its picture, so the baseline's database
says under the key `thumbnails` which one is of which picture. Thumbnails are shown in reports and never judged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from evalkit.api.errors import PictureError, UsageError
from evalkit.api.pictures import Picture, thumbnail
from evalkit.api.records import JSON, Role, Sample
from evalkit.store.blobs import BlobFolder
from evalkit.store.run_reader import RunReader

THUMBNAILS = "thumbnails"
"""The folder of thumbnails in a baseline, and the key in its database."""
EDGE = 256
"""Longest edge of a thumbnail in px."""
_SUFFIX = ".webp"


class Keep(StrEnum):
    """Which pictures a baseline keeps."""

    FULL = "full"
    THUMBNAILS = "thumbnails"
    NONE = "none"


Thumbnails = Mapping[str, list[JSON]]
"""SHA-256 of a picture -> SHA-256, width and height of its thumbnail."""


def keep_pictures(run: RunReader, folder: Path, keep: Keep) -> tuple[set[str], Thumbnails]:
    """Add a run's pictures to a baseline; what is there already stays.

    Returns:
        The names of the files that the baseline now needs, and its thumbnails.

    Raises:
        UsageError: a picture of the run is missing or damaged.
    """
    if keep is Keep.FULL:
        blobs = BlobFolder(folder / "pictures")
        names = {blobs.path(blobs.put(_data(run, s), s.suffix), s.suffix).name for r in Role for s in _drawn(run, r)}
        return names, {}
    if keep is Keep.THUMBNAILS:
        made = _make_thumbnails(run, BlobFolder(folder / THUMBNAILS))
        return {f"{small[0]}{_SUFFIX}" for small in made.values()}, made
    return set(), {}


def drop_pictures(folder: Path, needed: set[str]) -> None:
    """Delete the pictures and thumbnails of a baseline that are not `needed`."""
    for root in (folder / "pictures", folder / THUMBNAILS):
        for path in root.glob("*/*"):
            if path.name not in needed:
                path.unlink(missing_ok=True)
        for part in (*root.glob("*"), root):
            if part.is_dir() and not any(part.iterdir()):
                part.rmdir()


class KeptThumbnails:
    """The thumbnails of a baseline, for those who show its pictures."""

    def __init__(self, baseline: RunReader) -> None:
        self._of: Thumbnails = baseline.meta(THUMBNAILS) or {}
        self._pictures = baseline.blobs
        self._blobs = BlobFolder(baseline.folder / THUMBNAILS)

    def instead_of(self, sample: Sample) -> Sample | None:
        """The sample with the thumbnail as its picture; `None` if its own picture is kept, or no thumbnail is."""
        small = self._of.get(sample.sha256)
        if small is None or self._pictures.path(sample.sha256, sample.suffix).is_file():
            return None
        sha256, width, height = small
        return dataclasses.replace(sample, sha256=sha256, suffix=_SUFFIX, width=width, height=height)

    def path(self, sample: Sample) -> Path:
        """The file of what `instead_of` returned."""
        return self._blobs.path(sample.sha256, sample.suffix)


def _make_thumbnails(run: RunReader, blobs: BlobFolder) -> Thumbnails:
    made: dict[str, list[JSON]] = {}
    for sample in _drawn(run, Role.STUDENT):
        if sample.sha256 not in made:
            small = thumbnail(_data(run, sample), EDGE)
            made[sample.sha256] = [blobs.put(small.data, _SUFFIX), small.width, small.height]
    return made


def _drawn(run: RunReader, role: Role) -> Iterator[Sample]:
    yield from (sample for sample in run.samples(role) if sample.ok)


def _data(run: RunReader, sample: Sample) -> bytes:
    path = run.blobs.path(sample.sha256, sample.suffix)
    try:
        return Picture(sample.sha256, path, stored=True).data
    except PictureError as error:
        raise UsageError(
            f"the {sample.role.value}'s picture of `{sample.case_id}` {error.what}",
            where=str(path),
            hint="the same `evalkit run` draws it again; or `--pictures none`",
        ) from error
