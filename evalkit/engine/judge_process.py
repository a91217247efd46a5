"""The process in which a judge lives: it takes tasks from a pipe and sends verdicts back.

A judge uses much processor time and memory and may crash its whole process. In a process of its own it has its own
interpreter, never delays the generator, and if it dies, only the pictures that it was judging are lost.

Messages to it: `Controls`, `ControlsOfRun`, numbered `JudgeTask`s, `Drop` (forget the queue), `None` (finish the queue
and end). Messages from it: `Begun` and `Done` for each task, `Alive` before each control, `ControlsDone`, `Failed`. If
the pipe breaks, the parent is gone, and the process ends at once.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import EvalkitError, UnavailableError
from evalkit.api.hooks import Attachable, ControlsFromRun, RunPictures
from evalkit.api.protocols import Judge
from evalkit.api.records import Verdict
from evalkit.api.results import ControlResult
from evalkit.engine.closing import close
from evalkit.engine.judging import JudgeTask, look, try_control
from evalkit.formats.foreign_text import readable
from evalkit.plugins.conformance import calling
from evalkit.plugins.registry import PluginSpec, create, origin_of
from evalkit.plugins.values import checked_control

SIGNALS = frozenset((signal.SIGINT, signal.SIGTERM))
"""Blocked until the process can deal with them: it inherits the mask of the thread that starts it."""


class Controls(NamedTuple):
    """Have the judge judge its controls, except those that it has passed in this run."""

    passed: frozenset[str]


class ControlsOfRun(NamedTuple):
    """Have the judge make controls of these pictures, and judge them."""

    pictures: RunPictures


class Drop(NamedTuple):
    """Forget the tasks that have not begun."""


class Begun(NamedTuple):
    """Task `number` has begun: if the process dies now, this picture may be the cause."""

    number: int


class Done(NamedTuple):
    """The verdict of task `number`; `None` if the task was dropped."""

    number: int
    verdict: Verdict | None
    seconds: float


class ControlsDone(NamedTuple):
    """The results of the controls. `of_run`: of those made from the run's own pictures."""

    results: tuple[ControlResult, ...]
    of_run: bool = False


class Alive(NamedTuple):
    """The judge has been created, or has begun with one more control."""


class Failed(NamedTuple):
    """The judge can't work any more."""

    error: EvalkitError


Message = Begun | Done | Alive | ControlsDone | Failed


def serve(connection: Connection, spec: PluginSpec, folder: Path) -> None:
    """Create the judge of `spec` and work off its tasks until the message to end. `folder` is the run folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # both may reach the whole group: the parent decides
    signal.signal(signal.SIGTERM, lambda *_: None)  # not SIG_IGN, which the programs that it starts would inherit
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        judge = create("judges", spec)
        if isinstance(judge, Attachable):
            with calling(origin_of("judges", spec), "`attach`"):
                judge.attach(folder)
    except EvalkitError as error:
        connection.send(Failed(_plain(error)))
        return
    connection.send(Alive())
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
                elif isinstance(message, ControlsOfRun):
                    pool.submit(self._controls_of_run, message)
                else:
                    pool.submit(self._judge_one, *message)
        except (EOFError, OSError):  # the parent is gone
            os._exit(0)
        pool.shutdown()
        close(self._judge, f"the judge `{self._judge.name}`")
        self._connection.close()

    def _judge_one(self, number: int, task: JudgeTask) -> None:
        if self._dropping:
            self._send(Done(number, None, 0.0))
            return
        self._send(Begun(number))
        try:
            started = time.perf_counter()
            verdict = look(self._judge, task.case, task.picture, task.twin, task.outside)
            self._send(Done(number, verdict, time.perf_counter() - started))
        except UnavailableError as error:
            self._send(Failed(_plain(error)))

    def _controls(self, wanted: Controls) -> None:
        def results() -> tuple[ControlResult, ...]:
            made = []
            for control in self._judge.controls():
                if control.name not in wanted.passed and not self._dropping:
                    self._send(Alive())
                    made.append(try_control(self._judge, control))
            return tuple(made)

        self._tried(results, "controls", "the judge can draw its controls", of_run=False)

    def _controls_of_run(self, wanted: ControlsOfRun) -> None:
        def results() -> tuple[ControlResult, ...]:
            assert isinstance(self._judge, ControlsFromRun)
            made = () if self._dropping else self._judge.try_on_run(wanted.pictures)
            return tuple(checked_control(self._judge, result) for result in made)

        rule = "the judge can make controls of the run's own pictures"
        self._tried(results, "controls of the run", rule, of_run=True)

    def _tried(self, results: Callable[[], tuple[ControlResult, ...]], name: str, rule: str, *, of_run: bool) -> None:
        """Send the results of controls; where the judge fails to make them, it can't be trusted."""
        try:
            made = results()
        except EvalkitError as error:
            self._send(Failed(_plain(error)))
            return
        except BaseException as error:  # a judge is a plug-in: anything can happen, `sys.exit` too
            detail = readable("".join(traceback.format_exception(error)[-3:]), 20_000)
            made = (ControlResult(self._judge.name, name, rule, False, detail),)
        self._send(ControlsDone(made, of_run))

    def _send(self, message: Message) -> None:
        with self._sending:
            try:
                self._connection.send(message)
            except OSError:
                os._exit(0)


def _plain(error: EvalkitError) -> EvalkitError:
    """The same error as one of evalkit's own classes and plain text: a plug-in's class may not survive the pipe."""
    kind = next(cls for cls in type(error).__mro__ if cls.__module__ == EvalkitError.__module__)
    where, hint = (readable(getattr(error, name, "")) for name in ("where", "hint"))
    made: EvalkitError = kind(readable(getattr(error, "what", error)), where=where, hint=hint)
    return made
