"""Files that are whole after a crash: written under another name, synced, renamed, and the folder synced."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

TEMPORARY = ".part-"
"""The names of files that are not finished begin so."""


def temporary_beside(target: Path) -> Path:
    """A name of its own in the folder of `target`, to write under until the file is whole."""
    return target.parent / f"{TEMPORARY}{uuid.uuid4().hex}"


def put_in_place(part: Path, target: Path) -> None:
    """Give a finished file its name: a reader sees the old file or the new one, even after a power cut."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    sync_folder(target.parent)


def write_whole(target: Path, data: bytes) -> None:
    """Write a file in place of another, as `put_in_place` does."""
    part = temporary_beside(target)
    try:
        part.write_bytes(data)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, pattern: str = "") -> None:
    """Remove what killed writers left in a folder. Call it only while no other process writes there."""
    for part in folder.glob(f"{pattern}{TEMPORARY}*"):
        part.unlink(missing_ok=True)
