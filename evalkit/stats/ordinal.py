"""Ordinal calibration for few labels: the probability of each level of a scale, given a judge's score.

The proportional-odds model (McCullagh 1980): `P(level > k) = sigmoid(slope * z - threshold_k)`. With two levels it is
logistic regression, which is Platt's calibration (Platt 1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
RIDGE = 0.05
"""Ridge penalty on the slope, in units of one label. Without it, a judge that happens to separate the few labels
perfectly would get an infinite slope."""
_RARE = 0.5
"""Pseudo-count of each level (Jeffreys), because a level that nobody has given yet is not impossible."""


@dataclass(frozen=True, slots=True)
class OrdinalMapping:
    """`P(value > values[k]) = sigmoid(slope * (score - centre) / scale - thresholds[k])`; thresholds ascend."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}

    values: tuple[float, ...]
    thresholds: tuple[float, ...]
    slope: float
    centre: float
    scale: float
    kind: Literal["ordinal"] = "ordinal"

    def apply(self, scores: Values) -> Values:
        """The expected values of people, in the shape of `scores`."""
        z = self.slope * (np.asarray(scores, dtype=float) - self.centre) / self.scale
        above = _sigmoid(z[..., None] - np.array(self.thresholds))
        return np.asarray(self.values[0] + (above * np.diff(self.values)).sum(axis=-1))


def fit_ordinal(scores: Values, labels: Values, values: Values) -> OrdinalMapping:
    """Fit by maximum likelihood, with a slight ridge penalty on the slope.

    Args:
        scores: the judge's scores, shape (n,).
        labels: the values that people gave, each one of `values`.
        values: all values of the scale, ascending; nobody needs to have given all of them.

    Raises:
        ValueError: there are no labels, or one is not on the scale.
    """
    if not len(scores) or not np.isin(labels, values).all():
        raise ValueError("a mapping needs labels, all of them on the scale")
    from scipy import optimize

    centre, scale = float(np.mean(scores)), float(np.std(scores)) or 1.0
    z = (scores - centre) / scale
    level = np.searchsorted(values, labels)
    counts = np.bincount(level, minlength=len(values)) + _RARE
    above = np.cumsum(counts[::-1])[::-1][1:] / counts.sum()
    first = -np.log(above / (1 - above))
    start = np.concatenate([[0.0, first[0]], np.log(np.maximum(np.diff(first), 1e-3))])

    def cost(parameters: Values) -> tuple[float, Values]:
        thresholds = _ascending(parameters[1:])
        edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
        # the pseudo-labels of every level lie at the centre (z = 0)
        points = np.concatenate([z, np.zeros(len(values))])
        levels = np.concatenate([level, np.arange(len(values))])
        weights = np.concatenate([np.ones(len(z)), np.full(len(values), _RARE)])
        upper, lower = edges[levels + 1] - parameters[0] * points, edges[levels] - parameters[0] * points
        s_up, s_low = _sigmoid(upper), _sigmoid(lower)
        chance = np.maximum(s_up - s_low, 1e-300)
        d_up, d_low = s_up * (1 - s_up), s_low * (1 - s_low)
        value = -float(weights @ np.log(chance)) + 0.5 * RIDGE * float(parameters[0]) ** 2
        by_slope = float((weights * points * (d_up - d_low) / chance).sum()) + RIDGE * float(parameters[0])
        by_edge = np.zeros(len(edges))
        np.add.at(by_edge, levels + 1, -weights * d_up / chance)
        np.add.at(by_edge, levels, weights * d_low / chance)
        by_threshold = by_edge[1:-1]
        tails = np.cumsum(by_threshold[::-1])[::-1]  # a step moves all later thresholds
        by_steps = tails[1:] * np.exp(parameters[2:])
        return value, np.concatenate([[by_slope, tails[0]], by_steps])

    found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(-50, 50)] * len(start)).x
    thresholds = tuple(map(float, _ascending(found[1:])))
    return OrdinalMapping(tuple(map(float, values)), thresholds, float(found[0]), centre, scale)


def _ascending(parameters: Values) -> Values:
    """Thresholds from the first one and the logarithms of the steps after it."""
    return np.asarray(np.cumsum(np.concatenate([parameters[:1], np.exp(parameters[1:])])))


def _sigmoid(x: Values) -> Values:
    from scipy.special import expit

    return np.asarray(expit(x))
