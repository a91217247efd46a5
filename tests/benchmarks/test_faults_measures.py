"""Faults have the stated size and place, measured independently of the code that makes them."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.api.errors import GenerationError
from evalkit.api.records import Box
from evalkit.benchmarks.faults.banding import banding
from evalkit.benchmarks.faults.cast import colour_cast
from evalkit.benchmarks.faults.inject import inject
from evalkit.benchmarks.faults.lab import to_lab, to_rgb
from evalkit.benchmarks.faults.mottle import mottle
from evalkit.benchmarks.faults.on_picture import TextArea, inject_into
from evalkit.benchmarks.faults.registry import LAYER, ON_INK, PICTURE
from evalkit.benchmarks.scenes.draw import draw
from evalkit.benchmarks.scenes.recipe import KINDS, FaultSpec, SceneRecipe
from evalkit.benchmarks.scenes.render import compose, render

pytestmark = pytest.mark.slow

FLAT = np.full((256, 256, 3), (120, 140, 160), np.uint8)
EVERYWHERE = np.ones((256, 256), bool)


def scenes(kind: str, count: int = 6, size: int = 384, **strength: float):
    """(recipe, faulty picture) of the first scenes in which the fault is possible."""
    found = []
    for seed in range(60):
        recipe = SceneRecipe(KINDS[seed % len(KINDS)], seed, size, faults=(FaultSpec(kind, seed, strength),))
        made = inject(recipe)
        if made.faults:
            found.append((SceneRecipe(recipe.kind, seed, size), made))
        if len(found) == count:
            return found
    raise AssertionError(f"{kind}: only {len(found)} of 60 scenes can have it")


@pytest.mark.parametrize("kind", ["cut-strokes", "blur-strokes", "melt-strokes", "mirror-strokes"])
def test_as_much_of_the_strokes_is_harmed_as_was_asked_for(kind):
    sizes = {}
    for share in (0.1, 0.25, 0.5):
        made = [m.faults[0] for _, m in scenes(kind, share=share)]
        sizes[share] = float(np.mean([fault.size for fault in made]))
        assert all(fault.detail["expected"] == fault.detail["drawn"] for fault in made), "the spelling stays"
    assert sizes[0.1] < sizes[0.25] < sizes[0.5]
    if kind != "mirror-strokes":  # whole letters only
        assert sizes[0.25] == pytest.approx(0.25, abs=0.08)
        assert sizes[0.5] == pytest.approx(0.5, abs=0.1)


def test_cuts_stay_inside_the_text():
    for recipe, made in scenes("cut-strokes", share=0.3):
        clean, mask = render(recipe), made.masks[0]
        index = int(made.faults[0].target.removeprefix("text:"))
        assert mask.any()
        box = clean.texts[index].box
        outside = mask.copy()
        outside[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = False
        assert not outside.any()


@pytest.mark.parametrize("px", [4.0, 12.0])
@pytest.mark.parametrize("kind", ["shift-text", "overlap-text", "run-off-text", "clip-text", "widen-gap"])
def test_lengths_are_reached_to_the_pixel(kind, px):
    for _, made in scenes(kind, px=px):
        fault = made.faults[0]
        assert (fault.size, fault.unit) == (px, "px")
        if kind == "overlap-text":
            assert fault.box.height == px
        if kind == "clip-text":
            assert px in (fault.box.height, fault.box.width)


def test_a_shifted_text_stands_beside_its_place():
    for recipe, made in scenes("shift-text", px=9.0):
        scene = compose(recipe)
        index = int(made.faults[0].target.removeprefix("text:"))
        was = next(t.box for t in draw(scene).texts if t.id == scene.texts[index].id)
        assert abs(made.faults[0].box.x0 - was.x0) == 9
        assert made.faults[0].box.y0 == was.y0


@pytest.mark.parametrize("degrees", [1.0, 6.0])
def test_a_tilted_line_has_the_stated_slope(degrees):
    for recipe, made in scenes("tilt-text", 4, degrees=degrees):
        fault, scene = made.faults[0], compose(recipe)
        assert (fault.size, fault.unit) == (degrees, "degrees")
        block = scene.texts[int(fault.target.removeprefix("text:"))]
        was = next(text.box for text in draw(scene).texts if text.id == block.id)
        turned = was.width * np.sin(np.deg2rad(degrees)) + was.height * np.cos(np.deg2rad(degrees))
        assert fault.box.height <= turned + 3, "a box turned by that much is no taller"
        assert fault.box.height >= was.height
        assert fault.box.height > was.height or was.width * np.sin(np.deg2rad(degrees)) < 2


def test_order_and_rows():
    for recipe, made in scenes("swap-texts"):
        clean, fault = render(recipe), made.faults[0]
        boxes = {text.text: text.box for text in clean.texts}
        assert fault.box.intersection(boxes[str(fault.detail["text"])]) > 0
        assert fault.box.intersection(boxes[str(fault.detail["with"])]) > 0
    for _, made in scenes("uneven-spacing", 3, 512, px=10.0):
        assert made.faults[0].size == 10


def test_words_come_and_go():
    for kind, change in (("drop-word", -1), ("repeat-word", 1), ("extra-word", 1)):
        for _, made in scenes(kind):
            detail = made.faults[0].detail
            assert len(str(detail["drawn"]).split()) - len(str(detail["expected"]).split()) == change
    for _, made in scenes("swap-letters"):
        detail = made.faults[0].detail
        assert sorted(str(detail["drawn"])) == sorted(str(detail["expected"]))


@pytest.mark.parametrize("wanted", [16.0, 48.0])
def test_a_text_of_the_wanted_height_is_chosen(wanted):
    for kind in ("substitute-letter", "drop-word", "cut-strokes"):
        for _, made in scenes(kind, 3, 512, height_px=wanted):
            assert made.faults[0].detail["height_px"] == pytest.approx(wanted, rel=0.21)


def test_lab_is_cielab():
    assert to_lab(np.array([255, 255, 255])) == pytest.approx([100, 0, 0], abs=0.01)
    assert to_lab(np.array([255, 0, 0])) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    colors = np.random.default_rng(0).integers(0, 256, (200, 3)).astype(np.uint8)
    assert np.allclose(to_rgb(to_lab(colors)), colors, atol=1e-6)


@pytest.mark.parametrize("delta_e", [2.0, 6.0])
def test_a_cast_moves_the_hue_and_not_the_lightness(delta_e):
    made = colour_cast(FLAT, EVERYWHERE, 1, delta_e=delta_e)
    change = to_lab(made.pixels[0, 0]) - to_lab(FLAT[0, 0])
    assert np.linalg.norm(change) == pytest.approx(made.size) == pytest.approx(delta_e, rel=0.15)
    assert abs(change[0]) < 0.4


def test_bands_are_flat_and_a_step_apart():
    made = banding(FLAT, EVERYWHERE, 3, step=4.0, width_px=32.0)
    values = np.unique(made.pixels[..., 0].astype(int))
    assert set(np.diff(values)) == {4}
    lines = made.pixels[..., 0].astype(int)
    steps = np.abs(np.diff(lines, axis=0)).sum(axis=1) + np.abs(np.diff(lines, axis=1)).sum(axis=0)
    edges = np.flatnonzero(steps)
    assert 5 <= len(edges) <= 9
    assert np.median(np.diff(edges)) == pytest.approx(32, abs=2)


def test_mottle_is_soft():
    made = mottle(FLAT, EVERYWHERE, 0, rms=6.0)
    change = made.pixels[..., 0].astype(float) - FLAT[..., 0]
    assert np.abs(np.diff(change, axis=0)).mean() < 0.15 * change.std()


@pytest.mark.parametrize("kind", ["grain", "mottle"])
def test_strength_can_be_stated_in_lightness(kind):
    for wanted in (0.5, 2.0):
        spec = FaultSpec(kind, 1, {"rms_lightness": wanted})
        recipe = SceneRecipe("poster", 2, 256)
        made, clean = inject(SceneRecipe("poster", 2, 256, faults=(spec,))), render(recipe)
        change = (to_lab(made.pixels) - to_lab(clean.pixels))[made.masks[0]][:, 0]
        assert np.sqrt(np.mean(change**2)) == pytest.approx(wanted, rel=0.1)
        assert made.faults[0].detail["rms_lightness"] == pytest.approx(wanted, rel=0.1)
    with pytest.raises(GenerationError):
        inject(SceneRecipe("poster", 2, 256, faults=(FaultSpec("banding", 1, {"rms_lightness": 1.0}),)))


@pytest.mark.parametrize("kind", PICTURE)
def test_a_patch_is_a_square_of_the_stated_side(kind):
    recipe = SceneRecipe("poster", 2, 256)
    made = inject(SceneRecipe("poster", 2, 256, faults=(FaultSpec(kind, 4, {"patch": 0.25}),)))
    box = made.faults[0].box
    assert max(box.width, box.height) <= 64
    assert box.width * box.height >= 0.5 * 64 * 64
    changed = (made.pixels != render(recipe).pixels).any(axis=2)
    changed[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = False
    assert not changed.any()


def poster():
    """A picture that is not a scene (Pillow's font on a soft ground), the places of its texts, and its flat area."""
    from PIL import Image, ImageDraw, ImageFont

    ys, xs = np.mgrid[0:300, 0:360]
    ground = np.stack([200 + ys / 10, 215 + xs / 20, 225 - ys / 12], -1).astype(np.uint8)
    image = Image.fromarray(ground)
    pen, areas = ImageDraw.Draw(image), []
    for y, text, size in ((50, "Grand Opening", 36), (150, "FRESH BREAD", 44)):
        font = ImageFont.load_default(size=size)
        pen.text((180, y), text, font=font, fill=(40, 30, 80), anchor="mm")
        areas.append(TextArea(text, Box(*pen.textbbox((180, y), text, font=font, anchor="mm"))))
    flat = np.zeros((300, 360), bool)
    flat[220:] = True
    return np.asarray(image), areas, flat


@pytest.mark.parametrize("kind", [*ON_INK, *LAYER, *PICTURE])
def test_any_clean_picture_can_be_spoiled(kind):
    pixels, areas, flat = poster()
    strength = {"px": 64.0} if kind == "move-text" else {}
    made = inject_into(pixels, [FaultSpec(kind, 5, strength)], texts=areas, flat=flat)
    (fault,), (mask,) = made.faults, made.masks
    changed = (made.pixels != pixels).any(axis=2)
    assert changed.any()
    assert not changed[~mask].any()
    assert 0 <= fault.box.x0 < fault.box.x1 <= 360
    assert 0 <= fault.box.y0 < fault.box.y1 <= 300
    assert fault.size > 0
    if "drawn" in fault.detail and kind in list(ON_INK)[:6]:
        assert fault.detail["drawn"] != fault.detail["expected"]
    inside = changed[int(fault.box.y0) : int(fault.box.y1), int(fault.box.x0) : int(fault.box.x1)]
    assert inside.any(), "the box holds some of the change"


def test_what_needs_a_scene_says_so():
    pixels, areas, flat = poster()
    with pytest.raises(GenerationError, match="needs a scene"):
        inject_into(pixels, [FaultSpec("swap-texts")], texts=areas, flat=flat)
    assert inject_into(pixels, [FaultSpec("grain")], texts=areas).faults == (), "no flat ground is known"
