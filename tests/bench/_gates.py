"""Measures the gates by simulation: missing cells, several gates, stopping early, and the number of cases promised.

Called by `python -m tests.bench statistics`. All of it goes through the functions that decide a run's gates, on cells
made here. A share of 2.5 % over 200 runs has a standard error of 1.1 points, over 1,000 runs of 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Dimension, Status
from evalkit.api.results import GateStatus
from evalkit.config.model import Gate
from evalkit.engine.early_stop import MIN_CASES
from evalkit.stats.intervals import level_above
from evalkit.stats.power import cases_needed
from evalkit.stats.sequential import EARLY_SHARE, Monitor, early_p_value, final_p_value
from evalkit.verdict.evidence import Cell, Pair, bounds_of_drops, of_drops, of_values
from evalkit.verdict.gates import Ruling, lack_of, p_holds, rule_on, settle

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
ALPHA = 0.025
N = 200
RUNS = 200
DIMENSION = Dimension("d", "a share")
GONE = {"abstains": Status.UNSCORED, "crashes": Status.ERROR, "no picture": Status.SKIPPED}
CHECK_EVERY = 8


class World(NamedTuple):
    """Pictures of value 1, or 0 where they are bad, and which of the bad ones get no score.

    Args:
        how: why there is no score (`GONE`).
        share: of the bad pictures that get none.
        teacher: whether there is one; its own bad pictures get no score as often.
        not_asked: share of the cases that the dimension does not ask for.
    """

    how: str
    share: float
    teacher: bool
    not_asked: float
    bad: float = 0.1
    teachers_bad: float = 0.04

    def cells(self, rng: np.random.Generator, n: int = N) -> list[Pair]:
        ours = _cells(rng, n, self.bad, self)
        theirs = _cells(rng, n, self.teachers_bad, self) if self.teacher else [None] * n
        outside = rng.random(n) < self.not_asked
        none = Cell(Status.NOT_APPLICABLE, reason="not asked")
        return [
            Pair(f"c{i}", *((none, none if self.teacher else None) if out else (one, other)))
            for i, (one, other, out) in enumerate(zip(ours, theirs, outside, strict=True))
        ]

    def truths(self) -> tuple[float, float]:
        """The true mean, and the true drop, over the cells that are not missing on both sides."""
        both = self.bad * self.teachers_bad * self.share**2 if self.teacher else 0.0
        ours = (1 - self.bad) / (1 - both)
        theirs = (1 - self.teachers_bad) / (1 - both)
        return ours, theirs - ours


def _cells(rng: np.random.Generator, n: int, bad: float, world: World) -> list[Cell]:
    broken, gone = rng.random(n) < bad, rng.random(n) < world.share
    lost = Cell(GONE[world.how], reason=world.how)
    scored = Cell(Status.SCORED, 1.0), Cell(Status.SCORED, 0.0)
    return [lost if b and g else scored[int(b)] for b, g in zip(broken, gone, strict=True)]


def passes(gate: Gate, pairs: list[Pair]) -> bool:
    """Whether a run of these cells passes a gate; its intervals and plans, which people read, are not worked out."""
    if gate.max_drop is not None:
        evidence, (low, high) = of_drops(pairs, DIMENSION), bounds_of_drops(DIMENSION)
    else:
        evidence, low, high = of_values(pairs, DIMENSION.bad_end), DIMENSION.low, DIMENSION.high
    lack = lack_of(gate, evidence.counts, 0.95, paired=gate.max_drop is not None)
    p_pass = 1.0 if lack else p_holds(gate, evidence.imputed, low, high)
    (result,) = settle([Ruling(gate, None, None, 1.0, evidence.counts, lack, p_pass=p_pass, watched=True)])
    return result.status is GateStatus.PASS


def false_passes(world: World, runs: int = RUNS, seed: int = 0) -> dict[str, float]:
    """Share of runs that pass a gate whose bound is the truth, by gate."""
    rng = np.random.default_rng(seed)
    mean, drop = world.truths()
    gates = {"min_value": Gate(dimension="d", min_value=mean)}
    if world.teacher:
        gates["max_drop"] = Gate(dimension="d", max_drop=drop)
    passed = dict.fromkeys(gates, 0)
    for _ in range(runs):
        pairs = world.cells(rng)
        for name, gate in gates.items():
            passed[name] += passes(gate, pairs)
    return {name: n / runs for name, n in passed.items()}


def worlds() -> Iterator[World]:
    for how, share, teacher, not_asked in product(GONE, (0.0, 0.1, 0.5, 1.0), (False, True), (0.0, 0.3)):
        yield World(how, share, teacher, not_asked)


# ------------------------------------------------------------------------------------------------- several gates


def family_failures(draw: Draw, gates: int, correlation: float, runs: int = 1000, n: int = 120, seed: int = 0) -> float:
    """Share of A/A runs in which any of so many gates (`max_drop: 0`) fails.

    A share `correlation` of the cases has the same difference on every dimension.
    """
    rng = np.random.default_rng(seed)
    gate = Gate(dimension="d", max_drop=0.0)
    failed = 0
    for _ in range(runs):
        common, shared = draw(rng, n), rng.random(n) < correlation
        values = [np.where(shared, common, draw(rng, n)) for _ in range(gates)]
        rulings = [Ruling(gate, None, None, level_above(each, 0.0, low=-1, high=1)) for each in values]
        failed += any(result.status is GateStatus.FAIL for result in settle(rulings))
    return failed / runs


# ------------------------------------------------------------------------------------------------ stopping early


class Ways(NamedTuple):
    """Of runs of fixed length, and of runs that may stop early: the shares that fail and that pass.

    `early` is the share of the latter that stopped before the last case, `cases` how many they asked on average.
    """

    fails: float
    passes: float
    watched_fails: float
    watched_passes: float
    early: float
    cases: float


def both_ways(draw: Draw, n: int, bound: float, runs: int, seed: int = 0) -> Ways:
    """Runs of up to `n` cases in random order, one gate of `max_drop: bound`."""
    rng = np.random.default_rng(seed)
    totals = np.zeros(6)
    for _ in range(runs):
        values = draw(rng, n)
        fails, passes = level_above(values, bound, low=-1, high=1), level_above(-values, -bound, low=-1, high=1)
        monitor = Monitor(bound, -1, 1, alpha=EARLY_SHARE * ALPHA)
        stopped = n
        for i, value in enumerate(values, 1):
            monitor.update(float(value))
            if i % CHECK_EVERY == 0 and MIN_CASES <= i < n and (monitor.worse() or monitor.not_worse()):
                stopped = i
                break
        ours = early_p_value(monitor.p_above), early_p_value(monitor.p_below)
        if stopped == n:
            ours = final_p_value(monitor.p_above, fails), final_p_value(monitor.p_below, passes)
        totals += [*(p <= ALPHA for p in (fails, passes, *ours)), stopped < n, stopped]
    return Ways(*(float(total) for total in totals / runs))


def flips(worse: float, better: float) -> Draw:
    return lambda rng, n: rng.choice([1.0, -1.0, 0.0], n, p=[worse, better, 1 - worse - better])


def bell(mean: float, sd: float) -> Draw:
    return lambda rng, n: np.clip(rng.normal(mean, sd, n), -1, 1)


class Race(NamedTuple):
    """A true drop, to be found or excluded with so many cases."""

    name: str
    draw: Draw
    n: int
    bound: float


RACES = (
    Race("0/1, drop .04 against 0", flips(0.06, 0.02), 200, 0.0),
    Race("0/1, drop .025 against 0, none better", flips(0.025, 0.0), 200, 0.0),
    Race("0/1, drop .06 against .02, none better", flips(0.06, 0.0), 200, 0.02),
    Race("0/1, drop .065 against .02", flips(0.075, 0.01), 200, 0.02),
    Race("0/1, drop .075 against .02", flips(0.085, 0.01), 200, 0.02),
    Race("0/1, drop .088 against .02", flips(0.098, 0.01), 200, 0.02),
    Race("0/1, drop .24 against .02", flips(0.25, 0.01), 200, 0.02),
    Race("graded sd .2, drop .048 against .02", bell(0.048, 0.2), 200, 0.02),
    Race("graded sd .2, drop .06 against .02", bell(0.06, 0.2), 200, 0.02),
    Race("graded sd .2, drop .07 against .02", bell(0.07, 0.2), 200, 0.02),
    Race("graded sd .07, drop .032 against .02", bell(0.032, 0.07), 200, 0.02),
    Race("0/1, drop .035 against .02", flips(0.045, 0.01), 1000, 0.02),
    Race("0/1, drop .04 against .02", flips(0.05, 0.01), 1000, 0.02),
    Race("0/1, drop .05 against .02", flips(0.06, 0.01), 1000, 0.02),
    Race("graded sd .2, drop .0325 against .02", bell(0.0325, 0.2), 1000, 0.02),
    Race("graded sd .2, drop .038 against .02", bell(0.038, 0.2), 1000, 0.02),
    Race("graded sd .2, drop .042 against .02", bell(0.042, 0.2), 1000, 0.02),
    Race("graded sd .1, no drop against .05", bell(0.0, 0.1), 200, 0.05),
    Race("0/1, no drop against .05", flips(0.02, 0.02), 1000, 0.05),
    Race("0/1, no drop against .02", flips(0.005, 0.005), 1000, 0.02),
    Race("0/1, at the bound", flips(0.03, 0.01), 200, 0.02),
    Race("graded sd .2, at the bound", bell(0.02, 0.2), 1000, 0.02),
)


# ------------------------------------------------------------------------------------------------ cases promised


class Promised(NamedTuple):
    """Of runs with too few cases: the share that is given a range, and the share of the ranges that holds the truth."""

    undecided: float
    given: float
    right: float


def promised(drop: float, sd: float, n: int, runs: int = 100, seed: int = 0) -> Promised:
    """Runs of `n` cases, gate `max_drop: 0`, the true drop (below 0: the student is better) being this."""
    rng = np.random.default_rng(seed)
    gate = Gate(dimension="d", max_drop=0.0)
    needed = cases_needed(sd, abs(drop)) or 0
    undecided = given = right = 0
    for _ in range(runs):
        values = np.clip(rng.normal(drop, sd, n), -1, 1)
        pairs = [Pair(f"c{i}", Cell(Status.SCORED, 0.0), Cell(Status.SCORED, float(v))) for i, v in enumerate(values)]
        evidence = of_drops(pairs, DIMENSION)
        (result,) = settle([rule_on(gate, evidence, low=-1, high=1, min_coverage=0.95, paired=True)])
        if result.status is not GateStatus.UNDECIDED:
            continue
        undecided += 1
        if result.n_needed and result.n_needed_most:
            given += 1
            right += result.n_needed <= needed <= result.n_needed_most
    return Promised(undecided / runs, given / max(undecided, 1), right / max(given, 1))


# -------------------------------------------------------------------------------------------------------- tables


def show_missing() -> None:
    print(f"missing cells: {RUNS} runs of {N} cases, the truth at the bound: share that passes (at most 2.5 %)")
    for world in worlds():
        found = false_passes(world)
        said = "  ".join(f"{name} {share:5.1%}{_mark(share)}" for name, share in found.items())
        teacher = "with teacher" if world.teacher else "no teacher"
        where = f"{world.how:10s} {world.share:4.0%} of the bad, {teacher:12s}, {world.not_asked:3.0%} not asked"
        print(f"  {where}  {said}", flush=True)


def show_families() -> None:
    print("several gates of A/A data, 120 cases, 1,000 runs: share in which any gate fails (at most 2.5 %)")
    for name, draw in (("bell", bell(0, 0.1)), ("95 % zeros, ±1", flips(0.025, 0.025))):
        for correlation in (0.0, 0.5):
            shares = ", ".join(f"{n}: {family_failures(draw, n, correlation):.1%}" for n in (1, 3, 8, 20))
            print(f"  {name:16s} {correlation:.0%} of the cases shared  {shares}", flush=True)


def show_races() -> None:
    print("stopping early against a fixed number of cases, 500 runs: fail fixed / watched, ratio; pass the same;")
    print("  share that stopped early, cases asked on average")
    for race in RACES:
        ways = both_ways(race.draw, race.n, race.bound, 500)
        fails = f"{ways.fails:6.1%} / {ways.watched_fails:6.1%} {_ratio(ways.watched_fails, ways.fails)}"
        passed = f"{ways.passes:6.1%} / {ways.watched_passes:6.1%} {_ratio(ways.watched_passes, ways.passes)}"
        stopped = f"{ways.early:.0%} early, {ways.cases:.0f} cases"
        print(f"  {race.name:40s} n {race.n:4d}  {fails}; {passed}; {stopped}", flush=True)


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other > 0.1 else "  - "


def show_promises() -> None:
    print("cases promised, 100 runs each of 100 cases, sd .1: runs without an answer; of these with a range; right")
    for drop in (0.005, 0.01, 0.015, 0.02, -0.01, -0.02):
        of = promised(drop, 0.1, 100)
        print(f"  true drop {drop:6.3f}  {of.undecided:.0%}  {of.given:.0%}  {of.right:.0%}", flush=True)


def main() -> None:
    for show in (show_families, show_races, show_promises, show_missing):
        show()


def _mark(share: float) -> str:
    """Whether a share of 200 runs is too high for 2.5 %: above it by more than two standard errors."""
    return " <- too high" if share > 0.025 + 2 * (0.025 * 0.975 / RUNS) ** 0.5 else ""


if __name__ == "__main__":
    main()
