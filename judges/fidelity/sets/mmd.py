"""Squared maximum mean discrepancy (Gretton et al. 2012): the form of KID and CMMD."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.fidelity.sets.jackknife import Jackknife, jackknife

Rows = NDArray[np.float64]
Labels = NDArray[np.int64]
Kernel = Callable[[Rows, Rows], Rows]
_BLOCK = 1024
"""Number of rows of a kernel matrix that are in memory at once."""


def polynomial(x: Rows, y: Rows) -> Rows:
    """KID's kernel: (x·y/d + 1)³ (Bińkowski et al. 2018)."""
    result: Rows = (x @ y.T / x.shape[1] + 1) ** 3
    return result


def gaussian(x: Rows, y: Rows, sigma: float = 10.0) -> Rows:
    """CMMD's kernel: exp(-|x-y|²/2σ²), σ = 10 (Jayasumana et al. 2024)."""
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None, :] - 2 * x @ y.T
    result: Rows = np.exp(-np.maximum(squares, 0) / (2 * sigma**2))
    return result


class Estimate(NamedTuple):
    """A value and its spread from leaving out each case in turn; the spread is `None` below 5 cases."""

    value: float
    spread: Jackknife | None


class Estimates(NamedTuple):
    """Three estimators of one quantity.

    `unbiased` leaves out the pair of each row with itself (MMD²_u; may fall below 0). `biased` leaves nothing out
    (MMD²_b). `paired`, for twins only, leaves out every pair within one case, also between the sets: twins are more
    alike than two independent pictures, which lowers the other two estimators.
    """

    unbiased: Estimate
    biased: Estimate
    paired: Estimate | None


def mmd2(one: NDArray[np.floating], other: NDArray[np.floating], kernel: Kernel, *, unbiased: bool = True) -> float:
    """MMD² of (n1, d) and (n2, d) features, with 1,024 rows of the kernel matrix in memory at a time.

    Args:
        unbiased: MMD²_u, which may fall below 0; otherwise MMD²_b, which may not.

    Raises:
        ValueError: the widths differ, a side has fewer than 2 rows, or a value is not finite.
    """
    estimates = mmd2_estimates(one, other, kernel)
    return estimates.unbiased.value if unbiased else estimates.biased.value


def mmd2_estimates(
    one: NDArray[np.floating],
    other: NDArray[np.floating],
    kernel: Kernel,
    cases: Sequence[str] | None = None,
    other_cases: Sequence[str] | None = None,
) -> Estimates:
    """All estimators with their spread.

    Args:
        cases: the case of each row of `one`; by default each row is a case.
        other_cases: the same for `other` if it holds the twins: a case is then left out on both sides. Otherwise
            `other` counts as fixed, and the spread is that of `one` alone.

    Raises:
        ValueError: as `mmd2`.
    """
    x, y = one.astype(np.float64), other.astype(np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"no discrepancy of features of shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("features that are not finite")
    names = list(cases) if cases is not None else [str(i) for i in range(len(x))]
    place = {name: i for i, name in enumerate(dict.fromkeys([*names, *(other_cases or ())]))}
    mine = np.array([place[name] for name in names])
    theirs = None if other_cases is None else np.array([place[name] for name in other_cases])
    n = len(place)
    xx, yy, xy = (
        _sums(*each, n, kernel) for each in ((x, x, mine, mine), (y, y, theirs, theirs), (x, y, mine, theirs))
    )
    sizes = np.bincount(mine, minlength=n) + (0 if theirs is None else np.bincount(theirs, minlength=n))

    def estimate(values: Rows) -> Estimate:
        return Estimate(float(values[0]), jackknife(float(values[0]), values[1:], sizes))

    with np.errstate(invalid="ignore", divide="ignore"):  # if nothing is left without some case, there is no spread
        unbiased = _mean(xx, xx.diagonal) + _mean(yy, yy.diagonal) - 2 * _mean(xy)
        biased = _mean(xx) + _mean(yy) - 2 * _mean(xy)
        paired = _mean(xx, xx.inside) + _mean(yy, yy.inside) - 2 * _mean(xy, xy.inside)
    has_pairs = theirs is not None and n > 1
    return Estimates(estimate(unbiased), estimate(biased), estimate(paired) if has_pairs else None)


class _Part(NamedTuple):
    """Sum of kernel values and number of pairs, each (1 + cases,): over all, then with each case left out."""

    sum: Rows
    pairs: Rows


class _Sums(NamedTuple):
    """Sums over all pairs, over the pairs of a row with itself, and over the pairs within a case."""

    all: _Part
    diagonal: _Part
    inside: _Part


def _mean(sums: _Sums, without: _Part | None = None) -> Rows:
    if without is None:
        return sums.all.sum / sums.all.pairs
    return (sums.all.sum - without.sum) / (sums.all.pairs - without.pairs)


def _sums(x: Rows, y: Rows, x_cases: Labels | None, y_cases: Labels | None, n: int, kernel: Kernel) -> _Sums:
    """Rows without cases are never left out."""
    touching, inside, diagonal = np.zeros(n), np.zeros(n), np.zeros(n)
    total = trace = 0.0
    for start in range(0, len(x), _BLOCK):
        end = min(start + _BLOCK, len(x))
        values = kernel(x[start:end], y)
        total += float(values.sum())
        of_itself = values[np.arange(end - start), np.arange(start, end)] if x is y else np.zeros(end - start)
        trace += float(of_itself.sum())
        if x_cases is not None:
            cases = x_cases[start:end]
            touching += np.bincount(cases, values.sum(axis=1), n)
            diagonal += np.bincount(cases, of_itself, n)
            if y_cases is not None:
                same = cases[:, None] == y_cases[None, :]
                inside += np.bincount(cases, np.where(same, values, 0).sum(axis=1), n)
        if y_cases is not None:
            touching += np.bincount(y_cases, values.sum(axis=0), n)
    mine, theirs = (np.zeros(n) if c is None else np.bincount(c, minlength=n).astype(float) for c in (x_cases, y_cases))
    pairs_inside = mine * theirs
    own = len(x) if x is y else 0
    return _Sums(
        _Part(
            _left_out(total, touching - inside),
            _left_out(len(x) * len(y), mine * len(y) + theirs * len(x) - pairs_inside),
        ),
        _Part(_left_out(trace, diagonal), _left_out(own, mine if x is y else np.zeros(n))),
        _Part(_left_out(float(inside.sum()), inside), _left_out(float(pairs_inside.sum()), pairs_inside)),
    )


def _left_out(total: float, parts: Rows) -> Rows:
    return np.concatenate([[total], total - parts])
