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
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import EvalkitError
from evalkit.api.hooks import Attachable, ControlsFromRun, RunPictures
from evalkit.api.protocols import Judge
from evalkit.api.records import Verdict
from evalkit.api.results import ControlResult
from evalkit.engine.closing import close
from evalkit.engine.judging import JudgeTask, look, try_control
from evalkit.plugins.conformance import calling
from evalkit.plugins.registry import PluginSpec, create, origin_of


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
    for number in (signal.SIGINT, signal.SIGTERM):  # they may reach the whole group; the parent decides
        signal.signal(number, signal.SIG_IGN)
    try:
        judge = create("judges", spec)
        if isinstance(judge, Attachable):
            with calling(origin_of("judges", spec), "`attach`"):
                judge.attach(folder)
    except EvalkitError as error:
        connection.send(Failed(error))
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
        except EvalkitError as error:
            self._send(Failed(error))

    def _controls(self, wanted: Controls) -> None:
        try:
            results = []
            for control in self._judge.controls():
                if control.name not in wanted.passed and not self._dropping:
                    self._send(Alive())
                    results.append(try_control(self._judge, control))
            self._send(ControlsDone(tuple(results)))
        except EvalkitError as error:
            self._send(Failed(error))
        except Exception as error:  # a judge is a plug-in; without its controls it can't be trusted
            detail = "".join(traceback.format_exception(error)[-3:])
            rule = "the judge can draw its controls"
            self._send(ControlsDone((ControlResult(self._judge.name, "controls", rule, False, detail),)))

    def _controls_of_run(self, wanted: ControlsOfRun) -> None:
        assert isinstance(self._judge, ControlsFromRun)
        try:
            results = () if self._dropping else tuple(self._judge.try_on_run(wanted.pictures))
            self._send(ControlsDone(results, of_run=True))
        except EvalkitError as error:
            self._send(Failed(error))
        except Exception as error:  # as above
            detail = "".join(traceback.format_exception(error)[-3:])
            rule = "the judge can make controls of the run's own pictures"
            failed = ControlResult(self._judge.name, "controls of the run", rule, False, detail)
            self._send(ControlsDone((failed,), of_run=True))

    def _send(self, message: Message) -> None:
        with self._sending:
            try:
                self._connection.send(message)
            except OSError:
                os._exit(0)
