"""From what a judge said about pictures of known truth to figures (pure)."""

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


class Seen(NamedTuple):
    """What a judge made of one faulty picture.

    `value`: how bad it is, higher is worse; `None` where the judge abstained. `iou`: of the best finding in the
    fault's place; `None` where there is none.
    """

    size: float
    nominal: float
    value: float | None
    iou: float | None


def sight(fault: str, unit: str, seen: Sequence[Seen], clean: Sequence[float], *, grows: bool) -> Sight:
    """The figures of one judge on one kind of fault; `clean` are its values on clean scenes."""
    scored = [one for one in seen if one.value is not None]
    values = np.array([one.value for one in scored], dtype=float)
    located = [one.iou for one in seen if one.iou is not None]
    sizes = by_size(seen, np.asarray(clean, dtype=float))
    return Sight(
        fault,
        unit,
        len(seen),
        len(scored),
        auc(values, np.asarray(clean, dtype=float)),
        recall(values, np.asarray(clean, dtype=float), len(seen)),
        len(located) / len(seen) if seen else 0.0,
        float(np.mean(located)) if located else None,
        spearman([one.size for one in scored], values) if grows else None,
        smallest(sizes),
        sizes,
    )


def auc(faulty: Values, clean: Values) -> Interval | None:
    """Area under the ROC curve: the probability that a faulty picture has the higher value, ties counting half.

    The interval is the wider of those over the faulty and over the clean pictures (each one's share of the others
    that it is on the right side of: Hanley & McNeil 1982; DeLong, DeLong & Clarke-Pearson 1988).
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
    """Share of `n` faulty pictures whose value is above all but `false_alarms` of the clean ones.

    With fewer than 100 clean pictures that is above all of them. A picture on which the judge abstained is not found.
    """
    if not n or not len(clean):
        return None
    spared = int(false_alarms * len(clean) + 1e-9)
    threshold = np.sort(clean)[len(clean) - 1 - spared]
    return float((faulty > threshold).sum() / n)


def spearman(sizes: Sequence[float], values: Values) -> float | None:
    """Rank correlation with mean ranks for ties; `None` where either does not vary."""
    one, other = _ranks(np.asarray(sizes, dtype=float)), _ranks(values)
    if len(values) < 3 or one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Values) -> Values:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Values = (ends - (counts - 1) / 2)[places]
    return ranks


def by_size(seen: Sequence[Seen], clean: Values) -> tuple[SizeFound, ...]:
    """Counts and AUC for each size that was asked for, rising."""
    groups = {size: [one for one in seen if one.nominal == size] for size in sorted({one.nominal for one in seen})}
    found = []
    for size, members in groups.items():
        area = auc(np.array([one.value for one in members if one.value is not None], dtype=float), clean)
        located = sum(one.iou is not None for one in members)
        found.append(SizeFound(size, len(members), located, area.value if area else None))
    return tuple(found)


def smallest(sizes: Sequence[SizeFound]) -> float | None:
    """The smallest size from which on at least 9 in 10 are found, at every larger size too."""
    best = None
    for size in sorted(sizes, key=lambda s: -s.size):
        if size.n == 0 or size.found < FOUND * size.n:
            break
        best = size.size
    return best


def best_overlap(boxes: Sequence[Box], truth: Box) -> float | None:
    """IoU of the box that meets the true one best; `None` if none covers half of it or lies half inside it."""
    meeting = [box.iou(truth) for box in boxes if 2 * box.intersection(truth) >= min(box.area, truth.area) > 0]
    return max(meeting, default=None)
