"""A generator that reads pictures that already exist, matched to cases by id and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar

from evalkit.api.errors import ConfigError, GenerationError, PictureError
from evalkit.api.pictures import read_file
from evalkit.api.protocols import GeneratorInfo
from evalkit.api.records import JSON, Case, Generated, Request
from evalkit.api.settings import ResolvedPath, Settings
from evalkit.formats.keys import digest
from evalkit.student.folder_index import Entry, FolderIndex, build_index


class FolderSettings(Settings):
    """`path` is the folder, `name` its name in reports, `licence` the licence of the images."""

    primary: ClassVar[str] = "path"

    path: ResolvedPath
    name: str = ""
    licence: str = ""


class FolderGenerator:
    """A folder of images that were made elsewhere, matched to cases by id and seed.

    An image is looked for in this order; the first rule that finds one wins:

    1. a line `{"id": …, "image": …, "seed": 0}` of `manifest.jsonl`, or else of `labels.jsonl` (`nfe` and `seconds`
       are taken from there too; other keys are ignored);
    2. `<id>/<seed>.<ext>` or `<id>-<seed>.<ext>`;
    3. for seed 0: `<id>.<ext>`.

    The id is tried as it is and with its `/` written as `-`, in the folder and in its `images/`; `<ext>`
    is png, jpg, jpeg or webp. Where ids such as `a` and `a-1` make file names ambiguous, write a manifest.
    The bytes are passed on unchanged.

    Raises:
        ConfigError: no such folder.
    """

    Settings = FolderSettings
    batch_size = 16

    def __init__(self, settings: FolderSettings) -> None:
        self.settings = settings
        self._skipped = 0
        if not settings.path.is_dir():
            raise ConfigError("no such folder of images", where=str(settings.path))

    @cached_property
    def index(self) -> FolderIndex:
        """The index of the folder, built on first use. Raises `ConfigError` for a faulty manifest."""
        index = build_index(self.settings.path)
        self._skipped = index.others.total()
        return index

    def info(self) -> GeneratorInfo:
        """Name, licence and folder; once the folder has been walked, also how many files in it are no pictures."""
        name = self.settings.name or f"folder:{self.settings.path.name}"
        settings: dict[str, JSON] = {"path": str(self.settings.path)}
        if self._skipped:
            settings["skipped_files"] = self._skipped
        return GeneratorInfo(name, licence=self.settings.licence, settings=settings)

    def fingerprint(self, case: Case) -> str:
        """Covers the content of every image that could match `case`, at any seed, but not the path of the folder."""
        images = [[rule, entry.nfe, entry.seconds, self._content(entry)] for rule, entry in self.index.entries(case.id)]
        return digest("folder/1", images)

    def generate(self, requests: Sequence[Request]) -> list[Generated]:
        return [self._find(request.case.id, request.seed) for request in requests]

    def close(self) -> None:
        self.__dict__.pop("index", None)

    def _find(self, case_id: str, seed: int) -> Generated:
        index = self.index
        try:
            entry = index.find(case_id, seed)
            if entry is None:
                return Generated(error=f"no image for case {case_id}, seed {seed} in {self.settings.path}")
            data = read_file(index.resolve(entry))
        except (GenerationError, PictureError) as error:
            return Generated(error=str(error))
        if not data:
            return Generated(error=f"{entry.path}: empty file (0 bytes)")
        return Generated(image=data, nfe=entry.nfe, seconds=entry.seconds, notes={"file": entry.path})

    def _content(self, entry: Entry) -> str:
        try:
            path = self.index.resolve(entry)
            state = path.stat()
            return _sha256(path, state.st_size, state.st_mtime_ns)
        except (GenerationError, OSError) as error:
            return (
                f"unusable: {error}"  # generate() reports it for the case; once the file is repaired, it is read again
            )


@lru_cache(maxsize=16_384)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Hash of a file; `size` and `mtime_ns` make the cache read a changed file again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
