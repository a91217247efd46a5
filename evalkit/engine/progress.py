"""Shows the progress of a run: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from evalkit.formats.foreign_text import printable

if TYPE_CHECKING:
    from rich.progress import TaskID

_LINE_EVERY_S = 10.0


class Progress(Protocol):
    """Shows how much of each kind of work is done (`teacher pictures`, `grain verdicts`); used from several threads."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def start(self, name: str, total: int) -> None: ...
    def advance(self, name: str, *, cached: bool = False, missing: bool = False) -> None: ...


def make_progress(stream: TextIO) -> Progress:
    """Bars if the stream is a terminal; else a line every ten seconds and at the end of each kind of work."""
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class LineProgress:
    """Plain lines for logs: number done, total, rate and time left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._work: dict[str, list[float]] = {}
        self._printed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def start(self, name: str, total: int) -> None:
        with self._lock:
            self._work[name] = [0, total, 0, 0, time.monotonic()]

    def advance(self, name: str, *, cached: bool = False, missing: bool = False) -> None:
        with self._lock:
            state = self._work[name]
            state[0] += 1
            state[2] += cached
            state[3] += missing
            now = time.monotonic()
            if state[0] >= state[1] or now - self._printed > _LINE_EVERY_S:
                self._printed = now
                self._print(name, now, *state)

    def _print(
        self, name: str, now: float, done: float, total: float, cached: float, missing: float, since: float
    ) -> None:
        rate = done / max(now - since, 1e-9)
        left = (total - done) / rate
        notes = [
            (f"{rate:.1f}/s", done > missing),
            (f"{cached:.0f} from cache", cached),
            (f"{missing:.0f} missing", missing),
        ]
        notes.append((f"{left:.0f} s left", done < total))
        said = ", ".join(note for note, wanted in notes if wanted)
        print(f"{printable(name)}: {done - missing:.0f}/{total:.0f} ({said})", file=self._stream, flush=True)


class BarProgress:
    """One rich progress bar per kind of work."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._tasks: dict[str, tuple[TaskID, float]] = {}
        self._missing: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def start(self, name: str, total: int) -> None:
        from rich.markup import escape

        self._tasks[name] = (self._bars.add_task(escape(printable(name)), total=total, rate=""), time.monotonic())

    def advance(self, name: str, *, cached: bool = False, missing: bool = False) -> None:
        task, since = self._tasks[name]
        self._missing[name] += missing
        done = next(t.completed for t in self._bars.tasks if t.id == task) + 1
        note = f", {self._missing[name]} missing" if self._missing[name] else ""
        self._bars.update(task, advance=1, rate=f"{done / max(time.monotonic() - since, 1e-9):.1f}/s{note}")
