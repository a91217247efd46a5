"""Stopping a run early, once its gates are decided, with error rates that hold at any stopping time.

A gate on how much worse the student is than the teacher is watched case by case by two e-processes
(`evalkit.stats.sequential`): one of the scored pairs, by which it fails, and one in which every missing cell has its
least favourable value, by which it passes. The cases come in random order, so that those seen so far speak for the
rest. What the gates say is worked out from the store, so a resumed run says the same.

A run that had to ask every case has two answers: the e-process, and the interval of a run of fixed length. It takes the
better one, each at its share of the error rate (`EARLY_SHARE`), so that watching costs little power where nothing could
be stopped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from evalkit.api.errors import ConfigError
from evalkit.api.records import Dimension, Role, Status
from evalkit.api.results import CellCounts, Interval
from evalkit.config.model import Gate
from evalkit.engine.plan import Plan
from evalkit.stats.sequential import EARLY_SHARE, Monitor, early_p_value, final_p_value
from evalkit.store.run_reader import RunReader
from evalkit.verdict.evidence import Cell, Evidence, Pair, bounds_of_drops, of_drops
from evalkit.verdict.gates import Ruling, describe, lack_of

MIN_CASES = 20
"""Nothing is decided on fewer cases than this."""


class EarlyStop:
    """Watches the gates of a plan.

    Args:
        plan: the run.
        flaky: ids of cases that the gates leave out.

    Raises:
        ConfigError: a gate that can't be watched (no `max_drop` against the teacher, or an unbounded dimension).
    """

    def __init__(self, plan: Plan, flaky: frozenset[str] = frozenset()) -> None:
        if not plan.config.gates:
            raise ConfigError("there is no gate to decide", where="stop_early", hint="add gates, or leave it out")
        self._watches = [
            _Watch(gate, plan.dimensions()[gate.dimension][1], flaky, plan.config.min_coverage)
            for gate in map(_watchable, plan.config.gates)
        ]
        self._seeds = len(plan.seeds)

    def decided(self, store: RunReader) -> bool:
        """Whether every gate is decided by what the store holds now.

        A failure counts as decided if it would stand were it the only one among all gates (Bonferroni).
        """
        for watch in self._watches:
            watch.advance(store, self._seeds)
        return all(watch.decided(len(self._watches)) for watch in self._watches)

    def combine(self, rulings: Sequence[Ruling], store: RunReader) -> list[Ruling]:
        """The rulings of a run of fixed length, with what the watching says put in, or in their place.

        The intervals of a fixed length hold only if the run had that length, that is if every case was asked.
        """
        self.decided(store)
        finished = store.n_samples(Role.STUDENT) >= store.n_cases() * self._seeds
        return [watch.combined(ruling, finished) for watch, ruling in zip(self._watches, rulings, strict=True)]


class _Watch:
    """One gate: its two e-processes, and how far into the suite they have looked."""

    def __init__(self, gate: Gate, dimension: Dimension, flaky: frozenset[str], min_coverage: float) -> None:
        low, high = bounds_of_drops(dimension)
        if low is None or high is None or gate.max_drop is None:
            raise ConfigError(f"`{dimension.name}` has no bounds, so it can't be watched", where="stop_early")
        self.gate = gate
        self._dimension = dimension
        self._flaky = flaky
        self._min_coverage = min_coverage
        self._counts = CellCounts(0, 0)
        self._alpha = (1 - gate.confidence) / 2
        self._failing = Monitor(gate.max_drop, low, high, alpha=self._alpha)
        self._passing = Monitor(gate.max_drop, low, high, alpha=self._alpha)
        self._values: list[float] = []
        self._next = 0

    def advance(self, store: RunReader, seeds: int) -> None:
        """Take in the cases that are complete, in the suite's (random) order."""
        for idx, evidence in _by_case(store, self._dimension, self._flaky, self._next, seeds):
            self._next = idx + 1
            self._counts = _sum(self._counts, evidence.counts)
            for value in evidence.scored:
                self._values.append(float(value))
                self._failing.update(float(value))
            for value in evidence.imputed if evidence.imputed is not None else ():
                self._passing.update(float(value))

    def decided(self, gates: int) -> bool:
        """Whether the answer is known; never on cells that would not suffice, since later ones may make up for them."""
        if len(self._values) < MIN_CASES or lack_of(self.gate, self._counts, self._min_coverage, paired=True):
            return False
        fails, passes = early_p_value(self._failing.p_above), early_p_value(self._passing.p_below)
        return fails * gates <= self._alpha or passes <= self._alpha

    def combined(self, ruling: Ruling, finished: bool) -> Ruling:
        n = len(self._values)
        enough = n >= MIN_CASES
        fails = self._failing.p_above if enough else 1.0
        passes = self._passing.p_below if enough else 1.0
        if finished:
            return dataclasses.replace(
                ruling,
                p_value=final_p_value(fails, ruling.p_value),
                p_pass=final_p_value(passes, ruling.p_pass),
                watched=True,
                detail=f"every case was asked; watched by an e-process over {n} cases, "
                f"which takes {EARLY_SHARE:.0%} of the error rate",
            )
        mean = float(np.mean(self._values)) if n else None
        return dataclasses.replace(
            ruling,
            interval=None if mean is None else Interval(mean, None, None, n, self.gate.confidence),
            imputed=None,
            p_value=early_p_value(fails),
            p_pass=early_p_value(passes),
            watched=True,
            needed=None,
            detail=f"watched by an e-process over {n} cases",
        )


def _watchable(gate: Gate) -> Gate:
    if gate.max_drop is None or gate.against != "teacher" or gate.where is not None:
        raise ConfigError(
            f"`{describe(gate)}` can't be watched",
            where="stop_early",
            hint="only `max_drop` against the teacher, over all cases, can",
        )
    return gate


def _sum(one: CellCounts, other: CellCounts) -> CellCounts:
    """The counts of both; the reason is not kept."""
    numbers = ("student", "student_scored", "reference", "reference_scored", "failed", "reference_failed")
    return CellCounts(**{name: getattr(one, name) + getattr(other, name) for name in numbers})


def _by_case(
    store: RunReader, dimension: Dimension, flaky: frozenset[str], start: int, seeds: int
) -> Iterator[tuple[int, Evidence]]:
    """(index of the case, its evidence) of complete cases from `start` on, up to the first gap."""
    expected = start
    for idx, cells in groupby(store.cells(dimension.name, start), key=itemgetter(0)):
        rows = list(cells)
        if idx != expected or len(rows) < 2 * seeds:
            return
        expected += 1
        case = rows[0][1]
        if case in flaky:
            continue
        known = {(seed, role): Cell(status, value) for _, _, seed, role, status, value in rows}
        missing = Cell(Status.SKIPPED)
        pairs = [
            Pair(case, known.get((seed, Role.STUDENT), missing), known.get((seed, Role.TEACHER), missing))
            for seed in range(seeds)
        ]
        yield idx, of_drops(pairs, dimension)
