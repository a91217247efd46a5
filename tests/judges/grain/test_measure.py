"""Calibration: drawn cases of known strength. Tolerances are written beside each figure."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.judges.grain.colour import Lab, delta_e, to_lab
from evalkit.judges.grain.findings import figures
from evalkit.judges.grain.mask import connected
from evalkit.judges.grain.measure import VISIBLE, detrended
from tests.judges.grain.conftest import blobs, ground, measured, noise, ramp, tiles

SHAPE = (512, 512)
FLAT = np.zeros(SHAPE)


def test_lab_of_known_colours() -> None:
    lab = to_lab(np.array([[[255, 255, 255], [0, 0, 0], [119, 119, 119], [255, 0, 0], [0, 0, 255]]], dtype=np.uint8))
    expected = [(100, 0, 0), (0, 0, 0), (50.03, 0, 0), (53.24, 80.09, 67.20), (32.30, 79.19, -107.86)]
    # tolerance 0.05: the published values use one digit more of the sRGB matrix
    assert np.stack(lab, axis=-1)[0] == pytest.approx(np.array(expected), abs=0.05)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [  # the published test data of Sharma, Wu & Dalal 2005
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_colour_differences_are_the_published_ones(one: tuple, other: tuple, distance: float) -> None:
    planes = [Lab(*(np.full((1, 1), value, dtype=np.float64) for value in colour)) for colour in (one, other)]
    assert delta_e(*planes)[0, 0] == pytest.approx(distance, abs=1e-4)


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
    ("added", "level"),
    [
        (blobs(SHAPE, 1, 0), 0.174),
        (blobs(SHAPE, 1, 0.8), 0.297),
        (blobs(SHAPE, 0.5, 2), 0.160),
        (blobs(SHAPE, 1, 2), 0.297),
        (blobs(SHAPE, 1, 4), 0.223),
        (tiles(SHAPE, 0.7, 16), 0.125),
    ],
)
def test_levels_are_those_of_the_prototype(added: np.ndarray, level: float) -> None:
    # facts/metrics.md 3.3, at 67 pixels per degree; tolerance 5 %: another noise, another detrending
    assert measured(ground(added)).median == pytest.approx(level, rel=0.05)


def test_correlated_grain_is_more_visible_than_white_noise_of_the_same_rms() -> None:
    white, grain = (measured(ground(blobs(SHAPE, 1, c))).median for c in (0.0, 2.0))
    assert grain > 1.5 * white


def test_the_result_does_not_depend_on_the_ramp_beneath() -> None:
    added = blobs(SHAPE, 2, 1)
    on_flat, on_ramp = measured(ground(added)), measured(ground(added + ramp(SHAPE, -60)))
    assert on_ramp.visible_noise == pytest.approx(on_flat.visible_noise, rel=0.1)


def test_a_panel_does_not_bend_the_trend_of_the_ground_beside_it() -> None:
    plane = np.full((256, 256), 80.0, dtype=np.float32)
    plane[:, 100:] = 30.0
    mask = np.ones(plane.shape, dtype=bool)
    mask[:, 92:108] = False
    rest = detrended(plane, connected(mask))
    assert np.abs(rest).max() < 1e-3


def test_what_is_on_one_edge_is_not_seen_at_the_other() -> None:
    added = np.zeros(SHAPE)
    added[:, :64] = blobs((512, 64), 6, 1)
    local = noise(ground(added)).local  # cells of 4 px
    assert local[:, -16:].max() < VISIBLE / 2
    assert figures(local[:, :10]).median > 1.0
