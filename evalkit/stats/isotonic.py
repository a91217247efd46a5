"""Isotonic calibration: the best monotone mapping from a judge's score to the mean value that people give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IsotonicMapping:
    """Linear between the points (`scores[i]`, `values[i]`), constant beyond the ends; `values` are monotone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}

    scores: tuple[float, ...]
    values: tuple[float, ...]
    kind: Literal["isotonic"] = "isotonic"

    def apply(self, scores: Values) -> Values:
        """The values that people would give, in the shape of `scores`."""
        return np.asarray(np.interp(scores, self.scores, self.values), dtype=float)


def fit_isotonic(scores: Values, labels: Values, *, increasing: bool) -> IsotonicMapping:
    """The least-squares monotone fit (pool adjacent violators, Barlow et al. 1972; `scipy.optimize`).

    Equal scores get one value, the mean of their labels.

    Args:
        scores: the judge's scores, shape (n,).
        labels: the values that people gave to the same pictures, shape (n,).
        increasing: whether a higher score is a better picture.

    Raises:
        ValueError: there are no labels.
    """
    if not len(scores):
        raise ValueError("a mapping can't be fitted without labels")
    from scipy import optimize

    seen, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(where, weights=labels) / counts
    fit = optimize.isotonic_regression(means, weights=counts.astype(float), increasing=increasing).x
    # both ends of each constant step are enough to describe it
    ends = np.ones(len(seen), dtype=bool)
    ends[1:-1] = (fit[1:-1] != fit[:-2]) | (fit[1:-1] != fit[2:])
    return IsotonicMapping(tuple(map(float, seen[ends])), tuple(map(float, fit[ends])))
