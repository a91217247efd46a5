"""How many requests are under way at once: as many as the server can take, and never more than a bound.

Additive increase, multiplicative decrease (D. Chiu and R. Jain, 1989), as in TCP: the bound doubles per round until
the server first complains. From then on it grows by one per round, and it halves at most once per round of complaints.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Slot:
    """One request under way. The caller reports once how it ended."""

    def __init__(self, limit: AdaptiveLimit) -> None:
        self._limit = limit
        self._number = limit.started

    def succeeded(self) -> None:
        self._limit._grow()

    def overloaded(self, wait_s: float = 0.0) -> None:
        """The server asked for less (429, 503) or did not keep up (timeout): no request starts for `wait_s` seconds."""
        self._limit._shrink(self._number, wait_s)


class AdaptiveLimit:
    """Slots for requests, first come, first served, so that questions about one picture stay together.

    Use it from one event loop.

    Args:
        most: the largest bound, at least 1.
        first: the bound at the beginning.
    """

    def __init__(self, most: int, first: int = 16, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._bound = float(min(first, most))
        self._steady = False
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._clock = clock
        self._held_until = 0.0
        self._shrunk_at = 0
        self.started = 0

    @property
    def bound(self) -> int:
        """Requests that may be under way now."""
        return int(self._bound)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a place, and keep it for the block."""
        await self._enter()
        try:
            while (wait := self._held_until - self._clock()) > 0:
                await asyncio.sleep(wait)
            self.started += 1
            yield Slot(self)
        finally:
            self._under_way -= 1
            self._admit()

    async def _enter(self) -> None:
        if self._under_way < self.bound and not self._waiting:
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # admitted at the same moment: the next one gets the place
                self._under_way -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting and self._under_way < self.bound:
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)

    def _grow(self) -> None:
        if self._under_way >= self.bound:  # a bound that is not reached says nothing about the server
            self._bound = min(self._most, self._bound + (1 / self._bound if self._steady else 1))
            self._admit()

    def _shrink(self, number: int, wait_s: float) -> None:
        self._held_until = max(self._held_until, self._clock() + wait_s)
        self._steady = True
        if number > self._shrunk_at:  # a request that started before the last cut says nothing new
            self._bound = max(1.0, self._bound / 2)
            self._shrunk_at = self.started
