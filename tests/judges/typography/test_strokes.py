"""The ink of a word reveals a softened stretch and broken strokes; clean type has neither."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box
from evalkit.judges.typography.strokes import coverage, intact, pieces, pieces_of
from tests.judges.typography.conftest import drawn

BOX = Box(28, 62, 250, 112)


@pytest.fixture
def clean() -> Pixels:
    return drawn("Handmade").pixels


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    import cv2

    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)


def test_clean_type_is_whole(clean: Pixels) -> None:
    assert intact(clean, BOX, "Handmade") == 1.0


def test_soft_in_one_stretch_is_damage_and_soft_all_over_is_a_style(clean: Pixels) -> None:
    soft = np.array(clean)
    soft[:, 70:110] = blurred(clean, 4.0)[:, 70:110]
    assert intact(soft, BOX, "Handmade") < 0.5
    assert intact(blurred(clean, 2.0), BOX, "Handmade") > 0.9


def test_strokes_with_gaps_fall_into_more_pieces_than_letters_have(clean: Pixels) -> None:
    cut = np.array(clean)
    cut[88:91] = clean[0, 0]
    covered = coverage(cut, BOX)
    assert covered is not None
    assert pieces(covered) > 10
    assert intact(cut, BOX, "Handmade") < 0.7


def test_what_can_not_be_told_is_no_damage(clean: Pixels) -> None:
    assert intact(np.full_like(clean, 90), BOX, "Handmade") == 1.0
    noisy = np.random.default_rng(1).integers(0, 255, clean.shape).astype(np.uint8)
    assert coverage(noisy, BOX) is None
    assert coverage(clean, Box(30, 64, 34, 66)) is None


@pytest.mark.parametrize(("word", "due"), [("Bag", 3), ("in", 3), ("Müde", 6), ("80%", 6), ("咖啡", None)])
def test_letters_have_their_pieces(word: str, due: int | None) -> None:
    assert pieces_of(word) == due
