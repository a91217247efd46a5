"""Computes the figures of a judge from its answers on pictures whose truth is known (pure functions)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalkit.api.ability import FALSE_ALARMS, FOUND, Sight, SizeFound
from evalkit.api.records import Box
from evalkit.api.results import Interval
from evalkit.stats.intervals import mean_interval

Values = NDArray[np.float64]


class Observation(NamedTuple):
    """The answer of a judge on one faulty picture.

    Args:
        size: of the fault, in its unit.
        nominal: the size that was asked for, by which observations are grouped.
        value: how bad the picture is according to the judge (higher is worse); `None` if it abstained.
        iou: overlap of the best finding at the fault with its true box; `None` if there is no finding there.
    """

    size: float
    nominal: float
    value: float | None
    iou: float | None


def sight(fault: str, unit: str, observations: Sequence[Observation], clean: Sequence[float], *, grows: bool) -> Sight:
    """The figures of one judge on one kind of fault; `clean` holds its values on clean scenes."""
    scored = [one for one in observations if one.value is not None]
    values = np.array([one.value for one in scored], dtype=float)
    located = [one.iou for one in observations if one.iou is not None]
    sizes = by_size(observations, np.asarray(clean, dtype=float))
    return Sight(
        fault,
        unit,
        len(observations),
        len(scored),
        auc(values, np.asarray(clean, dtype=float)),
        recall(values, np.asarray(clean, dtype=float), len(observations)),
        len(located) / len(observations) if observations else 0.0,
        float(np.mean(located)) if located else None,
        spearman([one.size for one in scored], values) if grows else None,
        smallest(sizes),
        sizes,
    )


def auc(faulty: Values, clean: Values) -> Interval | None:
    """Area under the ROC curve: the probability that a faulty picture has the higher value, ties counting half.

    There are two intervals: one over the faulty pictures, each with the share of clean ones below it, and one over the
    clean pictures, each with the share of faulty ones above it (Hanley & McNeil 1982; DeLong, DeLong & Clarke-Pearson
    1988). The result has the lower of their lower bounds and the higher of their upper bounds.
    """
    if not len(faulty) or not len(clean):
        return None
    above = (faulty[:, None] > clean[None]) + 0.5 * (faulty[:, None] == clean[None])
    intervals = [mean_interval(above.mean(axis=axis), low=0.0, high=1.0) for axis in (1, 0)]
    known = [one for one in intervals if one is not None and one.low is not None and one.high is not None]
    if not known:
        return Interval(float(above.mean()), None, None, len(faulty))
    low, high = min(one.low or 0.0 for one in known), max(one.high or 0.0 for one in known)
    return Interval(float(above.mean()), low, high, len(faulty))


def recall(faulty: Values, clean: Values, n: int, false_alarms: float = FALSE_ALARMS) -> float | None:
    """Share of `n` faulty pictures whose value exceeds those of all clean pictures but the share `false_alarms`.

    With fewer than 100 clean pictures it must exceed all of them. An abstention counts as missed.
    """
    if not n or not len(clean):
        return None
    spared = int(false_alarms * len(clean) + 1e-9)
    threshold = np.sort(clean)[len(clean) - 1 - spared]
    return float((faulty > threshold).sum() / n)


def spearman(sizes: Sequence[float], values: Values) -> float | None:
    """Rank correlation, with mean ranks for ties; `None` if one of the two does not vary."""
    one, other = _ranks(np.asarray(sizes, dtype=float)), _ranks(values)
    if len(values) < 3 or one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Values) -> Values:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Values = (ends - (counts - 1) / 2)[places]
    return ranks


def by_size(observations: Sequence[Observation], clean: Values) -> tuple[SizeFound, ...]:
    """Counts and AUC for each nominal size, in ascending order."""
    groups = {
        size: [one for one in observations if one.nominal == size]
        for size in sorted({one.nominal for one in observations})
    }
    found = []
    for size, members in groups.items():
        area = auc(np.array([one.value for one in members if one.value is not None], dtype=float), clean)
        located = sum(one.iou is not None for one in members)
        found.append(SizeFound(size, len(members), located, area.value if area else None))
    return tuple(found)


def smallest(sizes: Sequence[SizeFound]) -> float | None:
    """The smallest size at which, as at every larger one, 9 in 10 faults are found; `None` if there is none."""
    best = None
    for size in sorted(sizes, key=lambda s: -s.size):
        if size.n == 0 or size.found < FOUND * size.n:
            break
        best = size.size
    return best


def best_overlap(boxes: Sequence[Box], truth: Box) -> float | None:
    """IoU of the box that fits the true one best.

    `None` if no box covers half of the true one or lies half inside it.
    """
    meeting = [box.iou(truth) for box in boxes if 2 * box.intersection(truth) >= min(box.area, truth.area) > 0]
    return max(meeting, default=None)
