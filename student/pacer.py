"""Limits the number of requests per minute."""

from __future__ import annotations

import threading
import time


class Pacer:
    """Spaces the starts of requests evenly, over all threads. `per_minute=None` sets no limit."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> bool:
        """Wait for the next slot; `False` if `stop` was set before it came."""
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)
            self._next = slot + self._gap
        return not stop.wait(slot - now) if slot > now else not stop.is_set()
