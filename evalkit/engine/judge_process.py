"""The process a judge lives in: takes looks from a pipe, gives verdicts back.

A judge is heavy on Python and on memory and may take its whole process down. In a process of its own it uses a core
of its own, never holds the generator up, and costs only the pictures in hand when it dies.

Messages to it: `Controls`, `Look`s by number, `Drop` (forget what is queued), `None` (finish and end). From it: `Begun`
and `Done` for each look, `ControlsDone`, `Failed`. When the pipe breaks, its parent is gone and it ends at once.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import EvalkitError
from evalkit.api.protocols import Judge
from evalkit.api.records import Verdict
from evalkit.api.results import ControlResult
from evalkit.engine.judging import Look, look, try_control
from evalkit.plugins.registry import PluginSpec, create


class Controls(NamedTuple):
    """Show the judge its controls, but for those it has passed in this run."""

    passed: frozenset[str]


class Drop(NamedTuple):
    """Forget the looks that have not begun."""


class Begun(NamedTuple):
    """Look `number` is in hand: if the process dies now, that picture may be why."""

    number: int


class Done(NamedTuple):
    """The verdict of look `number`; `None` if it was dropped."""

    number: int
    verdict: Verdict | None
    seconds: float


class ControlsDone(NamedTuple):
    """What the judge made of its controls."""

    results: tuple[ControlResult, ...]


class Failed(NamedTuple):
    """The judge can't go on."""

    error: EvalkitError


Message = Begun | Done | ControlsDone | Failed


def serve(connection: Connection, spec: PluginSpec, folder: Path) -> None:
    """Be the judge of `spec` until told to end. One that keeps something of its own beside the run (`attach`) is told
    the run's folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        judge = create("judges", spec)
        if hasattr(judge, "attach"):
            judge.attach(folder)
    except EvalkitError as error:
        connection.send(Failed(error))
        return
    _Server(connection, judge).run()


class _Server:
    def __init__(self, connection: Connection, judge: Judge) -> None:
        self._connection = connection
        self._judge = judge
        self._sending = threading.Lock()
        self._dropping = False

    def run(self) -> None:
        pool = ThreadPoolExecutor(self._judge.concurrency, thread_name_prefix=self._judge.name)
        try:
            while (message := self._connection.recv()) is not None:
                if isinstance(message, Drop):
                    self._dropping = True
                elif isinstance(message, Controls):
                    pool.submit(self._controls, message)
                else:
                    pool.submit(self._look, *message)
        except (EOFError, OSError):  # nobody is there any more
            os._exit(0)
        pool.shutdown()
        self._judge.close()
        self._connection.close()

    def _look(self, number: int, item: Look) -> None:
        if self._dropping:
            self._send(Done(number, None, 0.0))
            return
        self._send(Begun(number))
        try:
            started = time.perf_counter()
            verdict = look(self._judge, item.case, item.picture, item.twin, item.outside)
            self._send(Done(number, verdict, time.perf_counter() - started))
        except EvalkitError as error:
            self._send(Failed(error))

    def _controls(self, wanted: Controls) -> None:
        try:
            controls = [control for control in self._judge.controls() if control.name not in wanted.passed]
            self._send(ControlsDone(tuple(try_control(self._judge, control) for control in controls)))
        except EvalkitError as error:
            self._send(Failed(error))
        except Exception as error:  # a judge is a plug-in: one that can't show its controls is not to be trusted
            detail = "".join(traceback.format_exception(error)[-3:])
            rule = "the judge can draw its controls"
            self._send(ControlsDone((ControlResult(self._judge.name, "controls", rule, False, detail),)))

    def _send(self, message: Message) -> None:
        with self._sending:
            try:
                self._connection.send(message)
            except OSError:
                os._exit(0)
