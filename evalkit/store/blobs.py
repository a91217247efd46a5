"""Files addressed by their content, written atomically.

Each file is written under a temporary name in the same folder, synced, renamed, and then the folder is synced. A reader
sees the whole file or none, and a row that names a file is written after it. The files are read-only, but their owner
can still change them: whoever reads one by its hash must hash it first, and a damaged one is written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from evalkit.store.durable import sweep, sync_folder, temporary_beside


class BlobFolder:
    """`<root>/<first two hex digits>/<sha256><suffix>`. Safe for several threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str, suffix: str) -> Path:
        """The path of a blob, whether it exists or not."""
        return self.root / sha256[:2] / f"{sha256}{suffix}"

    def is_intact(self, sha256: str, suffix: str) -> bool:
        """Whether the blob is here and its content has this hash."""
        return _hash(self.path(sha256, suffix)) == sha256

    def put(self, data: bytes, suffix: str) -> str:
        """Store bytes and return their SHA-256 (hex). A file that is there already is written again if damaged."""
        sha256 = hashlib.sha256(data).hexdigest()
        target = self.path(sha256, suffix)
        if not self.is_intact(sha256, suffix):
            with _published(target) as part, open(part, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        return sha256

    def adopt(self, other: BlobFolder, sha256: str, suffix: str) -> bool:
        """Take over a blob from another folder, as a hard link if the file system allows it.

        Returns:
            Whether the blob is here now and undamaged; `False` if neither folder has it so.
        """
        if self.is_intact(sha256, suffix):
            return True
        if not other.is_intact(sha256, suffix):
            return False
        target, source = self.path(sha256, suffix), other.path(sha256, suffix)
        try:
            with _published(target) as part:
                link_or_copy(source, part)
        except FileNotFoundError:
            return False
        return True

    def sweep(self) -> None:
        """Remove temporary files of killed writers. Call it only while no other process writes here."""
        sweep(self.root, "*/")


def _hash(path: Path) -> str | None:
    """SHA-256 (hex) of a file, `None` if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link, or a copy if the file system can't link."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


class _published(contextlib.AbstractContextManager[Path]):
    """A temporary path beside `target`; renamed to it when the block succeeds, removed when it fails."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.part = temporary_beside(target)

    def __enter__(self) -> Path:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        return self.part

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self.part.unlink(missing_ok=True)
            return
        os.chmod(self.part, 0o444)
        os.replace(self.part, self.target)
        sync_folder(self.target.parent)
