"""Small pictures for the list of cases, made beside the writing of the report.

Always made: one costs 5 ms of CPU (512 px PNG of 138 kB, mean of 60), while a browser that shows 50 rows of the
pictures themselves has to decode 100 files of full size.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from types import TracebackType
from typing import Self

from evalkit.api.errors import PictureError
from evalkit.api.pictures import read_file, thumbnail

EDGE = 160
"""Enough for the gallery's largest pictures, and for the list on a screen with two dots to a pixel."""
SMALL = 192
"""A picture with no edge longer than this is its own thumbnail."""
THREADS = 2
WAITING = 64
"""Pictures that may wait for a thread. With more the writing pauses, which keeps memory constant."""
_NAME = 16


class Thumbnails:
    """Writes `<start of the picture's sha256>.webp` into `folder`, in threads that end with the block.

    `failed` holds, after the block, the names of those whose picture can't be decoded.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.failed: set[str] = set()
        self._folder = folder
        self._of: dict[str, str] = {}
        self._room = BoundedSemaphore(WAITING)
        self._bug: BaseException | None = None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="thumbnail")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=error is not None)
        if error is None and self._bug is not None:
            raise self._bug

    def add(self, picture: Path, sha256: str) -> str:
        """Have the thumbnail of `picture` made, once; its name without suffix."""
        name = sha256[:_NAME]
        if self._of.get(name, sha256) != sha256:
            name = sha256  # two pictures made to share the start of their hash
        if name not in self._of:
            self._of[name] = sha256
            self._room.acquire()
            self._threads.submit(self._make, picture, name).add_done_callback(self._done)
        return name

    def _make(self, picture: Path, name: str) -> None:
        try:
            (self._folder / f"{name}.webp").write_bytes(thumbnail(read_file(picture), EDGE).data)
        except PictureError:
            self.failed.add(name)

    def _done(self, made: Future[None]) -> None:
        self._room.release()
        if not made.cancelled():
            self._bug = self._bug or made.exception()
