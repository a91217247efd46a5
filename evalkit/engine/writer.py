"""The only writer of a run. It commits all waiting rows in one transaction, so that a slow disk gets larger commits."""

from __future__ import annotations

import queue
import threading
from typing import Self

from evalkit.api.records import Sample
from evalkit.store.cache import Cache
from evalkit.store.run_store import ControlRow, RunStore, VerdictRow

Row = VerdictRow | ControlRow | tuple[int, Sample]
_WAITING = 256


class Writer:
    """A thread that writes rows to the run store and pictures to the cache.

    Verdicts enter the cache at the end of the run, when the controls have shown that the judge can be believed
    (`RunControls`).

    `put` blocks while the queue is full. The next `put` or `flush`, or the end, raises an error of the disk.
    """

    def __init__(self, store: RunStore, cache: Cache | None) -> None:
        self._store = store
        self._cache = cache
        self._queue: queue.Queue[tuple[Row, bool] | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._raise()

    def put(self, row: Row, *, cached: bool = False) -> None:
        """Queue a row. `cached`: it came from the cache and is not written to it again."""
        self._raise()
        self._queue.put((row, cached))

    def flush(self) -> None:
        """Wait until all queued rows are committed."""
        self._queue.join()
        self._raise()

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _work(self) -> None:
        open_ = True
        while open_:
            batch = [self._queue.get()]
            while len(batch) < _WAITING and not self._queue.empty():
                batch.append(self._queue.get())
            open_ = None not in batch
            rows = [row for row in batch if row is not None]
            try:
                if rows and not self._error:
                    self._commit(rows)
            except BaseException as error:
                self._error = error
            for _ in batch:
                self._queue.task_done()

    def _commit(self, rows: list[tuple[Row, bool]]) -> None:
        self._store.transaction(row for row, _ in rows)
        if self._cache is None:
            return
        fresh = [row for row, cached in rows if not cached and not isinstance(row, VerdictRow | ControlRow)]
        samples = [sample for _, sample in fresh if sample.ok]
        if samples:
            self._cache.add(samples, self._store.blobs)
