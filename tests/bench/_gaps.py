"""Measures gates where cells are missing at random, beside the most that any valid gate could pass there.

Called by `python -m tests.bench statistics`.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from evalkit.api.records import Status
from evalkit.config.model import Gate
from evalkit.stats.intervals import mean_interval
from evalkit.verdict.evidence import Cell, Pair
from tests.bench._gates import ALPHA, N, passes

MARGIN = 0.05
"""How far the true mean lies from the bound."""
MISSING = 0.02
MOST_MISSING = 60


def graded(rng: np.random.Generator, n: int, mean: float, sd: float) -> NDArray[np.float64]:
    """Values in [0, 1] of this mean and standard deviation (a Beta distribution)."""
    size = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * size, (1 - mean) * size, n)


def twins(rng: np.random.Generator, n: int, mean: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of the student and the teacher in [0, 1] of the same mean, which differ with a deviation of .07."""
    shared = graded(rng, n, mean, 0.1)
    ours, theirs = (np.clip(shared + rng.normal(0, 0.05, n), 0, 1) for _ in range(2))
    return ours, theirs


class Spread(NamedTuple):
    """The true mean of either side of `twins` (their values are clipped), and the deviations of values and of drops."""

    mean: float
    values: float
    drops: float


def spread_of_twins(quality: float) -> Spread:
    ours, theirs = twins(np.random.default_rng(1), 200_000, quality)
    return Spread(float(ours.mean()), float(ours.std()), float((theirs - ours).std()))


def passes_with_random_gaps(rule: str, missing: float, quality: float, runs: int = 1000, seed: int = 0) -> float:
    """Share of runs of 200 cases that pass with a true margin of `MARGIN`, this share of cells missing at random."""
    rng = np.random.default_rng(seed)
    mean = spread_of_twins(quality).mean
    gate = Gate(dimension="d", min_value=mean - MARGIN) if rule == "min_value" else Gate(dimension="d", max_drop=MARGIN)
    lost = Cell(Status.UNSCORED, reason="at random")
    passed = 0
    for _ in range(runs):
        sides = [
            [
                lost if gone else Cell(Status.SCORED, float(v))
                for v, gone in zip(side, rng.random(N) < missing, strict=True)
            ]
            for side in twins(rng, N, quality)
        ]
        pairs = [Pair(f"c{i}", one, other) for i, (one, other) in enumerate(zip(*sides, strict=True))]
        passed += passes(gate, pairs)
    return passed / runs


def most_power(rule: str, quality: float) -> float:
    """The largest share of runs that any valid gate can pass where 2 % of the cells are missing at random.

    The gate must not pass more than 2.5 % of the runs of any world in which the bound is the truth. In such a world the
    scored values may lie a little lower and more cells may be missing than here, each because its value is the worst
    (for `max_drop` also: the best of the teacher). By the lemma of Neyman & Pearson (1933) a gate passes this world at
    most as often as the likelihood ratio test against that one; the smallest such share over a grid of worlds is given.
    Scored values are taken as normal, of known deviation.
    """
    spread, drop = spread_of_twins(quality), rule == "max_drop"
    sd = spread.drops if drop else spread.values
    best = 1.0
    for theirs, shift in product(np.linspace(MISSING, 0.06, 9) if drop else (0.0,), np.linspace(0.0005, 0.03, 25)):
        if drop:
            ours = (MARGIN - theirs * (1 - spread.mean) - (1 - theirs) * shift) / (spread.mean - shift)
        else:
            ours = 1 - (spread.mean - MARGIN) / (spread.mean - shift)
        if ours >= MISSING:
            best = min(best, _power_against(ours, theirs, shift / sd))
    return best


def _power_against(ours: float, theirs: float, shift: float) -> float:
    """Power of the best test, at `ALPHA`, of the worlds here against one with these shares missing on the two sides.

    `shift` is how much lower the scored values lie there, in standard deviations.
    """
    counts = np.arange(MOST_MISSING)
    here, there = np.ones(1), np.ones(1)
    for share in (ours, theirs) if theirs else (ours,):
        here = np.outer(here, stats.binom.pmf(counts, N, MISSING)).ravel()
        there = np.outer(there, stats.binom.pmf(counts, N, share)).ravel()
    missing = np.add.outer(counts, counts).ravel() if theirs else counts
    evidence = np.log(here) - np.log(there)
    moved = np.sqrt(N - missing) * shift

    def passed(least: float, world: NDArray[np.float64], mean: NDArray[np.float64] | float) -> float:
        return float(world @ stats.norm.sf((least - evidence + moved**2 / 2) / moved - mean))

    least = optimize.brentq(lambda bound: passed(bound, there, 0.0) - ALPHA, -60, 60)
    return passed(least, here, moved)


def false_passes_by_count(share: float, bad: float = 0.1, runs: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Share of runs that pass wrongly by a rule that takes the number of missing cells as known, and by the gate's.

    The rule: the interval of the scored cells, times their share, plus the missing ones at 0. Values are 1, or 0 in a
    share `bad` of the cells, of which this share is missing; the bound is the true mean.
    """
    rng = np.random.default_rng(seed)
    by_count = by_gate = 0
    for _ in range(runs):
        broken = rng.random(N) < bad
        gone = broken & (rng.random(N) < share)
        by_count += (1 - gone.mean()) * _least(~broken[~gone]) >= 1 - bad
        by_gate += _least(~broken) >= 1 - bad
    return by_count / runs, by_gate / runs


def _least(good: NDArray[np.bool_]) -> float:
    """The lower bound of the interval of a share."""
    found = mean_interval(good.astype(float), low=0, high=1)
    return found.low if found and found.low is not None else 0.0


def main() -> None:
    print(f"missing at random: 1,000 runs of {N} cases with a true margin of {MARGIN}: share that passes without gaps;")
    print(f"  with {MISSING:.0%} of the cells missing (aim: 80 %); the most that any valid gate could pass with them")
    for quality, rule in product((0.9, 0.8, 0.7, 0.6), ("min_value", "max_drop")):
        whole, gaps = (passes_with_random_gaps(rule, missing, quality) for missing in (0.0, MISSING))
        print(f"  mean {quality}, {rule}: {whole:.1%}; {gaps:.1%}; {most_power(rule, quality):.1%}", flush=True)
    print(
        "missing at the truth: 2,000 runs, 10 % of the cells bad, the bound the truth: share that passes (2.5 %) by a"
    )
    print("  rule that takes the number of missing cells as known, and by the gate's")
    for share in (0.0, 0.1, 0.5, 1.0):
        by_count, by_gate = false_passes_by_count(share)
        print(f"  {share:.0%} of the bad ones missing: {by_count:.1%}; {by_gate:.1%}", flush=True)
