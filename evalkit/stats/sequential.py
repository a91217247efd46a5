"""Tests a mean case by case, with error rates that hold at any stopping time.

The method is betting (Waudby-Smith & Ramdas 2023, "Estimating means of bounded random variables by betting"): to test
"the mean is at most m", one bets on values above m. Each bet multiplies the capital by 1 + stake × (value - m), which
does not grow on average if the hypothesis is true. Then the capital reaches 1/alpha at *any* time with probability at
most alpha (Ville 1939). The capital is spread over a grid of stakes, so that none has to be chosen.
"""

from __future__ import annotations

import math

import numpy as np

_STAKES = np.geomspace(0.002, 0.95, 24)
"""Stakes, as shares of the largest stake that can't lose all capital."""


class Monitor:
    """Tests whether the mean of values in [low, high] is below or above `bound`.

    Args:
        bound: the value that the mean is compared with.
        low: smallest possible value.
        high: largest possible value.
        alpha: probability of a wrong answer, for each of the two, at any stopping time.

    Raises:
        ValueError: the bound does not lie strictly between `low` and `high`.
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
        """Add the next value. Raises `ValueError` if it lies outside [low, high]."""
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
        """Whether the mean is above the bound (a wrong `True` has probability at most alpha)."""
        return self._peak_above >= self._needed

    def not_worse(self) -> bool:
        """Whether the mean is below the bound (a wrong `True` has probability at most alpha)."""
        return self._peak_below >= self._needed


def _log_mean(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))
