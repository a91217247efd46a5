"""A judge that passes or fails pictures: its two error rates, and the pass rate corrected for them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.api.results import Interval


def exact_share(hits: int, n: int, confidence: float = 0.95) -> Interval | None:
    """A share with its exact confidence interval (Clopper & Pearson 1934); `None` for no trials.

    Raises:
        ValueError: there are more hits than trials, or a count is negative.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share")
    if n == 0:
        return None
    from scipy import stats

    miss = (1 - confidence) / 2
    low = float(stats.beta.ppf(miss, hits, n - hits + 1)) if hits else 0.0
    high = float(stats.beta.ppf(1 - miss, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(hits / n, low, high, n, confidence)


def best_threshold(scores: NDArray[np.float64], passed: NDArray[np.bool_], *, higher_is_better: bool) -> float | None:
    """The threshold for a pass with the smallest sum of false-pass and false-fail rates (Youden 1950).

    It lies halfway between two observed scores; if several thresholds are equally good, the middle one is taken.

    Returns:
        `None` if all pass, all fail, or all scores are equal: no threshold separates passes from fails.
    """
    if passed.all() or not passed.any():
        return None
    seen = np.unique(scores)
    if len(seen) < 2:
        return None
    cuts = (seen[1:] + seen[:-1]) / 2
    good, bad = np.sort(scores[passed]), np.sort(scores[~passed])
    good_below = np.searchsorted(good, cuts) / len(good)
    bad_below = np.searchsorted(bad, cuts) / len(bad)
    gain = bad_below - good_below if higher_is_better else good_below - bad_below
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return float(cuts[best[len(best) // 2]])


def rogan_gladen(
    passed: int, n: int, kept: tuple[int, int], caught: tuple[int, int], confidence: float = 0.95
) -> Interval | None:
    """The share that people would pass, from the share that the judge passes and its two error rates.

    The estimate is Rogan & Gladen's (1978), `(p + specificity - 1) / (sensitivity + specificity - 1)`. The interval is
    Lang & Reiczigel's (2014, Preventive Veterinary Medicine 113:13), which accounts for the error rates being
    estimates too.

    Args:
        passed: number of pictures, of `n`, that the judge passes.
        n: number of judged pictures.
        kept: (pictures that both pass, pictures that people pass), for the sensitivity.
        caught: (pictures that both fail, pictures that people fail), for the specificity.
        confidence: coverage of the interval.

    Returns:
        `None` if the judge is no better than a coin toss, or if people passed or failed no picture at all.
    """
    if n == 0 or kept[1] == 0 or caught[1] == 0:
        return None
    from scipy import stats

    sensitivity, specificity = kept[0] / kept[1], caught[0] / caught[1]
    if sensitivity + specificity <= 1:
        return None
    value = min(max((passed / n + specificity - 1) / (sensitivity + specificity - 1), 0.0), 1.0)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p_n, p = n + z**2, (passed + z**2 / 2) / (n + z**2)
    se_n, se = kept[1] + 2, (kept[0] + 1) / (kept[1] + 2)
    sp_n, sp = caught[1] + 2, (caught[0] + 1) / (caught[1] + 2)
    gain = se + sp - 1
    if gain <= 0:
        return None
    middle = (p + sp - 1) / gain
    se_noise, sp_noise = se * (1 - se) / se_n, sp * (1 - sp) / sp_n
    shift = 2 * z**2 * (middle * se_noise - (1 - middle) * sp_noise)
    half = z / gain * math.sqrt(p * (1 - p) / p_n + middle**2 * se_noise + (1 - middle) ** 2 * sp_noise)
    low, high = (min(max(end, 0.0), 1.0) for end in (middle + shift - half, middle + shift + half))
    return Interval(value, min(low, value), max(high, value), n, confidence)
