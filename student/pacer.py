"""Limits the number of requests per minute."""

from __future__ import annotations

import asyncio
import time


class Pacer:
    """Spaces the starts of requests evenly. `per_minute=None` sets no limit."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for the next slot."""
        now = time.monotonic()
        slot = max(now, self._next)
        self._next = slot + self._gap
        if slot > now:
            await asyncio.sleep(slot - now)
