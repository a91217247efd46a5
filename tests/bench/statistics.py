"""Measures coverage, A/A failures and power of the statistics by simulation, then the gates that rest on them.

    python -m tests.bench statistics

Binomial noise of a share over 2,000 draws is 0.5 points (one standard error) at 95 %, 0.9 at 80 %.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.clusters import effective_sd
from evalkit.stats.intervals import level_above, mean_interval
from evalkit.stats.power import binary_cases_needed, cases_needed
from evalkit.stats.sequential import Monitor
from tests.bench import _gaps, _gates

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
DRAWS = 2000
ALPHA = 0.025
"""One-sided level of a gate of 95 % confidence."""


class Population(NamedTuple):
    """Where cases come from: `draw(rng, n)` gives n of them, of mean `mean`, in [low, high]."""

    name: str
    draw: Draw
    mean: float
    low: float | None
    high: float | None
    sizes: tuple[int, ...] = (50, 100, 500)


def binary(rate: float) -> Population:
    return Population(f"0/1, p = {rate}", lambda rng, n: (rng.random(n) < rate).astype(float), rate, 0, 1)


def mostly_zero(
    name: str, draw: Draw, mean: float, low: float | None = -1, high: float | None = 1, share: float = 0.05
) -> Population:
    """All but `share` of the cases are exactly 0."""

    def values(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        return np.where(rng.random(n) < share, draw(rng, n), 0.0)

    return Population(f"{1 - share:.0%} zeros, {name}", values, share * mean, low, high)


POPULATIONS = (
    Population("bell", lambda rng, n: rng.normal(0, 0.1, n), 0, -1, 1, (30, 100, 500)),
    Population("bell, unbounded", lambda rng, n: rng.normal(0, 1, n), 0, None, None, (30, 100, 500)),
    Population("exponential", lambda rng, n: rng.exponential(1, n), 1, 0, None),
    Population("exponential, unbounded", lambda rng, n: rng.exponential(1, n), 1, None, None),
    Population("lognormal, sigma = 0.5", lambda rng, n: rng.lognormal(0, 0.5, n), math.exp(0.125), None, None),
    Population("lognormal, sigma = 1", lambda rng, n: rng.lognormal(0, 1, n), math.exp(0.5), 0, None),
    *(binary(rate) for rate in (0.5, 0.8, 0.9, 0.95)),
    Population("1 to 5", lambda rng, n: rng.choice(5, n, p=[0.02, 0.05, 0.1, 0.33, 0.5]) + 1.0, 4.24, 1, 5),
    Population("3 seeds of 0/1", lambda rng, n: rng.binomial(3, rng.beta(4.5, 0.5, n)) / 3, 0.9, 0, 1),
    mostly_zero("±1", lambda rng, n: rng.choice([-1.0, 1.0], n), 0),
    mostly_zero("all -1", lambda rng, n: np.full(n, -1.0), -1),
    mostly_zero("±U(0, 1)", lambda rng, n: rng.uniform(-1, 1, n), 0),
    mostly_zero("2 of 3 worse", lambda rng, n: rng.uniform(0, 1, n) * rng.choice([-1.0, -1.0, 1.0], n), -1 / 6),
    mostly_zero("all -U(0, 1)", lambda rng, n: -rng.uniform(0, 1, n), -0.5),
    mostly_zero("Laplace, unbounded", lambda rng, n: rng.laplace(0, 1, n), 0, None, None),
    mostly_zero("all -Exp, unbounded", lambda rng, n: -rng.exponential(1, n), -1, None, None),
)


def outliers(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.normal(1, 0.1, n) + 9 * (rng.random(n) < 0.1)


def lognormal(sigma: float) -> Population:
    return Population(
        f"lognormal, sigma = {sigma}",
        lambda rng, n: rng.lognormal(0, sigma, n),
        math.exp(sigma**2 / 2),
        0,
        None,
        (20, 30, 50, 100, 200),
    )


OPEN_TAILS = (
    lognormal(0.5),
    lognormal(1),
    lognormal(1.5),
    Population("exponential", lambda rng, n: rng.exponential(1, n), 1, 0, None, (20, 30, 50, 100, 200)),
    Population("1 of 10 is ten times as large", outliers, 1.9, 0, None, (20, 30, 50, 100, 200)),
)
"""Times, say: without a limit, and with a long tail."""


def false_passes(population: Population, n: int, draws: int, seed: int = 0) -> float:
    """Share of runs that pass a gate of `max_value` whose bound is the true mean."""
    rng = np.random.default_rng(seed)
    samples = (population.draw(rng, n) for _ in range(draws))
    high = None if population.low is None else -population.low
    return sum(level_above(-values, -population.mean, high=high) <= ALPHA for values in samples) / draws


class Misses(NamedTuple):
    """Shares of intervals wholly above and wholly below the truth, and the mean width of those with two bounds."""

    above: float
    below: float
    width: float

    @property
    def coverage(self) -> float:
        return 1 - self.above - self.below


def misses(population: Population, n: int, draws: int, seed: int = 0) -> Misses:
    rng = np.random.default_rng(seed)
    found = [mean_interval(population.draw(rng, n), low=population.low, high=population.high) for _ in range(draws)]
    above = sum(x is not None and x.low is not None and x.low > population.mean for x in found)
    below = sum(x is not None and x.high is not None and x.high < population.mean for x in found)
    widths = [x.high - x.low for x in found if x and x.low is not None and x.high is not None]
    return Misses(above / draws, below / draws, float(np.mean(widths)))


def failures(draw: Draw, n: int, max_drop: float, draws: int, *, bounded: bool = True, seed: int = 0) -> float:
    """Share of runs of `n` cases, drawn as "worse by", that a gate fails."""
    low, high = (-1.0, 1.0) if bounded else (None, None)
    rng = np.random.default_rng(seed)
    return sum(level_above(draw(rng, n), max_drop, low=low, high=high) <= ALPHA for _ in range(draws)) / draws


class Promise(NamedTuple):
    """A suite planned for a power of 80 %."""

    name: str
    n: int
    draw: Draw
    max_drop: float = 0.0


def promises() -> Iterator[Promise]:
    for sd, effect, bound in ((0.1, 0.02, 0.0), (0.1, 0.05, 0.02)):
        n = cases_needed(sd, effect) or 0
        drop = bound + effect
        yield Promise(
            f"bell, sd {sd}, {effect} beyond {bound}", n, lambda rng, n, m=drop, s=sd: rng.normal(m, s, n), bound
        )
    for worse, better in ((0.1, 0.03), (0.05, 0.0), (0.3, 0.15)):
        n = binary_cases_needed(worse, better) or 0
        shares = [worse, better, 1 - worse - better]
        yield Promise(
            f"0/1, {worse} worse, {better} better", n, lambda rng, n, p=shares: rng.choice([1.0, -1, 0], n, p=p)
        )
    n = cases_needed(effective_sd(0.1, 4, 0.3), 0.02) or 0
    yield Promise("4 seeds, sd 0.1 correlated by 0.3, drop 0.02", n, four_seeds)
    for better, share, size in ((0.2, 0.05, uniform), (0.2, 0.05, small), (0.0, 0.05, uniform), (0.0, 0.03, small)):
        mean = share * (1 - 2 * better) * size.mean
        n = cases_needed(math.sqrt(share * size.square - mean**2), mean) or 0
        name = f"{1 - share:.0%} zeros, {1 - better:.0%} of the rest worse by {size.name}"
        yield Promise(name, n, mostly_zero("", signed(size.draw, better), 0, share=share).draw)


class Size(NamedTuple):
    """Sizes of differences, with their mean and mean square."""

    name: str
    draw: Draw
    mean: float
    square: float


uniform = Size("U(0, 1)", lambda rng, n: rng.uniform(0, 1, n), 1 / 2, 1 / 3)
small = Size("Beta(1, 5)", lambda rng, n: rng.beta(1, 5, n), 1 / 6, 1 / 21)


def signed(size: Draw, better: float) -> Draw:
    return lambda rng, n: size(rng, n) * np.where(rng.random(n) < better, -1.0, 1.0)


def four_seeds(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    shared = rng.normal(0.02, 0.1 * math.sqrt(0.3), (n, 1))
    means: NDArray[np.float64] = (shared + rng.normal(0, 0.1 * math.sqrt(0.7), (n, 4))).mean(axis=1)
    return means


def wrong_stops(draw: Draw, bound: float, draws: int, most: int = 1000) -> tuple[float, float]:
    """Shares of watched runs that ever say worse, and ever say not worse, where the mean is the bound itself."""
    rng = np.random.default_rng(0)
    worse = not_worse = 0
    for _ in range(draws):
        monitor = Monitor(bound, -1, 1, alpha=0.05)
        for value in draw(rng, most):
            monitor.update(float(value))
        worse, not_worse = worse + monitor.worse(), not_worse + monitor.not_worse()
    return worse / draws, not_worse / draws


def main() -> None:
    started = time.monotonic()
    print(f"coverage of the 95 % interval, {DRAWS:,} samples each (wholly above / wholly below the truth; mean width)")
    for population in POPULATIONS:
        for n in population.sizes:
            found = misses(population, n, DRAWS)
            mark = "" if abs(found.coverage - 0.95) <= 0.015 else " narrow" if found.coverage < 0.95 else " wide"
            print(
                f"  {population.name:34s} n {n:4d}  {found.coverage:6.1%}"
                f"  ({found.above:.1%} / {found.below:.1%}; {found.width:.3g}){mark}",
                flush=True,
            )
    print(f"long tails without a limit, {2 * DRAWS:,} runs, `max_value` at the true mean: share that passes, by cases")
    for population in OPEN_TAILS:
        shares = (f"{n}: {false_passes(population, n, 2 * DRAWS):.1%}" for n in population.sizes)
        print(f"  {population.name:34s} {', '.join(shares)}", flush=True)
    print(f"A/A: {DRAWS:,} runs of 120 cases, gate `max_drop: 0` at alpha 0.05: share that fails")
    for population in POPULATIONS:
        if population.mean == 0:
            share = failures(population.draw, 120, 0.0, DRAWS, bounded=population.low is not None)
            print(f"  {population.name:34s} {share:.1%}", flush=True)
    print(f"power promised 80 %, {DRAWS:,} runs each through the gate")
    for promise in promises():
        share = failures(promise.draw, promise.n, promise.max_drop, DRAWS)
        print(f"  {promise.name:52s} n {promise.n:4d}  {share:.1%}", flush=True)
    print(
        "watched case by case up to 1,000 at alpha 0.05, the mean at the bound, 200 runs: ever worse / ever not worse"
    )
    for population in POPULATIONS:
        if population.mean == 0 and population.low is not None:
            clipped: Draw = lambda rng, n, p=population: np.clip(p.draw(rng, n), -1, 1)  # noqa: E731
            worse, not_worse = wrong_stops(clipped, 0.0, 200)
            print(f"  {population.name:34s} {worse:.1%} / {not_worse:.1%}", flush=True)
    for n in (1_000, 10_000):
        values = np.random.default_rng(0).normal(size=n)
        began = time.perf_counter()
        mean_interval(values)
        print(f"one interval over {n:,} cases: {1000 * (time.perf_counter() - began):.0f} ms")
    _gates.main()
    _gaps.main()
    print(f"{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
