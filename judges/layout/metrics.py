"""The literature's graphic-layout metrics, under their own names. Pure functions of boxes; no picture is looked at.

All take boxes in px and the size of the canvas; coordinates are normalised to it first, as the papers do.

Sources; the definitions were checked against the code of PKU-ICST-MIPL/PosterLayout-CVPR2023 (eval.py) and, for the
others, of CyberAgentAILab/layout-dm (helpers/metric.py):
    LayoutGAN     Li et al., ICLR 2019.
    AttrLayoutGAN Li et al., "Attribute-conditioned Layout GAN", TVCG 2020.
    READ          Patil et al., "READ: Recursive Autoencoders for Document Layout Generation", CVPRW 2020.
    LayoutGAN++   Kikuchi et al., "Constrained Graphic Layout Generation via Latent Optimization", ACM MM 2021.
    PosterLayout  Hsu et al., CVPR 2023.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from evalkit.api.records import Box

Labelled = tuple[Hashable, Box]
"""A class (`text`, `image`, …) and a box."""
_EPSILON = 1e-7


def overlap(boxes: Sequence[Box]) -> float:
    """Overlap of AttrLayoutGAN: sum over ordered pairs i != j of area(i and j) / area(i); 0 for a clean layout.

    Boxes without area count as 0. LayoutGAN++ reports this over the number of boxes.
    """
    pairs = [(one, other) for i, one in enumerate(boxes) for j, other in enumerate(boxes) if i != j]
    return sum(one.intersection(other) / one.area for one, other in pairs if one.area > 0)


def overlap_area(boxes: Sequence[Box], width: float, height: float) -> float:
    """Overlap of LayoutGAN: sum over unordered pairs of the shared area, as a share of the canvas."""
    pairs = [(one, other) for i, one in enumerate(boxes) for other in boxes[i + 1 :]]
    return sum(one.intersection(other) for one, other in pairs) / (width * height)


def poster_overlap(boxes: Sequence[Box]) -> float:
    """Ove of PosterLayout: sum of the IoU of all pairs over the number of boxes; 0 for none."""
    pairs = [(one, other) for i, one in enumerate(boxes) for other in boxes[i + 1 :]]
    return sum(one.iou(other) for one, other in pairs) / len(boxes) if boxes else 0.0


def alignment(boxes: Sequence[Box], width: float, height: float) -> float:
    """Alignment of LayoutGAN++: mean over boxes of -ln(1 - least distance of one of six anchors to another box's).

    Anchors are left, centre and right in units of the width, top, centre and bottom in units of the height. 0 is
    aligned; 0 for fewer than two boxes.
    """
    if len(boxes) < 2:
        return 0.0
    total = sum(-math.log(1 - min(distance, 1 - _EPSILON)) for distance in _nearest(boxes, width, height))
    return total / len(boxes)


def poster_alignment(boxes: Sequence[Box], width: float, height: float) -> float:
    """Ali of PosterLayout, as its published code computes it; 0 for fewer than two boxes.

    That is n times -log10(1 - d), d being the least distance of any pair of boxes in any of the six anchors: what
    the paper takes for each element is taken over all pairs there.
    """
    if len(boxes) < 2:
        return 0.0
    return -len(boxes) * math.log10(1 - min(*_nearest(boxes, width, height), 1 - _EPSILON))


def underlay_loose(underlays: Sequence[Box], others: Sequence[Box]) -> float | None:
    """Und_l of PosterLayout: mean over underlays of the largest share of another element that lies in it.

    `None` without underlays.
    """
    if not underlays:
        return None
    shares = [
        max((other.intersection(under) / other.area for other in others if other.area > 0), default=0.0)
        for under in underlays
    ]
    return sum(shares) / len(shares)


def underlay_strict(underlays: Sequence[Box], others: Sequence[Box]) -> float | None:
    """Und_s of PosterLayout: share of underlays that hold the whole of some other element; `None` without underlays.

    As the paper says it; the published code does not look at the right edge.
    """
    if not underlays:
        return None
    holding = [any(_whole(under, other) for other in others) for under in underlays]
    return sum(holding) / len(holding)


def validity(boxes: Sequence[Box], width: float, height: float) -> float | None:
    """Val of PosterLayout: share of boxes whose area is at least 0.1 % of the canvas; `None` without boxes."""
    if not boxes:
        return None
    return sum(box.area / (width * height) >= 0.001 for box in boxes) / len(boxes)


def max_iou(one: Sequence[Labelled], other: Sequence[Labelled]) -> float | None:
    """Maximum IoU of two layouts of the same classes (LayoutGAN++): per class the assignment of most IoU; its mean.

    `None` if the classes are not the same multiset, for which the paper does not define it, or there are no boxes. The
    paper's figure over two collections is the mean of this over the assignment of layouts with most of it.
    """
    from scipy.optimize import linear_sum_assignment

    classes = sorted({label for label, _ in (*one, *other)}, key=str)
    total = 0.0
    for label in classes:
        ours, theirs = _of(one, label), _of(other, label)
        if len(ours) != len(theirs):
            return None
        ious = np.array([[a.iou(b) for b in theirs] for a in ours])
        rows, columns = linear_sum_assignment(-ious)
        total += float(ious[rows, columns].sum())
    return total / len(one) if one else None


def doc_sim(one: Sequence[Labelled], other: Sequence[Labelled], width: float, height: float) -> float:
    """DocSim of READ: mean weight of the pairs of the maximum-weight matching of boxes; 0 without boxes.

    The weight of a pair of one class is min(area)^0.5 * 2^(-distance of centres - 2 * difference of shape), lengths in
    units of the canvas, shape being |w - w'| + |h - h'|; that of a pair of two classes is 0.
    """
    from scipy.optimize import linear_sum_assignment

    if not one or not other:
        return 0.0
    weights = np.array([[_similarity(a, b, width, height) for b in other] for a in one])
    rows, columns = linear_sum_assignment(-weights)
    return float(weights[rows, columns].mean())


def _nearest(boxes: Sequence[Box], width: float, height: float) -> list[float]:
    """Per box the least distance of one of its six anchors to the same anchor of another box."""
    anchors = np.array(
        [
            [
                b.x0 / width,
                (b.x0 + b.x1) / 2 / width,
                b.x1 / width,
                b.y0 / height,
                (b.y0 + b.y1) / 2 / height,
                b.y1 / height,
            ]
            for b in boxes
        ]
    )
    apart = np.abs(anchors[:, None] - anchors[None]).min(axis=2)
    np.fill_diagonal(apart, np.inf)
    return [float(v) for v in apart.min(axis=1)]


def _whole(under: Box, other: Box) -> bool:
    return under.x0 <= other.x0 and under.y0 <= other.y0 and other.x1 <= under.x1 and other.y1 <= under.y1


def _of(layout: Sequence[Labelled], label: Hashable) -> list[Box]:
    return [box for own, box in layout if own == label]


def _similarity(one: Labelled, other: Labelled, width: float, height: float) -> float:
    (label, a), (second, b) = one, other
    if label != second:
        return 0.0
    area = min(a.area, b.area) / (width * height)
    dx, dy = (a.x0 + a.x1 - b.x0 - b.x1) / 2 / width, (a.y0 + a.y1 - b.y0 - b.y1) / 2 / height
    shape = abs(a.width - b.width) / width + abs(a.height - b.height) / height
    return float(math.sqrt(area) * 2 ** (-math.hypot(dx, dy) - 2 * shape))
