"""Fréchet distance of two Gaussians (Dowson & Landau 1982), the form of FID (Heusel et al. 2017).

    |m1 - m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½

The last term is the expensive one. It needs only the trace of the matrix square root, not the root itself. With few
rows the trace is the nuclear norm of the product of the centred features; with many it is the sum of the square roots
of the eigenvalues of a symmetric product. `python -m tests.bench fidelity` compares both with scipy's matrix square
root.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.fidelity.sets.moments import Matrix, Moments


def frechet_distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The distance of (n1, d) and (n2, d) features, in squared units of the features, by the faster method for n and d.

    Raises:
        ValueError: the widths differ, a side has fewer than 2 rows, or a value is not finite.
    """
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise ValueError(f"features of shapes {one.shape} and {other.shape} have no distance")
    if min(len(one), len(other)) < 2:
        raise ValueError("a Fréchet distance needs at least 2 rows on each side")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("features that are not finite")
    fewer, more = sorted((len(one), len(other)))
    if fewer**2 * more > one.shape[1] ** 3:
        return frechet_distance_of_moments(Moments.of(one), Moments.of(other))
    return frechet_distance_of_rows(one, other)


def frechet_distance_of_rows(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The distance from the rows, with no matrix larger than (n1, n2). For fewer rows than features."""
    x, y = one.astype(np.float64), other.astype(np.float64)
    apart = x.mean(axis=0) - y.mean(axis=0)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    spread = np.vdot(x, x) / (len(x) - 1) + np.vdot(y, y) / (len(y) - 1)
    return _assembled(float(apart @ apart), float(spread), _nuclear(x @ y.T, len(x), len(y)))


def frechet_distance_of_moments(one: Moments, other: Moments) -> float:
    """The distance from streamed moments. Raises `ValueError` below 2 rows."""
    apart = one.mean - other.mean
    first, second = one.covariance, other.covariance
    spread = float(np.trace(first) + np.trace(second))
    return _assembled(float(apart @ apart), spread, trace_of_root(first, second))


def trace_of_root(one: Matrix, other: Matrix) -> float:
    """tr (S1 S2)^½ of two covariances: S1 S2 has the eigenvalues of the symmetric Rᵀ S2 R with R Rᵀ = S1."""
    root = _root(one)
    return float(np.sqrt(np.clip(np.linalg.eigvalsh(root.T @ other @ root), 0, None)).sum())


def _root(covariance: Matrix) -> Matrix:
    """Any R with R Rᵀ = S. The Cholesky factor is 20 times cheaper than one from eigenvectors, but needs full rank."""
    try:
        root: Matrix = np.linalg.cholesky(covariance).astype(np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.clip(values, 0, None))
    return root


def _nuclear(product: Matrix, n1: int, n2: int) -> float:
    """tr (S1 S2)^½ from the product X Yᵀ of centred rows: its nuclear norm over √((n1-1)(n2-1)).

    With S1 = XᵀX/(n1-1) and S2 alike, S1 S2 has the nonzero eigenvalues of (XYᵀ)(XYᵀ)ᵀ/((n1-1)(n2-1)).
    """
    return float(np.linalg.svd(product, compute_uv=False).sum()) / float(np.sqrt((n1 - 1) * (n2 - 1)))


def _assembled(apart: float, spread: float, root: float) -> float:
    """The distance from its terms, at least 0: rounding can make that of a set from itself slightly negative."""
    return max(0.0, apart + spread - 2 * root)
