"""Faults of drawing: the strokes of one word cut, blurred, mirrored or melted. The spelling stays as it is.

Each takes a text as a layer of ink, and the share of the word's ink that is to be harmed; the size is the share that
was. "Harmed" is ink whose coverage has changed by a quarter or more, over the word's ink, at most 1.
"""

from __future__ import annotations

import numpy as np

from evalkit.api.records import Box
from evalkit.benchmarks.faults.fault import Alpha, Layer, LayerFault
from evalkit.benchmarks.faults.layer import hull, window

SHARE = 0.25
HARM = 0.25
"""A pixel of ink is harmed where its coverage has changed by this much."""
UNIT = "share of the strokes"


def cut_strokes(layer: Layer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """Gaps across the strokes of one word, of half a stroke's width and more, until `share` of its ink is gone."""
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


def blur_strokes(layer: Layer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """A stretch of one word smeared by a Gaussian of a stroke's width, until its shapes run together."""
    from scipy.ndimage import gaussian_filter

    box = _word(layer, rng)
    if box is None:
        return None
    ink = _padded(layer, box)
    blurred = gaussian_filter(ink, max(stroke_width(ink), 1.0), mode="constant")
    return _in_stretch(layer, _grown(layer, box), blurred, share, rng)


def melt_strokes(layer: Layer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """A stretch of one word warped by a random displacement that is smooth over two strokes' widths."""
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


def mirror_strokes(layer: Layer, rng: np.random.Generator, *, share: float = SHARE) -> LayerFault | None:
    """As many letters of one word as hold `share` of its ink drawn mirrored; `None` if it has none that shows it."""
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
                continue  # o, H, l: the mirror shows nothing
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
"""Shorter words are left alone: a quarter of two letters is hardly a letter."""


def stroke_width(ink: Alpha) -> float:
    """Mean width of strokes in px: twice the area of the ink over the length of its outline."""
    edges = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
    return float(2 * ink.sum() / max(edges, 1.0)) * 1.2  # an outline along the grid is longer than the curve it follows


def _word(layer: Layer, rng: np.random.Generator) -> Box | None:
    words = [word for word in layer.words if len(word) >= LEAST_LETTERS]
    return hull(words[rng.integers(len(words))]) if words else None


PAD = 4


def _grown(layer: Layer, box: Box) -> Box:
    height, width = layer.alpha.shape
    return Box(max(box.x0 - PAD, 0), max(box.y0 - PAD, 0), min(box.x1 + PAD, width), min(box.y1 + PAD, height))


def _padded(layer: Layer, box: Box) -> Alpha:
    return layer.alpha[window(_grown(layer, box))].copy()


def _in_stretch(layer: Layer, box: Box, spoiled: Alpha, share: float, rng: np.random.Generator) -> LayerFault:
    """The word with `spoiled` ink in a stretch of columns, as wide as harms `share` of the ink."""
    ink = layer.alpha[window(box)]
    harmed = (np.abs(spoiled - ink) >= HARM) & (np.maximum(ink, spoiled) > HARM)
    # ink that is gone and ink that is new at once: half of their sum is how much of the ink has moved
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


def _made(layer: Layer, box: Box, alpha: Alpha, *, moved: bool = False) -> LayerFault:
    ink = layer.alpha[window(box)]
    harmed = (np.abs(alpha - ink) >= HARM).sum() / (2 if moved else 1) / max(float((ink > HARM).sum()), 1.0)
    whole = layer.alpha.copy()
    whole[window(box)] = alpha
    return LayerFault(whole, float(min(harmed, 1.0)), UNIT)


def _local(box: Box, within: Box) -> tuple[slice, slice]:
    return window(Box(box.x0 - within.x0, box.y0 - within.y0, box.x1 - within.x0, box.y1 - within.y0))
