from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from evalkit.api.errors import GenerationError
from evalkit.api.records import Box
from evalkit.benchmarks.faults.grain import grain
from evalkit.benchmarks.faults.grid import grid
from evalkit.benchmarks.faults.inject import inject
from evalkit.benchmarks.faults.registry import CONTENT, FAULTS
from evalkit.benchmarks.scenes.case import scene_case
from evalkit.benchmarks.scenes.draw import draw
from evalkit.benchmarks.scenes.recipe import KINDS, FaultSpec, SceneRecipe
from evalkit.benchmarks.scenes.render import compose, render


def faulty(kind: str, scene: str = "poster", seed: int = 0, **strength: float):
    return inject(SceneRecipe(scene, seed, 256, faults=(FaultSpec(kind, seed, strength),)))


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("scene", KINDS)
def test_a_fault_changes_its_mask_and_nothing_else(kind, scene):
    for seed in range(4):
        made = faulty(kind, scene, seed)
        clean = render(SceneRecipe(scene, seed, 256)).pixels
        assert len(made.faults) <= 1
        for fault, mask in zip(made.faults, made.masks, strict=True):
            changed = (made.pixels != clean).any(axis=2)
            assert changed.any(), (fault, seed)
            assert not changed[~mask].any()
            assert fault.box.area > 0
            assert fault.size > 0
            assert Box(0, 0, 256, 256).intersection(fault.box) == fault.box.area, "inside the picture"


@pytest.mark.parametrize("kind", ["substitute-letter", "drop-letter", "double-letter", "drop-word"])
def test_a_fault_of_text_stays_in_its_text(kind):
    for seed in range(6):
        made = faulty(kind, "poster", seed)
        case = scene_case(SceneRecipe("poster", seed, 256), "a")
        (fault,), (mask,) = made.faults, made.masks
        index = int(fault.target.removeprefix("text:"))
        assert case.texts[index].text == fault.detail["expected"] != fault.detail["drawn"]
        box = case.texts[index].box
        assert box is not None
        others = [text.box for text in case.texts if text.box and text is not case.texts[index]]
        for other in others:
            assert not mask[int(other.y0) : int(other.y1), int(other.x0) : int(other.x1)].any()
        assert box.intersection(fault.box) > 0


def test_letters():
    def drawn(kind):
        return [(f.detail["expected"], f.detail["drawn"]) for s in range(8) for f in faulty(kind, "label", s).faults]

    for expected, wrong in drawn("substitute-letter"):
        assert len(expected) == len(wrong)
        different = [(a, b) for a, b in zip(expected, wrong, strict=True) if a != b]
        assert len(different) == 1
        assert different[0][0].isupper() == different[0][1].isupper()
    assert all(len(wrong) == len(expected) - 1 for expected, wrong in drawn("drop-letter"))
    assert all(len(wrong) == len(expected) + 1 for expected, wrong in drawn("double-letter"))
    assert all(len(wrong.split()) == len(expected.split()) - 1 for expected, wrong in drawn("drop-word"))


def test_the_box_of_a_wrong_letter_is_that_letters():
    for seed in range(8):
        (fault,) = faulty("substitute-letter", "label", seed).faults
        text = str(fault.detail["drawn"])
        position = next(i for i, (a, b) in enumerate(zip(text, str(fault.detail["expected"]), strict=True)) if a != b)
        recipe = SceneRecipe("label", seed, 256)
        scene = compose(recipe)
        block = scene.texts[int(fault.target.removeprefix("text:"))]
        edited = dataclasses.replace(block, lines=(text,)) if len(block.lines) == 1 else None
        assert edited, "labels set their texts in one line"
        (alone,) = draw(dataclasses.replace(scene, items=(edited,))).texts
        inked = position - text[:position].count(" ")
        assert alone.characters[inked].box == fault.box
        assert alone.characters[inked].char == text[position]


def test_overlapping_texts_overlap():
    for seed in range(6):
        for fault in faulty("overlap-text", "poster", seed).faults:
            assert fault.size == fault.box.height >= 1
            assert 0 < fault.detail["share"] <= 1.0
            made = faulty("overlap-text", "poster", seed)
            moved = int(fault.target.removeprefix("text:"))
            case = scene_case(SceneRecipe("poster", seed, 256), "a")
            still = [text.box for i, text in enumerate(case.texts) if i != moved and text.box]
            assert any(fault.box.intersection(box) == fault.box.area for box in still), "the box is the covered part"
            rows, columns = slice(int(fault.box.y0), int(fault.box.y1)), slice(int(fault.box.x0), int(fault.box.x1))
            assert made.masks[0][rows, columns].any()
    single = SceneRecipe("card", 0, 128, faults=(FaultSpec("overlap-text"),))
    assert len(compose(single).texts) == 1
    assert inject(single).faults == (), "a single text can't overlap another"


@pytest.mark.parametrize("rms", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("kind", ["grain", "grid", "mottle"])
def test_patterns_have_the_stated_rms_and_spare_everything_but_ground(kind, rms):
    recipe = SceneRecipe("poster", 2, 256)
    drawing = render(recipe)
    made = faulty(kind, "poster", 2, rms=rms)
    difference = made.pixels.astype(float) - drawing.pixels
    assert np.sqrt(np.mean(difference[drawing.bare] ** 2)) == pytest.approx(rms, rel=0.02)
    assert made.faults[0].size == pytest.approx(rms, rel=0.02)
    assert (difference[~drawing.bare] == 0).all(), "text and shapes are untouched"
    assert (made.faults[0].unit, made.faults[0].target) == ("sRGB RMS", "background")


def test_grain_has_the_stated_correlation_length():
    flat = np.full((512, 512, 3), 128, np.uint8)
    everywhere = np.ones((512, 512), bool)

    def correlation(length: float, lag: int) -> float:
        noise = grain(flat, everywhere, 1, rms=12.0, correlation_px=length).pixels[..., 0].astype(float) - 128
        return float(np.mean(noise[:, lag:] * noise[:, :-lag]) / np.mean(noise**2))

    assert abs(correlation(0, 1)) < 0.02
    for length in (2, 4, 8):
        assert correlation(length, length) == pytest.approx(np.exp(-1), abs=0.05)


def test_the_grid_repeats():
    flat = np.full((256, 256, 3), 128, np.uint8)
    made = grid(flat, np.ones((256, 256), bool), 3, rms=5.0, period_px=16.0)
    wave = made.pixels[..., 0].astype(float) - 128
    assert np.array_equal(wave[:, 16:], wave[:, :-16])
    assert not np.array_equal(wave[:, 8:], wave[:, :-8])


def test_clipping_is_told_not_hidden():
    white = np.full((128, 128, 3), 255, np.uint8)
    made = grain(white, np.ones((128, 128), bool), 0, rms=4.0)
    assert made.size == pytest.approx(np.sqrt(np.mean((made.pixels.astype(float) - 255) ** 2)))


def test_several_faults_in_one_picture():
    specs = (FaultSpec("grain", 1), FaultSpec("substitute-letter", 2), FaultSpec("drop-word", 3))
    made = inject(SceneRecipe("poster", 2, 512, faults=specs))
    assert [fault.kind for fault in made.faults] == ["substitute-letter", "drop-word", "grain"]


@pytest.mark.parametrize(
    "spec", [FaultSpec("rust"), FaultSpec("grain", 0, {"rsm": 2.0}), FaultSpec("drop-word", 0, {"rms": 1.0})]
)
def test_an_unknown_fault_or_strength_is_refused(spec):
    with pytest.raises(GenerationError) as caught:
        inject(SceneRecipe("card", 0, 128, faults=(spec,)))
    assert caught.value.hint


def test_every_content_fault_can_happen():
    for kind in CONTENT:
        made = (
            inject(SceneRecipe(scene, seed, 512, faults=(FaultSpec(kind),))) for seed in range(4) for scene in KINDS
        )
        assert any(one.faults for one in made), kind
