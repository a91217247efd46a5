"""Standard errors of figures that are not means, by leaving out a part of the cases in turn (jackknife)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.results import Interval

FEWEST = 5
"""Least number of parts for a spread."""


class Jackknife(NamedTuple):
    """`error` is the standard error, `unbiased` the value without its bias of order 1/n.

    `pseudo` are the pseudo-values (Tukey 1958), one per part: the value behaves like their mean.
    """

    error: float
    unbiased: float
    pseudo: NDArray[np.float64]


def jackknife(value: float, left_out: NDArray[np.float64], sizes: NDArray[np.generic]) -> Jackknife | None:
    """The jackknife from the value on all and the values without each part (Busing, Meijer & van der Leeden 1999).

    Args:
        value: the value on all pictures.
        left_out: the values with part j left out, shape (parts,).
        sizes: the size of each part, in pictures.

    Returns:
        `None` below 5 parts, or if nothing is left without one of them. `unbiased` is the limit of the value for
        infinitely many pictures if its bias is a constant over their number (Quenouille 1956).
    """
    parts = len(left_out)
    if parts < FEWEST or not np.isfinite(left_out).all():
        return None
    share = sizes / sizes.sum()
    unbiased = parts * value - float(np.sum((1 - share) * left_out))
    pseudo = value / share - (1 / share - 1) * left_out
    variance = float(np.mean((pseudo - unbiased) ** 2 / (1 / share - 1)))
    return Jackknife(math.sqrt(variance), unbiased, pseudo)


def interval(
    value: float, spread: Jackknife | None, n: int, *, low: float | None = None, confidence: float = 0.95
) -> Interval:
    """`value` ± the error times Student's t, with one degree of freedom fewer than parts; no bounds without spread."""
    from scipy.stats import t

    if spread is None:
        return Interval(value, None, None, n, confidence)
    half = float(t.ppf((1 + confidence) / 2, len(spread.pseudo) - 1)) * spread.error
    return Interval(value, value - half if low is None else max(low, value - half), value + half, n, confidence)
