"""Stops long work on Ctrl-C after the unit in hand, so that the same command can continue it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

from evalkit.api.errors import StoppedByUser


def stop_on_signal(unit: str = "picture") -> threading.Event:
    """An event that the first Ctrl-C (or SIGTERM) sets, so that the current `unit` is still finished.

    The second Ctrl-C raises `StoppedByUser` at once.
    """
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise StoppedByUser
        stop.set()
        # os.write, because the interrupted code may be writing to sys.stderr, which can't be entered twice
        os.write(2, f"\nstopping after the current {unit}; press Ctrl-C again to stop at once\n".encode())

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop


def mark_interrupts() -> None:
    """From now on Ctrl-C raises `StoppedByUser`, so that a plug-in's own `KeyboardInterrupt` is not taken for it.

    Does nothing where somebody else handles SIGINT, or outside of the main thread.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise StoppedByUser

    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, handle)
