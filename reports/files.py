"""Outputs that appear whole or not at all: written beside their final place, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing_file(path: Path) -> Iterator[TextIO]:
    """A UTF-8 text file that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder that takes the place of folder `path` when the block ends without an error.

    A reader never sees half a folder; a killed run leaves a hidden `.part` that the next run removes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part, old = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.old")
    _remove(part)
    _remove(old)
    part.mkdir()
    try:
        yield part
        if os.path.lexists(path):
            path.rename(old)
        part.rename(path)
    finally:
        _remove(part)
        _remove(old)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():  # never follow a link out of the run folder
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
