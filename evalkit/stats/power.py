"""Power analysis: how many cases detect a drop, and how small a drop a number of cases detects.

A drop is detected if the gate fails: the lower bound of the interval of "worse by" (`evalkit.stats.intervals`) lies
above the gate's bound. `effect` is how far the true drop lies beyond that bound (for `max_drop: 0`, the drop itself).
By symmetry the same figures hold for the other answer: the gate passes as often if the drop lies `effect` below its
bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

MOST_CASES = 10_000_000


def graded_power(n: int, sd: float, effect: float, alpha: float = 0.05) -> float:
    """Probability that a gate detects a drop that lies `effect` beyond its bound.

    This is the noncentral t of a paired t-test (Cohen 1988, ch. 2), at the critical value of evalkit's own interval.
    That interval is a little wider, because one imagined case, as far out as n normal values reach, adds to the
    variance.

    Args:
        n: cases, at least 2.
        sd: standard deviation of the paired differences of cases, above 0 (`clusters.effective_sd` for several seeds).
        effect: true drop less the gate's bound, in units of the score.
        alpha: 1 - confidence of the interval (two-sided).

    Returns:
        A probability. It depends on `sd` alone. Where 80 % was promised the gate failed 78 to 82 % of 2,000 runs of
        bell-shaped differences (1 and 4 seeds, n = 36 to 206) and 79 to 80 % of runs in which 95 % of the differences
        are 0 and the rest lie on both sides; 83 and 73 % if all of the rest are worse and only 10 to 14 such cases are
        to be expected (`python -m tests.bench statistics`).

    Raises:
        ValueError: fewer than 2 cases, or `sd` or `alpha` out of range.
    """
    from scipy import stats

    if n < 2 or not (sd > 0 and math.isfinite(sd)) or not 0 < alpha < 1:
        raise ValueError(f"the power is not defined for n = {n}, sd = {sd}, alpha = {alpha}")
    far = stats.norm.isf(0.5 * (1 - 0.5 ** (1 / n)))
    widened = n * ((n - 1) + 2 * far**2) / ((n + 1) * (n + 2))
    critical = stats.norm.isf(alpha / 2) * math.sqrt(widened)
    return float(stats.nct.sf(critical, n - 1, effect * math.sqrt(n) / sd))


def detectable(n: int, sd: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest effect that `n` cases detect with this power, in units of the score.

    The arguments are those of `graded_power`.
    """
    from scipy import optimize

    _check(sd, alpha, power)
    step = sd / math.sqrt(n)
    highest = step
    while graded_power(n, sd, highest, alpha) < power:
        highest *= 2
    return float(optimize.brentq(lambda d: graded_power(n, sd, d, alpha) - power, 0.0, highest))


def cases_needed(sd: float, effect: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """The smallest number of cases that detects `effect` with this power; `None` if above `MOST_CASES`.

    Raises:
        ValueError: the effect is not above 0; and as `graded_power`.
    """
    _check(effect, alpha, power)
    return _smallest(lambda n: graded_power(n, sd, effect, alpha) >= power)


def binary_power(n: int, worse: float, better: float, alpha: float = 0.05) -> float:
    """Probability that a gate of `max_drop: 0` detects more cases lost than won, for paired scores of 0 and 1.

    All numbers of discordant pairs and all their splits are enumerated (Miettinen 1968). A drop is detected from the
    split on at which evalkit's interval excludes 0, which is that of the mid-P McNemar test. There is no normal
    approximation, at any `n`.

    Args:
        n: cases.
        worse: share of cases that only the reference passes.
        better: share of cases that only the student passes.
        alpha: 1 - confidence of the interval (two-sided).

    Returns:
        A probability.

    Raises:
        ValueError: a share is out of range, or there is no case.
    """
    from scipy import stats

    discordant = worse + better
    if n < 1 or min(worse, better) < 0 or not 0 < discordant <= 1 or not 0 < alpha < 1:
        raise ValueError(f"the power is not defined for n = {n}, worse = {worse}, better = {better}, alpha = {alpha}")
    first, last = stats.binom.ppf([1e-9, 1 - 1e-9], n, discordant).astype(int)
    pairs = np.arange(max(first, 1), last + 1)
    needed = stats.binom.isf(alpha / 2, pairs, 0.5)
    for _ in range(2):  # from "more than `needed` is rare" to the smallest split whose mid-P is rare
        mid_p = stats.binom.sf(needed, pairs, 0.5) + 0.5 * stats.binom.pmf(needed, pairs, 0.5)
        needed = needed + (mid_p >= alpha / 2)
    seen = stats.binom.sf(needed - 1, pairs, worse / discordant)
    return float(np.sum(stats.binom.pmf(pairs, n, discordant) * seen))


def binary_detectable(n: int, discordant: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest drop of a pass rate that `n` cases detect with this power; `None` if they detect none.

    Args:
        n: cases.
        discordant: share of cases that exactly one of the two passes; the drop is at most this.
        alpha: 1 - confidence of the interval (two-sided).
        power: probability to detect it.
    """
    from scipy import optimize

    _check(discordant, alpha, power)

    def excess(drop: float) -> float:
        return binary_power(n, (discordant + drop) / 2, (discordant - drop) / 2, alpha) - power

    return None if excess(discordant) < 0 else float(optimize.brentq(excess, 0.0, discordant))


def binary_cases_needed(worse: float, better: float, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """The smallest number of cases that detects this drop with this power; `None` if above `MOST_CASES`.

    `worse` and `better` are shares of cases, as in `binary_power`.

    Raises:
        ValueError: `worse` is not above `better`; and as `binary_power`.
    """
    _check(worse - better, alpha, power)
    return _smallest(lambda n: binary_power(n, worse, better, alpha) >= power)


def _check(effect: float, alpha: float, power: float) -> None:
    if not (0 < effect < math.inf and 0 < alpha < power < 1):
        raise ValueError(f"effect > 0 and 0 < alpha < power < 1 are needed, not {effect}, {alpha} and {power}")


def _smallest(enough: Callable[[int], bool]) -> int | None:
    """The smallest n that is enough, found by doubling and bisection."""
    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_CASES:
            return None
    low = high // 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
