"""Splits cases into folds, so that nothing is measured on the labels it was fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


class Fold(NamedTuple):
    """Positions to fit on and positions to measure on; they share no case."""

    fit: NDArray[np.int_]
    held: NDArray[np.int_]


def folds(cases: NDArray[np.int_], count: int = FOLDS, seed: int = 0) -> Iterator[Fold]:
    """Split by case: every position is held out exactly once.

    Args:
        cases: the case of each position, shape (n,).
        count: number of folds; there are fewer if there are fewer cases.
        seed: of the random assignment of cases to folds.

    Raises:
        ValueError: fewer than two cases.
    """
    names = np.unique(cases)
    if len(names) < 2:
        raise ValueError("fewer than two cases: there is no part to measure on")
    count = min(count, len(names))
    of_case = np.random.default_rng(seed).permutation(np.arange(len(names)) % count)
    fold = of_case[np.searchsorted(names, cases)]
    for k in range(count):
        yield Fold(np.flatnonzero(fold != k), np.flatnonzero(fold == k))
