"""Runs foreign code that may never return: a call that takes too long is given up, and the run goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_running: set[int] = set()


def is_busy() -> bool:
    """Whether a call has not returned: one that was given up, or one during which the run was interrupted."""
    return bool(_running)


class StalledError(Exception):
    """A call did not return in time. Its thread still runs, so the object that was called must not be used again."""


class CallThread:
    """One thread in which calls are made, one after the other; all of a generator's calls are made in the same one.

    The thread can't be ended while a call runs: after a `StalledError` make a new `CallThread`.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def call(self, function: Callable[[], T], limit_s: float) -> T:
        """What `function` returns or raises.

        Raises:
            StalledError: it did neither within `limit_s` seconds.
        """
        future: Future[T] = Future()
        self._calls.put((future, function))
        try:
            return future.result(limit_s)
        except TimeoutError:
            if future.done():  # it raised one itself, or has ended just now
                return future.result()
            raise StalledError(f"no result within {limit_s:g} s") from None

    def close(self) -> None:
        """Let the thread end once its calls have returned."""
        self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, function = item
            _running.add(id(future))
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)
            finally:
                _running.discard(id(future))
