"""Draws with one generator in a thread of its own: a call that does not return costs its pictures, not the run."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.api.errors import UnavailableError
from evalkit.api.protocols import Generator
from evalkit.api.records import Generated, Request
from evalkit.engine.closing import close
from evalkit.engine.generating import generate
from evalkit.engine.watchdog import CallThread, StalledError

_MAX_STALLS = 3
"""After so many batches in a row that did not end, a generator is given up."""


class Drawing:
    """Draws with one generator, in a thread of its own.

    Args:
        generator: draws; it is closed by `close`.
        renew: makes another instance, for the time after a call that did not return.
        name: for messages, `the student`.
        stall_limit_s: seconds for one picture.
    """

    def __init__(self, generator: Generator, renew: Callable[[], Generator], name: str, stall_limit_s: float) -> None:
        self.generator = generator
        self._renew = renew
        self._name = name
        self._stall_limit_s = stall_limit_s
        self._thread = CallThread(name)
        self._stalls = 0

    def draw(self, requests: list[Request]) -> list[Generated]:
        """One result per request. If a batch fails, its requests are tried one by one: one bad case costs one cell.

        Raises:
            UnavailableError, UsageError: the generator can't draw any picture.
        """
        limit_s = self._stall_limit_s * len(requests)
        try:
            drawn = self._thread.call(lambda: generate(self.generator, requests), limit_s)
        except StalledError:
            return self._given_up(requests)
        self._stalls = 0
        return drawn

    def close(self) -> None:
        """Close the generator."""
        close(self.generator, self._name)
        self._thread.close()

    def _given_up(self, requests: list[Request]) -> list[Generated]:
        """Mark the requests of a call that did not return, and go on with a new instance in a new thread."""
        self._stalls += 1
        problem = f"the generator did not finish within {self._stall_limit_s:g} s for each picture (`stall_limit_s`)"
        if self._stalls >= _MAX_STALLS:
            raise UnavailableError(f"{problem}, {self._stalls} times in a row", where=self._name)
        self._thread.close()
        self._thread, self.generator = CallThread(self._name), self._renew()
        return [Generated(error=problem)] * len(requests)
