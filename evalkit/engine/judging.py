"""One judge's stage: a bounded queue, as many threads as the judge allows, one verdict per picture whatever happens."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from evalkit.errors import EvalkitError, JudgeError, UnavailableError
from evalkit.keys import dump
from evalkit.pictures import Picture
from evalkit.protocols import Judge
from evalkit.records import Case, Role, Score, Status, Verdict
from evalkit.store.run_store import VerdictRow


@dataclass(frozen=True, slots=True)
class Look:
    """One picture for one judge."""

    key: str
    role: Role
    idx: int
    seed: int
    case: Case
    picture: Picture
    twin: Picture | None


def look(judge: Judge, case: Case, picture: Picture, twin: Picture | None) -> Verdict:
    """The judge's verdict; one with `error` in every cell if the judge fails.

    Raises:
        UnavailableError: the judge can look at nothing at all.
    """
    try:
        verdict = judge.judge(picture, case, twin)
        expected = {dimension.name for dimension in judge.dimensions}
        given = [score.dimension for score in verdict.scores]
        if verdict.judge != judge.name or len(given) != len(expected) or set(given) != expected:
            raise JudgeError(f"the judge's scores are {sorted(given)}, not one for each of {sorted(expected)}")
        dump(verdict)  # evidence that JSON can't hold is this judge's error, not the store's
        return verdict
    except UnavailableError:
        raise
    except EvalkitError as error:
        return blank(judge, Status.ERROR, str(error))
    except Exception as error:  # a judge is a plug-in: its bug marks its cells, the run goes on
        trace = "".join(traceback.format_exception(error)[-3:])
        return blank(judge, Status.ERROR, f"{type(error).__name__}: {error}", {"traceback": trace})


def blank(judge: Judge, status: Status, reason: str, evidence: dict[str, str] | None = None) -> Verdict:
    """A verdict without values: every dimension of the judge has this status and reason."""
    scores = tuple(Score(dimension.name, status, reason=reason) for dimension in judge.dimensions)
    return Verdict(judge.name, scores, evidence=evidence or {})


class JudgeStage:
    """Runs `judge` over a queue. `submit` blocks while the judge is behind, so memory stays flat."""

    def __init__(self, judge: Judge, done: Callable[[VerdictRow], None], stop: threading.Event) -> None:
        self.judge = judge
        self._done = done
        self._stop = stop
        self._queue: queue.Queue[Look | None] = queue.Queue(4 * judge.concurrency + 4)
        self._error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"judge-{judge.name}-{i}", daemon=True)
            for i in range(judge.concurrency)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, item: Look) -> None:
        """Queue a picture. Raises what made the judge give up, if it did."""
        self._raise()
        self._queue.put(item)

    def close(self) -> None:
        """Wait for what is queued (or, once `stop` is set, for what is in hand)."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def finish(self) -> None:
        """`close`, and raise what made the judge give up, if it did."""
        self.close()
        self._raise()

    def _raise(self) -> None:
        if self._error:
            raise self._error

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._stop.is_set() or self._error:
                continue
            try:
                started = time.perf_counter()
                verdict = look(self.judge, item.case, item.picture, item.twin)
                seconds = time.perf_counter() - started
                self._done(VerdictRow(item.role, item.idx, item.seed, item.key, verdict, seconds))
            except BaseException as error:
                self._error = error
