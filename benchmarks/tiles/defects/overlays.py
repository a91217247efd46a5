"""Overlays on a drawn picture: grain, bands, a grid, a cast, blur, noise, garbled strokes; and a harmless one.

Strengths are in visibility thresholds: a strength of 1 is just noticed in a 128 px picture at normal viewing.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from evalkit.api.records import Box
from evalkit.benchmarks.tiles.defects.depiction import Canvas, Overlay
from evalkit.benchmarks.tiles.scene import SIDE, TILE

GRAIN_RMS = 2.5
"""sRGB levels of grain at its threshold."""
BAND_LEVELS, GRID_LEVELS, CAST_LEVELS = 4.0, 3.5, 8.0
NOISE_RMS = 3.0
BLUR_SIGMA = 0.6
STROKE_PX = 0.8

Floats = NDArray[np.float32]


def grain(box: Box, size: float, seed: int, correlation_px: float) -> Overlay:
    """Noise on the ground inside `box`, equal in R, G and B."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        x0, y0, x1, y1 = _ints(box)
        noise = np.random.default_rng(seed).standard_normal((y1 - y0, x1 - x0)).astype(np.float32)
        if correlation_px > 0:
            noise = _smooth(noise, correlation_px / 2)
        noise *= np.float32(size * GRAIN_RMS) / max(float(noise.std()), 1e-6)
        canvas[y0:y1, x0:x1] += (noise * (1 - ink[y0:y1, x0:x1]))[..., None]

    return apply


def bands(size: float, period_px: int, across: bool) -> Overlay:
    """Stripes on the ground."""
    wave = (np.arange(SIDE) // period_px % 2 * 2 - 1) * size * BAND_LEVELS
    return _on_ground(np.broadcast_to(wave[None] if across else wave[:, None], (SIDE, SIDE)))


def grid(size: float, period_px: int) -> Overlay:
    """Lines on the ground, one px wide."""
    line = np.arange(SIDE) % period_px == 0
    return _on_ground((line[None] | line[:, None]) * (size * GRID_LEVELS * 2))


def cast(size: float, seed: int) -> Overlay:
    """A tint of the ground that grows towards one side."""
    rng = np.random.default_rng(seed)
    angle, color = rng.uniform(0, 2 * np.pi), rng.standard_normal(3)
    ys, xs = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) * 2 - 1
    slope = (np.cos(angle) * xs + np.sin(angle) * ys) * size * CAST_LEVELS
    return _on_ground(slope[..., None] * color / np.abs(color).max())


def mottle(size: float, seed: int) -> Overlay:
    """Soft blotches on the ground."""
    coarse = np.random.default_rng(seed).standard_normal((SIDE // TILE, SIDE // TILE)).astype(np.float32)
    soft = _smooth(np.kron(coarse, np.ones((TILE, TILE), np.float32)), 5.0)
    return _on_ground(soft / max(float(soft.std()), 1e-6) * size * GRAIN_RMS)


UNEVEN = ("banding", "grid", "mottle", "cast")
"""Kinds of an uneven ground."""


def uneven(kind: str, size: float, rng: random.Random) -> Overlay:
    """One of the kinds of `UNEVEN` on the ground, with random parameters."""
    if kind == "banding":
        return bands(size, rng.choice((4, 6, 8, 12)), rng.random() < 0.5)
    if kind == "grid":
        return grid(size, rng.choice((8, 16)))
    return {"mottle": mottle, "cast": cast}[kind](size, rng.getrandbits(32))


def noise(size: float, seed: int) -> Overlay:
    """White noise on the whole picture."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        canvas += np.random.default_rng(seed).standard_normal(canvas.shape).astype(np.float32) * (size * NOISE_RMS)

    return apply


def noise_in(box: Box, size: float, seed: int, *, gray: bool, cell: int) -> Overlay:
    """Noise inside `box`, ink included: a new value for each cell of some px, equal in R, G and B if `gray`."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        x0, y0, x1, y1 = _ints(box)
        rows, columns = -(-(y1 - y0) // cell), -(-(x1 - x0) // cell)
        cells = np.random.default_rng(seed).standard_normal((rows, columns, 1 if gray else 3)).astype(np.float32)
        each = cells.repeat(cell, 0).repeat(cell, 1)[: y1 - y0, : x1 - x0]
        canvas[y0:y1, x0:x1] += each * np.float32(size * NOISE_RMS)

    return apply


def blur(size: float) -> Overlay:
    """Blur of the whole picture."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        canvas[:] = _smooth(canvas, size * BLUR_SIGMA)

    return apply


def garble(box: Box, size: float, seed: int) -> Overlay:
    """Bent and broken strokes inside `box`: every pixel is copied from a place nearby."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        x0, y0, x1, y1 = _ints(box)
        rng = np.random.default_rng(seed)
        height, width = y1 - y0, x1 - x0
        field = rng.standard_normal((2, height, width)).astype(np.float32)
        dy, dx = (_smooth(each, 1.6) for each in field)
        scale = size * STROKE_PX * 1.4 / max(float(np.sqrt((dx**2 + dy**2).mean())), 1e-6)
        ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        rows = np.clip(np.rint(ys + dy * scale), y0, y1 - 1).astype(int)
        columns = np.clip(np.rint(xs + dx * scale), x0, x1 - 1).astype(int)
        canvas[y0:y1, x0:x1] = canvas[rows, columns]

    return apply


def manner(seed: int) -> Overlay:
    """The look of a good picture by the mini models: slightly wrong colours by tile, soft edges, faint noise."""

    def apply(canvas: Canvas, ink: Floats) -> None:
        rng = np.random.default_rng(seed)
        if rng.random() < 0.4:
            canvas[:] = _smooth(canvas, rng.uniform(0.1, 0.3))
        tiles = rng.standard_normal((SIDE // TILE, SIDE // TILE, 3)).astype(np.float32) * rng.uniform(0, 0.8)
        canvas += np.kron(tiles, np.ones((TILE, TILE, 1), np.float32))
        canvas += rng.standard_normal(3).astype(np.float32) * rng.uniform(0, 1.2)
        canvas += rng.standard_normal(canvas.shape).astype(np.float32) * rng.uniform(0, 0.8)
        canvas += ((rng.standard_normal(canvas.shape) * rng.uniform(0, 4.0)) * ink[..., None]).astype(np.float32)

    return apply


def _on_ground(change: NDArray[np.float64] | Floats) -> Overlay:
    def apply(canvas: Canvas, ink: Floats) -> None:
        shaped = change if change.ndim == 3 else change[..., None]
        canvas += (shaped * (1 - ink)[..., None]).astype(np.float32)

    return apply


def _ints(box: Box) -> tuple[int, int, int, int]:
    return int(box.x0), int(box.y0), int(box.x1), int(box.y1)


def _smooth(values: Floats, sigma: float) -> Floats:
    """Gaussian blur along the first two axes, edges repeated."""
    from scipy.ndimage import gaussian_filter

    made: Floats = gaussian_filter(values, sigma, mode="nearest", truncate=3.0, axes=(0, 1))
    return made
