"""Faults of drawing: the strokes of one word are cut, blurred, mirrored or melted. The spelling does not change.

Each function takes a text as a layer of ink, and the share of the word's ink to damage. The size is the share that was
damaged: the ink whose coverage has changed by a quarter or more, divided by the word's ink, at most 1.
"""

from __future__ import annotations

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import Alpha, InkLayer, LayerFault
from evalkit.benchmarks.faults.layer import hull, window

SHARE = 0.25
HARM = 0.25
"""A pixel of ink is damaged if its coverage has changed by at least this much."""
UNIT = "share of the strokes"


def cut_strokes(layer: InkLayer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """Cut gaps of at least half a stroke's width across the strokes of one word until `share` of its ink is gone."""
    box = _word(layer, rng)
    if box is None:
        return None
    ink = layer.alpha[window(box)]
    total, alpha = ink.sum(), ink.copy()
    ys, xs = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]]
    width = max(0.5 * stroke_width(ink), 1.0)
    spots = np.argwhere(ink > 0.5)
    for _ in range(400):
        if len(spots) == 0 or 1 - alpha.sum() / total >= share:
            break
        y, x = spots[rng.integers(len(spots))]
        angle = rng.uniform(0, np.pi)
        along = np.abs((ys - y) * np.sin(angle) + (xs - x) * np.cos(angle))
        across = np.abs((ys - y) * np.cos(angle) - (xs - x) * np.sin(angle))
        gap = np.clip(width + 0.5 - across, 0, 1) * np.clip(3 * width + 0.5 - along, 0, 1)
        alpha = alpha * (1 - gap)
    return _made(layer, box, alpha)


def blur_strokes(layer: InkLayer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """Blur a stretch of one word with a Gaussian as wide as a stroke, so that its shapes run together."""
    from scipy.ndimage import gaussian_filter

    box = _word(layer, rng)
    if box is None:
        return None
    ink = _padded(layer, box)
    blurred = gaussian_filter(ink, max(stroke_width(ink), 1.0), mode="constant")
    return _in_stretch(layer, _grown(layer, box), blurred, share, rng)


def melt_strokes(layer: InkLayer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """Warp a stretch of one word by a random displacement that is smooth over two strokes' widths."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    box = _word(layer, rng)
    if box is None:
        return None
    ink = _padded(layer, box)
    stroke = max(stroke_width(ink), 1.0)
    shifts = []
    for _ in range(2):
        field = gaussian_filter(rng.standard_normal(ink.shape), 2 * stroke, mode="reflect")
        shifts.append(field / max(float(field.std()), 1e-9) * 1.6 * stroke)
    ys, xs = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]]
    melted = np.clip(map_coordinates(ink, [ys + shifts[0], xs + shifts[1]], order=1, mode="constant"), 0, 1)
    return _in_stretch(layer, _grown(layer, box), melted, share, rng)


def mirror_strokes(layer: InkLayer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """Mirror as many letters of one word as hold `share` of its ink. `None` if mirroring changes none of them."""
    order = [i for i, word in enumerate(layer.words) if len(word) >= LEAST_LETTERS]
    rng.shuffle(order)
    for index in order:
        word = layer.words[index]
        box = hull(word)
        alpha = layer.alpha[window(box)].copy()
        total, harmed, where = alpha.sum(), 0.0, []
        for number in rng.permutation(len(word)):
            letter = word[number]
            part = _local(letter, box)
            flipped = alpha[part][:, ::-1].copy()
            if np.abs(flipped - alpha[part]).sum() < 0.3 * alpha[part].sum():
                continue  # o, H, l: mirroring changes nothing
            harmed += alpha[part].sum() / total
            alpha[part] = flipped
            where.append(letter)
            if harmed >= share:
                break
        if where:
            whole = layer.alpha.copy()
            whole[window(box)] = alpha
            return LayerFault(whole, min(float(harmed), 1.0), UNIT, hull(where))
    return None


LEAST_LETTERS = 3
"""Least number of letters of a word: a quarter of a shorter one is hardly a letter."""


def stroke_width(ink: Alpha) -> float:
    """Mean width of strokes in px: twice the area of the ink over the length of its outline."""
    edges = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
    return float(2 * ink.sum() / max(edges, 1.0)) * 1.2  # an outline along the grid is longer than the curve it follows


def _word(layer: InkLayer, rng: np.random.Generator) -> Box | None:
    words = [word for word in layer.words if len(word) >= LEAST_LETTERS]
    return hull(words[rng.integers(len(words))]) if words else None


PAD = 4


def _grown(layer: InkLayer, box: Box) -> Box:
    height, width = layer.alpha.shape
    return Box(max(box.x0 - PAD, 0), max(box.y0 - PAD, 0), min(box.x1 + PAD, width), min(box.y1 + PAD, height))


def _padded(layer: InkLayer, box: Box) -> Alpha:
    return layer.alpha[window(_grown(layer, box))].copy()


def _in_stretch(layer: InkLayer, box: Box, spoiled: Alpha, share: float, rng: np.random.Generator) -> LayerFault:
    """The word with `spoiled` ink in a stretch of columns that is wide enough to damage `share` of the ink."""
    ink = layer.alpha[window(box)]
    harmed = (np.abs(spoiled - ink) >= HARM) & (np.maximum(ink, spoiled) > HARM)
    # moved ink is counted twice, where it is gone and where it is new: hence half of the sum
    columns = np.cumsum(harmed.sum(axis=0)) / 2 / max(float((ink > HARM).sum()), 1.0)
    width = len(columns)
    stretch = next(
        (w for w in range(2, width) if np.percentile(columns[w:] - columns[:-w], 75) >= min(share, columns[-1])), width
    )
    gains = np.array([columns[min(x + stretch, width) - 1] - columns[x] for x in range(max(width - stretch, 1))])
    good = np.flatnonzero(gains >= np.percentile(gains, 60))
    start = int(good[rng.integers(len(good))])
    alpha = ink.copy()
    alpha[:, start : start + stretch] = spoiled[:, start : start + stretch]
    return _made(layer, box, alpha, moved=True)


def _made(layer: InkLayer, box: Box, alpha: Alpha, *, moved: bool = False) -> LayerFault:
    ink = layer.alpha[window(box)]
    harmed = (np.abs(alpha - ink) >= HARM).sum() / (2 if moved else 1) / max(float((ink > HARM).sum()), 1.0)
    whole = layer.alpha.copy()
    whole[window(box)] = alpha
    return LayerFault(whole, float(min(harmed, 1.0)), UNIT)


def _local(box: Box, within: Box) -> tuple[slice, slice]:
    return window(Box(box.x0 - within.x0, box.y0 - within.y0, box.x1 - within.x0, box.y1 - within.y0))
