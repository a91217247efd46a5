"""Corrects p-values for multiple testing. The p-value of a test that was not possible (`None`) stays `None`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Holm (1979): adjusted p-values that keep the chance of *any* false alarm below alpha. Used for gates."""

    def adjust(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
        left = np.arange(len(ascending), 0, -1)
        return np.maximum.accumulate(left * ascending)

    return _adjusted(p_values, adjust)


def benjamini_hochberg(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Benjamini & Hochberg (1995): adjusted p-values that keep the *share* of false alarms below alpha.

    Used for explored dimensions. It holds for independent and positively dependent tests (Benjamini & Yekutieli 2001).
    """

    def adjust(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(ascending)
        stepped: NDArray[np.float64] = ascending * n / np.arange(1, n + 1)
        return np.minimum.accumulate(stepped[::-1])[::-1]

    return _adjusted(p_values, adjust)


def _adjusted(
    p_values: Sequence[float | None], adjust: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> tuple[float | None, ...]:
    """Adjust the known p-values in ascending order, each kept in its place. Raises `ValueError` outside [0, 1]."""
    places = [i for i, p in enumerate(p_values) if p is not None]
    given = np.array([p for p in p_values if p is not None], dtype=float)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1]: {list(p_values)}")
    order = np.argsort(given, kind="stable")
    result: list[float | None] = [None] * len(p_values)
    for i, p in zip(order, np.minimum(adjust(given[order]), 1.0), strict=True):
        result[places[i]] = float(p)
    return tuple(result)
