"""Elements that have only a colour, and cases that do not state every place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Background, Box, Case, Element, TextTarget, Verdict
from evalkit.judges.layout.judge import LayoutJudge

SKY, LAND, SUN = (40, 84, 196), (44, 150, 84), (250, 206, 60)
GROUND = Background("solid", (SKY,))
PART = Element("land", "region", Box(8, 114, 120, 126), LAND)
DISC = Element("sun", "circle", Box(82, 18, 110, 46), SUN)
CASE = Case("a", "land under a sun", width=128, height=128, elements=(PART,), background=GROUND)


def picture(land=LAND, sun=SUN) -> Pixels:
    pixels = np.full((128, 128, 3), SKY, np.uint8)
    pixels[96:] = land
    y, x = np.ogrid[:128, :128]
    pixels[(x - 95.5) ** 2 + (y - 31.5) ** 2 <= 14**2] = sun
    return pixels


def look(pixels: Pixels, case: Case) -> Verdict:
    return LayoutJudge().judge(Picture.from_pixels(pixels), case, None)


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind for finding in verdict.findings]


def test_a_part_is_right_where_its_colour_fills_its_box_whatever_lies_around():
    verdict = look(picture(), CASE)
    assert kinds(verdict) == []
    assert verdict.score("layout.placement").value == 1.0


@pytest.mark.parametrize("noise", [3])
def test_noise_of_a_codec_leaves_a_part_right(noise):
    rng = np.random.default_rng(0)
    noisy = np.clip(picture() + rng.integers(-noise, noise, (128, 128, 3), endpoint=True), 0, 255).astype(np.uint8)
    assert kinds(look(noisy, CASE)) == []


def test_a_part_in_another_colour_and_one_that_is_not_there():
    wrong = look(picture(land=(208, 40, 44)), CASE)
    assert kinds(wrong) == ["wrong-color"]
    assert wrong.score("layout.placement").value == 0.0
    gone = look(picture(land=SKY), CASE)
    assert kinds(gone) == ["missing-element"]


def test_nothing_is_extra_where_something_has_no_place():
    placed = replace(CASE, elements=(DISC,))
    assert "extra-element" in kinds(look(picture(), placed)), "the land was not asked for"
    assert kinds(look(picture(), replace(placed, extra={"unplaced": [{"kind": "region"}]}))) == []
    assert kinds(look(picture(), replace(placed, texts=(TextTarget("SALT"),)))) == []


def test_the_ground_can_be_such_a_part_and_hides_nothing_extra():
    ground = Element("ground", "region", Box(2, 2, 78, 90), SKY)
    case = replace(CASE, elements=(ground, DISC))
    assert kinds(look(picture(), case)) == ["extra-element"], "the land was not asked for"
    slightly_off = picture()
    slightly_off[(slightly_off == SKY).all(-1)] = (46, 90, 202)
    assert "wrong-color" not in kinds(look(slightly_off, case))
    hidden = replace(case, elements=(Element("ground", "region", Box(2, 2, 126, 90), SKY),))
    assert "extra-element" in kinds(look(picture(land=SKY), hidden)), "the sun was not asked for"
    other = picture()
    other[(other == SKY).all(-1)] = (208, 40, 44)
    wrong = [finding for finding in look(other, case).findings if finding.kind == "wrong-color"]
    assert [finding.target for finding in wrong] == ["element:ground"]
