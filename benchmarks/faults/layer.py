"""Takes a text of a picture as a layer of ink: exactly if the picture is a drawn scene, by estimation otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from evalkit.api.pictures import Pixels
from evalkit.api.records import RGB, Box
from evalkit.benchmarks.faults.fault import Alpha, InkLayer, Mask
from evalkit.benchmarks.scenes.draw import Drawing, DrawnText, draw
from evalkit.benchmarks.scenes.scene import Scene

FAINT = 1 / 64
"""Coverage below this counts as 0: it changes no pixel by more than a few code values."""
CLEAR = 0.15
"""Coverage from which a pixel counts as ink, in a picture that was not drawn by this package."""
LEAST_CONTRAST = 48
"""Least distance of ink from its ground, summed over R, G and B."""


def scene_layer(scene: Scene, drawing: Drawing, index: int, pixels: Pixels) -> InkLayer | None:
    """Text number `index` of a scene. `pixels` is the scene as drawn, with other faults. `None` if it has no ink."""
    block = scene.texts[index]
    drawn = next((text for text in drawing.texts if text.id == block.id), None)
    if drawn is None:
        return None
    items = tuple(item for item in scene.items if item is not block)
    under = draw(dataclasses.replace(scene, items=items)).pixels
    changed = _inside(drawn.box, pixels) & (pixels != under).any(axis=2)
    return InkLayer(
        under, coverage(pixels, under, changed, block.color), block.color, drawn.box, words_of(drawn), drawn.text
    )


def words_of(drawn: DrawnText) -> tuple[tuple[Box, ...], ...]:
    """The boxes of a text's inked characters, word by word."""
    return _grouped(tuple(char.box for char in drawn.characters), drawn.text)


def picture_layer(
    pixels: Pixels, text: str, box: Box, characters: Sequence[Box] = (), others: Sequence[Box] = ()
) -> InkLayer | None:
    """The text in `box` of any picture. The ground under it is filled in from the box's rim.

    The ground is interpolated between the columns just left and right of the box. The ink's colour is the median of
    the pixels farthest from the ground. If `characters` is not given, the ink is cut at its empty columns, so that
    letters that touch count as one shape. `None` if the box holds no ink that differs from its ground.
    """
    from scipy.ndimage import binary_dilation

    height, width = pixels.shape[:2]
    x0, y0 = max(int(box.x0) - 1, 0), max(int(box.y0) - 1, 0)
    x1, y1 = min(int(box.x1) + 1, width), min(int(box.y1) + 1, height)
    if x1 - x0 < 3 or y1 - y0 < 3:
        return None
    patch = pixels[y0:y1, x0:x1].astype(np.float64)
    share = np.linspace(0, 1, x1 - x0)[None, :, None]
    ground = patch[:, :1] * (1 - share) + patch[:, -1:] * share
    away = np.abs(patch - ground).sum(axis=2)
    if away.max() < LEAST_CONTRAST:
        return None
    color = np.median(patch[away >= 0.8 * away.max()], axis=0)
    under = pixels.copy()
    under[y0:y1, x0:x1] = np.rint(ground).astype(np.uint8)
    ink: RGB = (int(color[0]), int(color[1]), int(color[2]))
    alpha = coverage(pixels, under, _inside(Box(x0, y0, x1, y1), pixels), ink)
    alpha[~binary_dilation(alpha >= CLEAR, iterations=2)] = 0.0  # the ground's own unevenness, not the rim of a stroke
    found = tuple(characters) or _gaps(alpha, Box(x0, y0, x1, y1))
    if not found:
        return None
    words = _grouped(found, text) if len(found) == len("".join(text.split())) else (found,)
    return InkLayer(under, alpha, ink, bounds(alpha > FAINT), words, text, tuple(others))


def coverage(pixels: Pixels, under: Pixels, where: Mask, color: RGB) -> Alpha:
    """(H, W) share of `color` in `pixels` over `under`, by least squares over the channels; 0 outside `where`."""
    base = under[where].astype(np.float64)
    span = np.array(color, np.float64) - base
    power = np.maximum((span**2).sum(axis=1), 1.0)
    alpha = np.zeros(where.shape)
    alpha[where] = np.clip(((pixels[where] - base) * span).sum(axis=1) / power, 0, 1)
    return alpha


def inked(pixels: Pixels, layer: InkLayer, alpha: Alpha) -> Pixels:
    """`pixels` with the ink of `layer` replaced by `alpha`. Pixels whose coverage stays the same are not touched."""
    changed = np.abs(alpha - layer.alpha) > 1e-9
    share = alpha[changed][:, None]
    result = pixels.copy()
    result[changed] = np.rint(layer.under[changed] * (1 - share) + np.array(layer.color) * share).astype(np.uint8)
    return result


def bounds(mask: Mask) -> Box:
    """The box of the true pixels of an (H, W) mask, of which there must be at least one."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of `boxes`."""
    result = boxes[0]
    for box in boxes[1:]:
        result = result.union(box)
    return result


def window(box: Box) -> tuple[slice, slice]:
    """Rows and columns of a box on whole pixels."""
    return slice(max(int(box.y0), 0), int(box.y1)), slice(max(int(box.x0), 0), int(box.x1))


def _inside(box: Box, pixels: Pixels) -> Mask:
    mask = np.zeros(pixels.shape[:2], np.bool_)
    mask[window(box)] = True
    return mask


def _grouped(boxes: tuple[Box, ...], text: str) -> tuple[tuple[Box, ...], ...]:
    words, start = [], 0
    for word in text.split():
        words.append(boxes[start : start + len(word)])
        start += len(word)
    return tuple(word for word in words if word)


def _gaps(alpha: Alpha, box: Box) -> tuple[Box, ...]:
    columns = np.concatenate([[False], (alpha[window(box)] > 0.3).any(axis=0), [False]])
    edges = np.flatnonzero(columns[1:] != columns[:-1])
    found = []
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        part = Box(box.x0 + int(start), box.y0, box.x0 + int(stop), box.y1)
        rows = np.flatnonzero((alpha[window(part)] > 0.3).any(axis=1))
        found.append(Box(part.x0, box.y0 + int(rows[0]), part.x1, box.y0 + int(rows[-1]) + 1))
    return tuple(found)
