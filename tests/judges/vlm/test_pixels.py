"""How many tokens a picture has, and which pictures are too large."""

import dataclasses
import io

import pytest
from PIL import Image

from evalkit.judges.vlm.pixels import fit, patch_of, scaled_down, too_large, vision_tokens
from tests.judges.vlm.asks import scale, shot


@pytest.mark.parametrize(
    ("width", "height", "patch", "tokens"),
    [
        (1024, 1024, 32, 1024),
        (2048, 2048, 32, 4096),
        (1024, 512, 32, 512),
        (1036, 1036, 28, 1369),
        (1000, 600, 32, 589),
    ],
)
def test_vision_tokens_at_native_pixels(width: int, height: int, patch: int, tokens: int) -> None:
    assert vision_tokens(width, height, patch) == tokens


def test_a_small_picture_that_is_not_enlarged_is_not_scaled_down() -> None:
    assert vision_tokens(16, 16, 32) == 1
    assert scaled_down(scale(images=(shot(128, 128),)), 20, 32) == ""


@pytest.mark.parametrize(
    ("model", "patch"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct-FP8", 32),
        ("/weights/qwen3_vl_32b", 32),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 28),
        ("gpt-5", None),
    ],
)
def test_patch_by_name(model: str, patch: int | None) -> None:
    assert patch_of(model) == patch


@pytest.mark.parametrize(("tokens", "fine"), [(2100, True), (1960, True), (1500, False), (10, False), (None, True)])
def test_scaled_down(tokens: int | None, fine: bool) -> None:
    ask = scale(images=(shot(1024, 1024), shot(1024, 1024, 9)))
    assert (scaled_down(ask, tokens, 32) == "") is fine
    assert scaled_down(ask, tokens, None) == ""


def test_a_long_text_does_not_make_up_for_missing_pixels() -> None:
    ask = scale(images=(shot(1024, 1024),), text="word " * 1600)
    assert scaled_down(ask, 1600, 32)


def test_fit_makes_a_smaller_image_with_another_hash() -> None:
    large = shot(300, 200)
    small = fit(large, 15_000)
    with Image.open(io.BytesIO(small.png)) as image:
        assert image.size == (small.width, small.height) == (150, 100)
    assert small.sha256 != large.sha256
    assert fit(large, 60_000) is large
    assert too_large(dataclasses.replace(scale(), images=(large,)), 59_999)
    assert not too_large(dataclasses.replace(scale(), images=(small,)), 15_000)
