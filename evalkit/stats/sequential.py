"""Watching a mean case by case, with error rates that hold whenever one stops.

Betting (Waudby-Smith & Ramdas 2023, "Estimating means of bounded random variables by betting"): against "the mean is
at most m" one bets on values above m. Each bet multiplies the capital by 1 + stake × (value - m), which under the
hypothesis does not grow on average; capital of 1/alpha or more at *any* time has probability at most alpha (Ville
1939). The capital is spread over a grid of stakes, so none has to be chosen.
"""

from __future__ import annotations

import math

import numpy as np

_STAKES = np.geomspace(0.002, 0.95, 24)
"""Stakes as shares of the largest one that can't lose everything."""


class Monitor:
    """Is the mean of values in [low, high] at most `bound`, or above it?

    Args:
        bound: the figure in question.
        low: smallest possible value.
        high: largest possible value.
        alpha: probability of a wrong answer, for each of the two, at any stopping time.

    Raises:
        ValueError: a bound that is not strictly between `low` and `high`.
    """

    def __init__(self, bound: float, low: float, high: float, *, alpha: float = 0.025) -> None:
        if not low < bound < high:
            raise ValueError(f"bound {bound} is not between {low} and {high}")
        self.n = 0
        self._low, self._width = low, high - low
        self._mean = (bound - low) / self._width
        self._above = np.zeros(len(_STAKES))
        self._below = np.zeros(len(_STAKES))
        self._needed = math.log(1 / alpha)
        self._peak_above = self._peak_below = -math.inf

    def update(self, value: float) -> None:
        """Take in the next value. Raises `ValueError` for one outside [low, high]."""
        x = (value - self._low) / self._width
        if not -1e-9 <= x <= 1 + 1e-9:
            raise ValueError(f"value {value} is out of bounds")
        self.n += 1
        gain = x - self._mean
        self._above += np.log1p(_STAKES / self._mean * gain)
        self._below += np.log1p(-_STAKES / (1 - self._mean) * gain)
        self._peak_above = max(self._peak_above, _log_mean(self._above))
        self._peak_below = max(self._peak_below, _log_mean(self._below))

    @property
    def p_above(self) -> float:
        """Anytime-valid p-value of "the mean is at most the bound": the inverse of the largest capital so far."""
        return min(1.0, math.exp(-self._peak_above))

    @property
    def p_below(self) -> float:
        """Anytime-valid p-value of "the mean is at least the bound"."""
        return min(1.0, math.exp(-self._peak_below))

    def worse(self) -> bool:
        """The mean is above the bound (wrong with probability at most alpha)."""
        return self._peak_above >= self._needed

    def not_worse(self) -> bool:
        """The mean is below the bound (wrong with probability at most alpha)."""
        return self._peak_below >= self._needed


def _log_mean(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))
