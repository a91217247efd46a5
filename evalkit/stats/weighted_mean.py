"""The distribution of a mean with random weights: `sum(G_i v_i) / sum(G_i)`, `G_i` independent Gamma(shape_i).

With shapes of 1 this is the Bayesian bootstrap (Rubin 1981); for two values it is a Beta distribution.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_NEWTON_STEPS = 80
_CLOSE = 1e-9


def upper_tail(values: NDArray[np.float64], shapes: NDArray[np.float64], t: float) -> float:
    """P(weighted mean > t), by a saddlepoint approximation, which needs no random numbers and so adds no noise.

    The mean exceeds `t` if `sum(G_i (v_i - t)) > 0`, a sum of Gammas whose cumulants are known
    (Barndorff-Nielsen 1991; for Dirichlet means Davison, Hinkley & Worton 1992). Against the Beta distribution (n of
    24, 50 and 500, at a tail of 2.5 %) quantiles agree to 4e-4; `tests/evalkit/stats/test_weighted_mean.py`.

    Args:
        values: the values, shape (m,).
        shapes: their Gamma shapes (how often each value occurs), shape (m,).
        t: the threshold.

    Returns:
        A probability in [0, 1].
    """
    gap = values - t
    if gap.max() <= 0:
        return 0.0
    if gap.min() >= 0:
        return 1.0
    tilt = _saddlepoint(gap, shapes)
    ratio = gap / (1 - tilt * gap)
    variance = float(shapes @ ratio**2)
    root = math.copysign(math.sqrt(max(2 * float(shapes @ np.log1p(-tilt * gap)), 0.0)), tilt)
    if abs(root) < 1e-4:  # log(u / root) / root is 0 / 0 here; its limit is skewness / 6
        shift = float(shapes @ ratio**3) / (3 * variance**1.5)
    else:
        shift = math.log(tilt * math.sqrt(variance) / root) / root
    return 0.5 * math.erfc((root + shift) / math.sqrt(2))


def _saddlepoint(gap: NDArray[np.float64], shapes: NDArray[np.float64]) -> float:
    """The tilt at which the sum has mean 0, by Newton's method inside a bracket, with bisection if a step leaves it."""
    low, high = 1 / float(gap.min()), 1 / float(gap.max())
    width, tilt = high - low, 0.0
    for _ in range(_NEWTON_STEPS):
        ratio = gap / (1 - tilt * gap)
        weighted = shapes * ratio
        slope = float(weighted.sum())
        if slope > 0:
            high = tilt
        else:
            low = tilt
        before, tilt = tilt, tilt - slope / float(weighted @ ratio)
        if not low < tilt < high:
            tilt = (low + high) / 2
        if abs(tilt - before) <= _CLOSE * width:
            break
    return tilt
