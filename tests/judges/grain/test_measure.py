"""Calibration: drawn cases of known strength. Tolerances are written beside each figure."""

from __future__ import annotations

import numpy as np
import pytest

from judges.grain.colour import to_lab
from judges.grain.findings import VISIBLE, figures
from judges.grain.mask import connected
from judges.grain.measure import detrended, grid, visible_noise
from tests.judges.grain.conftest import blobs, ground, measured, ramp, tiles

SHAPE = (512, 512)
FLAT = np.zeros(SHAPE)


def test_lab_of_known_colours() -> None:
    lab = to_lab(np.array([[[255, 255, 255], [0, 0, 0], [119, 119, 119], [255, 0, 0], [0, 0, 255]]], dtype=np.uint8))
    expected = [(100, 0, 0), (0, 0, 0), (50.03, 0, 0), (53.24, 80.09, 67.20), (32.30, 79.19, -107.86)]
    # tolerance 0.05: the published values use one digit more of the sRGB matrix
    assert np.stack(lab, axis=-1)[0] == pytest.approx(np.array(expected), abs=0.05)


def test_a_flat_ground_has_exactly_none() -> None:
    assert measured(ground(FLAT)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(128, 128), (512, 512), (700, 1024)])
@pytest.mark.parametrize("levels", [-100, -40, -30, 15, 60])
def test_rounding_on_a_ramp_is_not_visible(shape: tuple[int, int], levels: float) -> None:
    assert measured(ground(ramp(shape, levels))).area == 0.0
    assert measured(ground(ramp(shape[::-1], levels).T)).area == 0.0


@pytest.mark.parametrize("correlation", [0.0, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("side", [128, 512])
def test_more_noise_is_more_visible(correlation: float, side: int) -> None:
    shape = (side, side)
    seen = [measured(ground(blobs(shape, rms, correlation))).visible_noise for rms in (0.7, 1.0, 2.0, 4.0, 8.0)]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(4 * seen[2], rel=0.15)  # linear: 8 levels against 2


@pytest.mark.parametrize(
    ("noise", "level"),
    [
        (blobs(SHAPE, 1, 0), 0.174),
        (blobs(SHAPE, 1, 0.8), 0.297),
        (blobs(SHAPE, 0.5, 2), 0.160),
        (blobs(SHAPE, 1, 2), 0.297),
        (blobs(SHAPE, 1, 4), 0.223),
        (tiles(SHAPE, 0.7, 16), 0.125),
    ],
)
def test_levels_are_those_of_the_prototype(noise: np.ndarray, level: float) -> None:
    # facts/metrics.md 3.3, at 67 pixels per degree; tolerance 5 %: another noise, another detrending
    assert measured(ground(noise)).median == pytest.approx(level, rel=0.05)


def test_correlated_grain_is_more_visible_than_white_noise_of_the_same_rms() -> None:
    white, grain = (measured(ground(blobs(SHAPE, 1, c))).median for c in (0.0, 2.0))
    assert grain > 1.5 * white


def test_the_result_does_not_depend_on_the_ramp_beneath() -> None:
    noise = blobs(SHAPE, 2, 1)
    on_flat, on_ramp = measured(ground(noise)), measured(ground(noise + ramp(SHAPE, -60)))
    assert on_ramp.visible_noise == pytest.approx(on_flat.visible_noise, rel=0.1)


def test_a_panel_does_not_bend_the_trend_of_the_ground_beside_it() -> None:
    plane = np.full((256, 256), 80.0, dtype=np.float32)
    plane[:, 100:] = 30.0
    mask = np.ones(plane.shape, dtype=bool)
    mask[:, 92:108] = False
    [rest] = detrended([plane], connected(mask))
    assert np.abs(rest).max() < 1e-3


def test_what_is_on_one_edge_is_not_seen_at_the_other() -> None:
    noise = np.zeros(SHAPE)
    noise[:, :64] = blobs((512, 64), 6, 1)
    lab = to_lab(ground(noise))
    local = visible_noise([lab], connected(np.ones(SHAPE, dtype=bool)))[0].local
    assert local[:, -64:].max() < VISIBLE / 2
    assert figures(local[:, :40]).median > 1.0


@pytest.mark.parametrize("period", [8, 16, 32])
def test_a_grid_is_found_with_its_period_also_under_noise(period: int) -> None:
    for noise in (0.0, 0.5):
        lab = to_lab(ground(tiles(SHAPE, 1.5, period) + blobs(SHAPE, noise or 1e-9, 0)))
        regions = connected(np.ones(SHAPE, dtype=bool))
        found = grid(visible_noise([lab], regions)[0].weighted, regions > 0)
        assert found.period == period
        assert found.share > 0.5


@pytest.mark.parametrize("correlation", [0.0, 2.0, 4.0])
def test_noise_is_no_grid(correlation: float) -> None:
    lab = to_lab(ground(blobs(SHAPE, 4, correlation)))
    regions = connected(np.ones(SHAPE, dtype=bool))
    assert grid(visible_noise([lab], regions)[0].weighted, regions > 0).share < 0.02


def test_one_spot_is_no_grid() -> None:
    spot = np.zeros(SHAPE)
    spot[100:104, 200:204] = -60
    regions = connected(np.ones(SHAPE, dtype=bool))
    assert grid(visible_noise([to_lab(ground(spot))], regions)[0].weighted, regions > 0).rms < VISIBLE
