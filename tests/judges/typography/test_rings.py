from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.judges.typography.reader import PaddleReader
from evalkit.judges.typography.ribbon import Ribbon
from evalkit.judges.typography.rings import Ring, rings, roll, unroll
from tests.judges.typography.drawing import on_circle

ROUND = "THE BEST FRESH BREAD AND GOOD COFFEE OF THIS TOWN"


def arc_map(start: float, stop: float, *, radius: float = 180.0, thickness: float = 14.0) -> NDArray[np.float32]:
    """A detector's map of text from `start` to `stop` (radians, clockwise from the right) round (256, 256)."""
    y, x = np.mgrid[:512, :512]
    distance, angle = np.hypot(x - 256, y - 256), np.arctan2(y - 256, x - 256) % (2 * np.pi)
    inside = (np.abs(distance - radius) < thickness / 2) & (angle > start) & (angle < stop)
    return np.asarray(inside, dtype=np.float32)


def test_an_arc_has_its_centre_and_radii() -> None:
    [ring] = rings(arc_map(3.4, 6.0), (512, 512))
    assert [ring.x, ring.y] == pytest.approx([256, 256], abs=4)
    assert ring.inner < 173
    assert 187 < ring.outer < 230
    assert not 3.4 < ring.seam % (2 * np.pi) < 6.0


def test_two_arcs_of_one_circle_are_one_ring() -> None:
    assert len(rings(np.maximum(arc_map(3.4, 6.0), arc_map(0.6, 2.6, radius=172)), (512, 512))) == 1


def test_a_straight_line_has_no_ring_whatever_its_slant() -> None:
    y, x = np.mgrid[:512, :512]
    for slope in (0.0, 0.4, 1.0):
        line = (np.abs(y - 256 - slope * (x - 256)) < 9) & (np.abs(x - 256) < 150)
        assert rings(line.astype(np.float32), (512, 512)) == []


def test_what_is_unrolled_is_rolled_back_to_its_place() -> None:
    ring = Ring(256.0, 256.0, 150.0, 210.0, 1.6)
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[252:260, 70:82] = 255  # left of the centre, 180 px away
    flat = unroll(picture, ring)
    ys, xs = np.nonzero(flat[:, :, 0] > 128)
    edges = (np.array([[xs.min(), y], [xs.max() + 1, y]], np.float32) for y in (ys.min(), ys.max() + 1))
    box = roll(Ribbon(*edges), ring).box
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((70, 252, 82, 260), abs=3)


def test_text_on_a_circle_is_read(paddle_reader: PaddleReader) -> None:
    lines = paddle_reader.read(on_circle(ROUND))
    [curved] = [line for line in lines if line.curved]
    assert curved.text == ROUND
    bread = next(word for word in curved.words if word.text == "BREAD")
    assert bread.box.y1 < 256  # it stands on the upper half
    assert len(curved.polygon) > 8
