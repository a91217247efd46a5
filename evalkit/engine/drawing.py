"""Has a generator draw: there is one result for each request, whatever the generator does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.api.errors import UnavailableError, UsageError
from evalkit.api.protocols import Generator
from evalkit.api.records import Generated, Request
from evalkit.engine.closing import close
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

    def draw(self, requests: Sequence[Request]) -> list[Generated]:
        """One result per request. If a batch fails, its requests are tried one by one: one bad case costs one cell.

        Raises:
            UnavailableError, UsageError: the generator can't draw any picture.
        """
        limit_s = self._stall_limit_s * len(requests)
        try:
            drawn = self._thread.call(lambda: _drawn(self.generator, requests), limit_s)
        except StalledError:
            return self._given_up(requests)
        except (UnavailableError, UsageError):
            raise
        except BaseException as error:  # a generator is a plug-in: CUDA raises anything, and some code calls `sys.exit`
            if len(requests) == 1:
                return [Generated(error=f"{type(error).__name__}: {error}")]
            return [self.draw([request])[0] for request in requests]
        self._stalls = 0
        return drawn

    def close(self) -> None:
        """Close the generator."""
        close(self.generator, self._name)
        self._thread.close()

    def _given_up(self, requests: Sequence[Request]) -> list[Generated]:
        """Mark the requests of a call that did not return, and go on with a new instance in a new thread."""
        self._stalls += 1
        problem = f"the generator did not finish within {self._stall_limit_s:g} s for each picture (`stall_limit_s`)"
        if self._stalls >= _MAX_STALLS:
            raise UnavailableError(f"{problem}, {self._stalls} times in a row", where=self._name)
        self._thread.close()
        self._thread, self.generator = CallThread(self._name), self._renew()
        return [Generated(error=problem)] * len(requests)


def _drawn(generator: Generator, requests: Sequence[Request]) -> list[Generated]:
    results = list(generator.generate(requests))
    if len(results) != len(requests):
        raise RuntimeError(f"{len(results)} pictures for {len(requests)} requests")
    return results
