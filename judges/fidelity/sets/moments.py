"""Computes number, mean and scatter of features that arrive in batches, in float64."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


class Moments(NamedTuple):
    """`n` rows with their `mean` (d,) and `scatter` (d, d), the sum of outer products of deviations from it."""

    n: int
    mean: Vector
    scatter: Matrix

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Self:
        """The moments of (n, d) features; `n` may be 0."""
        rows = rows.astype(np.float64)
        mean = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
        centred = rows - mean
        return cls(len(rows), mean, centred.T @ centred)

    @property
    def covariance(self) -> Matrix:
        """The covariance with n - 1, as in the reference implementations. Raises `ValueError` below 2 rows."""
        if self.n < 2:
            raise ValueError(f"no covariance of {self.n} rows")
        return self.scatter / (self.n - 1)

    def merged(self, other: Moments) -> Moments:
        """The moments of both together (Chan, Golub & LeVeque 1983). Without sums of squares nothing cancels."""
        n = self.n + other.n
        if not n:
            return self
        apart = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(apart, apart * (self.n * other.n / n))
        return Moments(n, self.mean + apart * (other.n / n), scatter)

    def without(self, other: Moments) -> Moments:
        """The moments without a part of the rows. Raises `ValueError` if no rows are left."""
        n = self.n - other.n
        if n < 1:
            raise ValueError(f"nothing is left of {self.n} rows without {other.n}")
        mean = self.mean + (self.mean - other.mean) * (other.n / n)
        apart = other.mean - mean
        return Moments(n, mean, self.scatter - other.scatter - np.outer(apart, apart * (n * other.n / self.n)))
