"""Stopping a run early, once its gates are decided, with error rates that hold at any stopping time.

A gate on how much worse the student is than the teacher is watched case by case by an e-process
(`evalkit.stats.sequential`). The cases come in random order, so that those seen so far speak for the rest. What the
gates say is worked out from the store, so a resumed run says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np

from evalkit.api.errors import ConfigError
from evalkit.api.records import Dimension, Role
from evalkit.api.results import GateResult, GateStatus, Interval
from evalkit.config.model import Gate
from evalkit.engine.plan import Plan
from evalkit.stats.sequential import Monitor
from evalkit.store.run_reader import RunReader
from evalkit.verdict.compare import difference_bounds
from evalkit.verdict.gates import describe

MIN_CASES = 20
"""Nothing is decided on fewer cases than this."""


class EarlyStop:
    """Watches the gates of a plan.

    Raises:
        ConfigError: a gate that can't be watched (no `max_drop` against the teacher, or an unbounded dimension).
    """

    def __init__(self, plan: Plan) -> None:
        if not plan.config.gates:
            raise ConfigError("there is no gate to decide", where="stop_early", hint="add gates, or leave it out")
        self._watches = [
            _Watch(gate, plan.dimensions()[gate.dimension][1]) for gate in map(_watchable, plan.config.gates)
        ]
        self._seeds = len(plan.seeds)

    def decided(self, store: RunReader) -> bool:
        """Whether every gate is decided by what the store holds now."""
        for watch in self._watches:
            watch.advance(store, self._seeds)
        return all(watch.status is not GateStatus.LOW_POWER for watch in self._watches)

    def results(self, store: RunReader) -> tuple[GateResult, ...]:
        """What every gate says of what the store holds."""
        self.decided(store)
        return tuple(watch.result() for watch in self._watches)


class _Watch:
    """One gate: its monitor, and how far into the suite it has looked."""

    def __init__(self, gate: Gate, dimension: Dimension) -> None:
        low, high = difference_bounds(dimension)
        if low is None or high is None or gate.max_drop is None:
            raise ConfigError(f"`{dimension.name}` has no bounds, so it can't be watched", where="stop_early")
        self.gate = gate
        self.dimension = dimension
        self.monitor = Monitor(gate.max_drop, low, high, alpha=(1 - gate.confidence) / 2)
        self.status = GateStatus.LOW_POWER
        self._values: list[float] = []
        self._next = 0

    def advance(self, store: RunReader, seeds: int) -> None:
        """Take in the cases that are complete, in the suite's (random) order, until the gate is decided."""
        for idx, worse in _worse_by_case(store, self.dimension, self._next, seeds):
            self._next = idx + 1
            if worse is None or self.status is not GateStatus.LOW_POWER:
                continue
            self._values.append(worse)
            self.monitor.update(worse)
            if len(self._values) >= MIN_CASES:
                self.status = (
                    GateStatus.FAIL
                    if self.monitor.worse()
                    else GateStatus.PASS
                    if self.monitor.not_worse()
                    else GateStatus.LOW_POWER
                )

    def result(self) -> GateResult:
        n = len(self._values)
        mean = float(np.mean(self._values)) if n else None
        interval = None if mean is None else Interval(mean, None, None, n, self.gate.confidence)
        said = "decided" if self.status is not GateStatus.LOW_POWER else "not decided"
        detail = (
            f"{said} by an e-process after {n} cases, worse by {mean:.4g} on average" if n else "nothing was scored"
        )
        return GateResult(describe(self.gate), self.status, detail, self.gate.subject, interval)


def _watchable(gate: Gate) -> Gate:
    if gate.max_drop is None or gate.against != "teacher":
        raise ConfigError(
            f"`{describe(gate)}` can't be watched", where="stop_early", hint="only `max_drop` against the teacher can"
        )
    return gate


def _worse_by_case(
    store: RunReader, dimension: Dimension, start: int, seeds: int
) -> Iterator[tuple[int, float | None]]:
    """(index of the case, how much worse the student is) of complete cases from `start` on, up to the first gap.

    `None` for a case that one of the two did not score at any seed.
    """
    sign = -1.0 if dimension.higher_is_better else 1.0
    expected = start
    for idx, cells in groupby(store.cells(dimension.name, start), key=itemgetter(0)):
        rows = list(cells)
        if idx != expected or len(rows) < 2 * seeds:
            return
        expected += 1
        values = {(seed, role): value for _, seed, role, value in rows}
        pairs = [(values.get((seed, Role.STUDENT)), values.get((seed, Role.TEACHER))) for seed in range(seeds)]
        differences = [
            sign * (student - teacher) for student, teacher in pairs if student is not None and teacher is not None
        ]
        yield idx, float(np.mean(differences)) if differences else None
