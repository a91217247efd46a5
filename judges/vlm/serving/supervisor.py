"""Runs one command and ends all its processes when its owner is gone. Standard library only; Linux.

    python supervisor.py GRACE COMMAND…        stdin: a pipe that the owner holds open and never writes to

vLLM is a tree of processes. If its owner dies by `kill -9`, they get no signal and would keep the GPU for ever. So the
owner starts this program in a session of its own and holds a pipe to it. When the pipe breaks (the owner closed it, or
died), all processes below this program are asked to end, and `GRACE` seconds later they are killed. This program is a
subreaper: orphans become its children, so it finds them all, whatever their session or group.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TICK = 0.2
"""Seconds between two checks of the command."""
_PROC = Path("/proc")


def supervise(command: list[str], grace: float) -> int:
    """Run `command` until it ends or the pipe at stdin breaks; its exit status (128 + signal for a signal)."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda given, _: signals.append(given))
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    while child.poll() is None and not signals and not _broken():
        pass
    _end_all(child, grace)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _broken() -> bool:
    """Whether the owner is gone; waits up to `_TICK` seconds."""
    readable, _, _ = select.select([0], [], [], _TICK)
    return bool(readable) and os.read(0, 1) == b""


def _end_all(child: subprocess.Popen[bytes], grace: float) -> None:
    """Ask all processes below this one to end; after `grace` seconds kill those that are left."""
    for pid in _descendants():
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while (alive := _reap(child)) and time.monotonic() < deadline:
        time.sleep(0.05)
    while alive:
        for pid in alive:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.05)
        alive = _reap(child)


def _reap(child: subprocess.Popen[bytes]) -> set[int]:
    """Reap the processes that have ended; the ids of the others."""
    child.poll()
    for pid in _descendants() - {child.pid}:
        with contextlib.suppress(ChildProcessError):  # a grandchild: its own parent reaps it
            os.waitpid(pid, os.WNOHANG)
    return _descendants()


def _descendants() -> set[int]:
    """All processes below this one, zombies included, because they must be reaped."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        below = set(children.get(waiting.pop(), ())) - found
        found |= below
        waiting += below
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended, or runs as another user
        os.kill(pid, number)


def _die_with_parent() -> None:
    """For the case that this program itself is killed."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[2:], float(sys.argv[1])))
