"""Feeds the process of a judge: its queue is bounded, and every picture gets a verdict even if the process dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing import resource_tracker
from pathlib import Path

from evalkit.api.errors import UnavailableError
from evalkit.api.hooks import RunPictures
from evalkit.api.protocols import Judge
from evalkit.api.records import Status
from evalkit.api.results import ControlResult
from evalkit.engine.judge_process import (
    SIGNALS,
    Alive,
    Begun,
    Controls,
    ControlsDone,
    ControlsOfRun,
    Drop,
    Failed,
    Message,
    serve,
)
from evalkit.engine.judging import JudgeTask, blank
from evalkit.formats.foreign_text import said
from evalkit.plugins.registry import PluginSpec
from evalkit.store.run_store import VerdictRow

_LOOK_EVERY_S = 1.0
"""How often the time limit is looked at."""
_START_S = 120.0
"""Time for the process to start: it may import torch from a cold disk."""
_PICTURES_OF_CONTROLS = 20
"""The controls of a run together may take as long as so many pictures."""
_MAX_DEATHS = 3
"""After so many deaths of its process without a verdict in between, a judge is given up."""


class JudgeStage:
    """One judge in a process of its own.

    Args:
        judge: for its name, dimensions and concurrency; this instance judges nothing.
        spec: from which the process creates its own instance.
        done: called with each verdict, from another thread.
        tried: called with what came of each control, from another thread.
        folder: the run folder.
        stall_limit_s: seconds after which a picture that the judge has not finished is given up. Its process is ended
            then, and a new one goes on with the others.
    """

    def __init__(
        self,
        judge: Judge,
        spec: PluginSpec,
        done: Callable[[VerdictRow], None],
        tried: Callable[[ControlResult], None],
        folder: Path,
        stall_limit_s: float,
    ) -> None:
        self.judge = judge
        self._spec = spec
        self._done = done
        self._tried = tried
        self._folder = folder
        self._stall_limit_s = stall_limit_s
        self._heard: float | None = None
        self._sent = 0.0
        self._stalled: frozenset[int] | None = None
        self._slots = threading.Semaphore(4 * judge.concurrency + 4)
        self._lock = threading.Lock()
        self._pending: dict[int, JudgeTask] = {}
        self._begun: dict[int, float] = {}
        self.controls_asked = False
        self._held: list[VerdictRow] = []
        """Verdicts that wait for the controls: none is stored before it is known what came of these."""
        self._controls_wanted: Controls | None = None
        self._controls: tuple[ControlResult, ...] = ()
        self._controls_seen = threading.Event()
        self._of_run_wanted: ControlsOfRun | None = None
        self._of_run: tuple[ControlResult, ...] = ()
        self._of_run_seen = threading.Event()
        self._of_run_seen.set()
        self._number = 0
        self._deaths = 0
        self._ending = False
        self._killed = False
        self._error: BaseException | None = None
        self._start()
        self._receiver = threading.Thread(target=self._receive, name=f"judge-{judge.name}", daemon=True)
        self._receiver.start()

    def ask_controls(self, passed: Iterable[str]) -> None:
        """Have the judge judge its controls, except those named in `passed`. Does not wait."""
        with self._lock:
            self.controls_asked = True
            self._controls_wanted = Controls(frozenset(passed))
            self._send(self._controls_wanted)

    def ask_controls_of_run(self, pictures: RunPictures) -> None:
        """Have the judge make controls of pictures of the run (it is a `ControlsFromRun`). Does not wait."""
        with self._lock:
            self._of_run_seen.clear()
            self._of_run_wanted = ControlsOfRun(pictures)
            self._send(self._of_run_wanted)

    def controls(self) -> tuple[ControlResult, ...]:
        """Wait for the results of `ask_controls` and `ask_controls_of_run`. Raises the error that ended the judge."""
        self._controls_seen.wait()
        self._of_run_seen.wait()
        self._raise()
        return (*self._controls, *self._of_run)

    def submit(self, task: JudgeTask) -> None:
        """Queue a picture, after all the controls if none are asked yet; blocks while the queue is full.

        Raises the error that ended the judge.
        """
        if not self.controls_asked:
            self.ask_controls(())
        self._slots.acquire()
        self._raise()
        with self._lock:
            self._number += 1
            self._pending[self._number] = task
            self._send((self._number, task))

    def drop(self) -> None:
        """Forget the queue; only tasks that have begun are finished."""
        with self._lock:
            self._send(Drop())

    def finish(self) -> None:
        """Wait for the whole queue and end the process. Raises the error that ended the judge."""
        self._end()
        self._receiver.join()
        self._process.join()
        self._raise()

    def kill(self) -> None:
        """End the process now, whatever it is doing. Does nothing after `finish`."""
        self._killed = True
        self._process.kill()
        self._receiver.join()
        self._process.join()

    # ---------------------------------------------------------------------------------------------- the process

    def _start(self) -> None:
        self._started = time.monotonic()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        name = f"judge {self.judge.name}"
        self._process = context.Process(target=serve, args=(theirs, self._spec, self._folder), name=name, daemon=True)
        resource_tracker.ensure_running()  # else `start` does it, and unblocks the signals
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def _end(self) -> None:
        with self._lock:
            self._ending = True
            self._send(None)

    def _send(self, message: object) -> None:
        """Send to the process. If it has died, the receiving thread deals with that."""
        self._sent = time.monotonic()
        with contextlib.suppress(OSError):
            self._connection.send(message)

    def _receive(self) -> None:
        alive = True
        while alive and self._error is None:
            died, message = False, None
            try:
                message = self._connection.recv() if self._connection.poll(_LOOK_EVERY_S) else None
            except (EOFError, OSError):
                died = True
            except Exception as error:  # what came can't be read: the judge's process is not to be relied on
                what = f"the judge's process sent what can't be read: {said(error)}"
                self._give_up(UnavailableError(what, where=self.judge.name))
                break
            try:
                if message is not None:
                    self._handle(message)
                if died:
                    alive = self._restart()
                else:
                    self._end_if_stalled()
            except BaseException as error:  # the writer's error: nothing more can be stored
                self._give_up(error)
        self._controls_seen.set()
        self._of_run_seen.set()

    def _end_if_stalled(self) -> None:
        """End the process if a picture takes too long, or if it should say something and does not; see `_restart`."""
        now = time.monotonic()
        late = frozenset(number for number, since in self._begun.items() if now - since > self._stall_limit_s)
        limit_s = self._stall_limit_s
        if self._of_run_wanted and not self._controls_wanted:  # one task of many pictures
            limit_s *= _PICTURES_OF_CONTROLS
        if self._heard is None:  # it starts
            limit_s = max(limit_s, _START_S)
        due = self._controls_wanted or self._of_run_wanted or self._pending or self._ending
        silent = due and now - max(self._heard or self._started, self._sent) > limit_s
        if (late or silent) and self._stalled is None:
            self._stalled = late
            self._process.kill()

    def _handle(self, message: Message) -> None:
        self._heard = time.monotonic()
        if isinstance(message, Alive):
            return
        if isinstance(message, Begun):
            self._begun[message.number] = time.monotonic()
        elif isinstance(message, Failed):
            self._give_up(message.error)
        elif isinstance(message, ControlsDone) and message.of_run:
            self._keep(message.results)
            self._of_run = message.results
            self._of_run_wanted = None
            self._of_run_seen.set()
        elif isinstance(message, ControlsDone):
            self._keep(message.results)
            self._controls = message.results
            self._controls_wanted = None
            for row in self._held:
                self._store(row)
            self._held.clear()
            self._controls_seen.set()
        else:
            self._deaths = 0
            with self._lock:
                task = self._pending.pop(message.number)
            self._begun.pop(message.number, None)
            if message.verdict is None:
                self._slots.release()
                return
            row = VerdictRow(task.role, task.idx, task.seed, task.key, message.verdict, message.seconds)
            if self._controls_wanted:
                self._held.append(row)  # with its slot: no more wait than the queue holds
            else:
                self._store(row)

    def _store(self, row: VerdictRow) -> None:
        self._done(row)
        self._slots.release()

    def _keep(self, results: Iterable[ControlResult]) -> None:
        """Results are stored at once: an interruption must not hide that a control failed."""
        for result in results:
            self._tried(result)

    def _restart(self) -> bool:
        """The process is dead: mark the tasks that had begun (if one of them took too long: that one), give the others
        to a new process. `False`: it was to end.
        """
        with self._lock:
            if self._killed or (self._ending and not self._pending and not self._of_run_wanted):
                return False
            self._process.join()
            died, stalled = f"the judge's process died (exit code {self._process.exitcode})", self._stalled
            if stalled is not None:
                died = f"the judge did not finish within {self._stall_limit_s:g} s"
            self._deaths += 1
            hopeless = self._controls_wanted or (stalled is not None and self._of_run_wanted)
            if self._deaths >= _MAX_DEATHS or hopeless:
                again = f", {self._deaths} times in a row" if self._deaths > 1 else ""
                self._give_up(UnavailableError(f"{died}{again}", where=self.judge.name))
            numbers = sorted(stalled or self._begun)
            lost = [self._pending.pop(number) for number in numbers if number in self._pending]
            self._begun.clear()
            self._stalled = None
            self._heard = None
            if self._error is None:
                self._start()
                for waiting in self._pending.items():
                    self._send(waiting)
                if self._of_run_wanted:
                    self._send(self._of_run_wanted)
                if self._ending:
                    self._send(None)
        for task in lost:
            verdict = blank(self.judge, Status.ERROR, died)
            self._store(VerdictRow(task.role, task.idx, task.seed, task.key, verdict, None))
        return self._error is None

    def _give_up(self, error: BaseException) -> None:
        self._error = error
        self._slots.release(1_000_000)  # nothing waits for this judge any more

    def _raise(self) -> None:
        if self._error:
            raise self._error
