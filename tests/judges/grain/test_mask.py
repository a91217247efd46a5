from __future__ import annotations

import numpy as np
import pytest

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box
from evalkit.judges.grain.colour import view
from evalkit.judges.grain.mask import FlatArea, connected, flat_area, too_small
from tests.judges.grain.conftest import GREY, blobs, ground, ramp

SHAPE = (512, 512)
PANEL = (slice(300, 420), slice(60, 460))


def page(added: np.ndarray | None = None) -> Pixels:
    """A ground with a dark panel."""
    pixels = ground(np.zeros(SHAPE) if added is None else added)
    pixels[PANEL] = (30, 30, 80)
    return pixels


def test_the_ground_is_flat_and_edges_keep_their_distance() -> None:
    area = flat_area(view(page()), twin=view(page()))
    assert area.source == "twin"
    assert area.mask[:270].all()  # 30 px away: the reach of the smoothing, and the margin
    edge = np.zeros(SHAPE, dtype=bool)
    edge[PANEL] = True
    edge[305:415, 65:455] = False
    assert not area.mask[edge].any()
    assert area.regions[100, 100] != area.regions[360, 260] > 0  # the panel is flat too, but a region of its own


def test_the_judged_picture_alone_never_says_what_is_flat() -> None:
    with pytest.raises(ValueError, match="alone"):
        flat_area(view(page()))


def test_grain_does_not_hide_from_the_twins_mask() -> None:
    area = flat_area(view(page(blobs(SHAPE, 6, 1.5))), twin=view(page()))
    assert area.mask[:270].mean() > 0.99


def test_a_panel_in_nearly_the_grounds_colour_is_not_ground() -> None:
    pixels = ground(np.zeros(SHAPE))
    pixels[PANEL] = (203, 208, 215)
    declared = {"regions": [Box(0, 0, 512, 200)], "colours": [GREY]}
    panel = Box(PANEL[1].start, PANEL[0].start, PANEL[1].stop, PANEL[0].stop)
    assert flat_area(view(pixels), **declared).mask[PANEL].all()  # nothing tells it from the ground
    assert not flat_area(view(pixels), elements=[panel], **declared).mask[PANEL].any()


def test_the_ground_goes_on_between_the_declared_regions() -> None:
    area = flat_area(view(page()), regions=[Box(0, 0, 512, 40)], colours=[GREY])
    assert area.source == "declared regions"
    assert area.mask[:270].all()
    assert not area.mask[320:400, 80:440].any()


def test_a_photo_with_the_grounds_colour_in_it_is_not_ground() -> None:
    pixels = page()
    pixels[320:400, 80:440] = GREY  # inside a dark frame
    area = flat_area(view(pixels), regions=[Box(0, 0, 512, 40)], colours=[GREY])
    assert not area.mask[320:400, 80:440].any()


def test_a_gentle_gradient_is_flat() -> None:
    gradient = view(ground(ramp(SHAPE, -60)))
    assert flat_area(gradient, twin=gradient).coverage > 0.99
    ends = [GREY, (140, 145, 152)]
    assert flat_area(gradient, colours=ends).coverage > 0.99
    assert flat_area(gradient, colours=[GREY]).coverage < 0.5


def test_what_the_student_drew_elsewhere_is_cut_out() -> None:
    student = page()
    student[50:80, 100:300] = (200, 30, 30)
    area = flat_area(view(student), twin=view(page()))
    assert not area.mask[46:54, 100:300].any()


def test_declared_regions_come_before_all_else() -> None:
    area = flat_area(view(page()), regions=[Box(11.2, 20, 150.9, 130)], twin=view(page()))
    assert area.source == "declared regions"
    ys, xs = np.nonzero(area.mask)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (12, 149, 20, 129)


def test_declared_colours_find_the_ground_under_grain() -> None:
    area = flat_area(view(page(blobs(SHAPE, 4, 1.5))), colours=[GREY])
    assert area.source == "declared colours"
    assert area.mask[:280].mean() > 0.95
    assert not area.mask[320:400, 80:440].any()


@pytest.mark.parametrize(
    ("side", "flat", "enough"), [(512, 60, False), (512, 80, True), (128, 14, False), (128, 22, True)]
)
def test_a_region_must_be_64_px_square_or_a_quarter_of_that_in_a_128_px_picture(
    side: int, flat: int, enough: bool
) -> None:
    mask = np.zeros((side, side), dtype=bool)
    mask[:flat, :flat] = True
    assert (too_small(FlatArea(connected(mask), "twin")) == "") is enough


def test_less_than_two_percent_is_not_enough() -> None:
    mask = np.zeros((1024, 1024), dtype=bool)
    mask[:120, :120] = True
    assert too_small(FlatArea(connected(mask), "twin")) == "only 1.4% of the picture is flat (at least 2%)"


def test_a_ground_in_a_wrong_colour_is_still_the_ground() -> None:
    pixels = ground(np.zeros(SHAPE), (200, 190, 240))
    pixels[PANEL] = (30, 30, 80)
    area = flat_area(view(pixels), colours=[GREY])
    assert area.mask[:280].all()
    assert not area.mask[320:400, 80:440].any()


@pytest.mark.parametrize("shape", [(33, 33), (65, 127), (513, 401)])
def test_odd_sizes_work(shape: tuple[int, int]) -> None:
    area = flat_area(view(ground(np.zeros(shape))), colours=[GREY])
    assert area.regions.shape == shape
    assert area.mask.all()
