from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from evalkit.api.pictures import Picture
from evalkit.api.records import Box, Case, Status
from evalkit.formats.keys import to_json
from evalkit.judges.layout.ink import moved
from evalkit.judges.layout.judge import LayoutJudge
from tests.judges.layout.conftest import (
    DISC,
    GROUND,
    INK,
    NOTE,
    SIDE,
    SQUARE,
    TITLE,
    case,
    design,
    judged,
    letters,
    one,
    shape,
    value,
)


def test_a_design_as_declared_is_all_placed_and_has_no_finding() -> None:
    verdict = judged(design())
    assert not verdict.findings
    assert value(verdict, "placement") == 1.0
    assert value(verdict, "violations") == 0.0
    assert value(verdict, "overlap_px") == 0.0
    assert value(verdict, "contrast_min") == pytest.approx(12.3, abs=0.1)


@pytest.mark.parametrize("depth", [2, 4, 8, 16, 20])
def test_an_overlap_is_found_to_the_pixel_though_both_texts_have_one_colour(depth: int) -> None:
    lifted = moved(NOTE, 0, TITLE.y1 - depth - NOTE.y0)
    verdict = judged(design(note=lifted))
    finding = one(verdict, "overlap")
    assert finding.size == pytest.approx(depth, abs=1)
    assert finding.box.iou(Box(NOTE.x0, TITLE.y1 - depth, NOTE.x1, TITLE.y1)) > 0.6
    assert (finding.target, finding.unit) == ("text:1", "px")
    assert value(verdict, "overlap_px") == finding.size


def test_a_text_buried_in_another_overlaps_and_one_left_out_does_not() -> None:
    narrow = Box(96, 100, 160, 124)
    declared = case()
    wanted = replace(
        declared,
        texts=(declared.texts[0], replace(declared.texts[1], box=narrow)),
        elements=tuple(replace(e, box=narrow) if e.id == "note" else e for e in declared.elements),
    )
    buried = judged(design(note=moved(narrow, 0, TITLE.y1 - 21 - narrow.y0)), wanted)
    finding = one(buried, "overlap")
    assert finding.size == pytest.approx(21, abs=1)
    assert finding.box.iou(Box(narrow.x0, TITLE.y1 - 21, narrow.x1, TITLE.y1)) > 0.8
    assert "missing-element" not in [f.kind for f in buried.findings]
    assert [f.kind for f in judged(design(note=None), wanted).findings] == ["missing-element"]


def test_in_a_picture_of_something_else_nothing_is_found_by_chance() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 200, (SIDE, SIDE, 3), dtype=np.uint8)
    verdict = judged(noise)
    assert value(verdict, "placement") == 0.0
    assert {f.kind for f in verdict.findings} <= {"missing-element", "extra-element"}


def test_a_thing_that_moved_is_out_of_place_by_so_many_pixels_and_no_longer_placed() -> None:
    verdict = judged(design(disc=moved(DISC, 30, 20)))
    finding = one(verdict, "out-of-place")
    assert finding.size == pytest.approx(np.hypot(30, 20), abs=1.5)
    assert finding.box.iou(moved(DISC, 30, 20)) > 0.9
    assert finding.target == "element:circle-0"
    assert value(verdict, "placement") == 0.75


def test_a_few_pixels_are_no_other_place() -> None:
    assert value(judged(design(disc=moved(DISC, 2, 2))), "placement") == 1.0


def test_wrong_colour_wrong_shape_and_nothing_at_all_are_told_apart() -> None:
    violet = (120, 60, 180)
    recoloured = judged(design(disc_colour=violet))
    assert [f.kind for f in recoloured.findings] == ["wrong-color"]
    assert one(recoloured, "wrong-color").evidence["found"] == "#783cb4"
    assert [f.kind for f in judged(design(disc_shape="triangle")).findings] == ["wrong-shape"]
    missing = judged(design(disc=None))
    assert [f.kind for f in missing.findings] == ["missing-element"]
    assert one(missing, "missing-element").box == DISC
    for verdict in (recoloured, missing):
        assert value(verdict, "placement") == 0.75


def test_a_missing_text_is_missing_and_lifts_no_other_figure() -> None:
    verdict = judged(design(note=None))
    assert one(verdict, "missing-element").target == "text:1"
    assert value(verdict, "overlap_px") == 0.0


def test_something_nobody_asked_for_is_extra() -> None:
    pixels = design()
    shape(pixels, Box(112, 216, 144, 248), (120, 60, 180), "square")
    verdict = judged(pixels)
    finding = one(verdict, "extra-element")
    assert finding.box.iou(Box(112, 216, 144, 248)) > 0.9
    assert value(verdict, "placement") == 1.0


def test_text_cut_by_the_edge_of_the_picture_says_how_much_is_lost() -> None:
    verdict = judged(design(note=moved(NOTE, SIDE - NOTE.x1 + 20, 0)))
    finding = one(verdict, "clipped")
    assert finding.size == pytest.approx(20, abs=2)
    assert SIDE - 4 <= finding.box.x1 <= SIDE  # the edge falls between two letters


def test_pale_text_is_low_contrast_unless_it_was_asked_for() -> None:
    pale = (214, 208, 196)
    verdict = judged(design(ink=pale))
    finding = one(verdict, "low-contrast")
    assert finding.evidence["contrast"] == pytest.approx(1.3, abs=0.1)
    assert (finding.size, finding.unit) == (pytest.approx(3 / 1.3, abs=0.1), "times too low")
    assert value(verdict, "contrast_min") == pytest.approx(1.3, abs=0.1)
    wanted = case()
    asked = replace(wanted, elements=tuple(replace(e, color=pale) if e.id == "note" else e for e in wanted.elements))
    assert not judged(design(ink=pale), asked).findings


def test_a_text_without_a_declared_colour_is_found_all_the_same() -> None:
    bare = replace(case(), elements=case().elements[2:])
    assert not judged(design(), bare).findings
    assert one(judged(design(note=None), bare), "missing-element").target == "text:1"


@pytest.mark.parametrize("scale", [0.5, 2, 8])
def test_the_picture_may_have_another_size_than_the_canvas(scale: float) -> None:
    from PIL import Image

    size = (round(SIDE * scale), round(SIDE * scale))
    lifted = moved(NOTE, 0, TITLE.y1 - 8 - NOTE.y0)
    for pixels, expected in ((design(), 0.0), (design(note=lifted), 8 * scale)):
        verdict = judged(np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BOX)))
        assert value(verdict, "overlap_px") == pytest.approx(expected, abs=max(1, scale / 2 + 0.5))
        assert value(verdict, "placement") == (1.0 if not expected else 0.75)


def test_drift_is_the_distance_to_the_same_things_in_the_twin() -> None:
    verdict = judged(design(disc=moved(DISC, 0, 12)), twin=design())
    assert value(verdict, "drift") == pytest.approx(12 / 4, abs=0.3)
    assert value(judged(design(), twin=design()), "drift") == 0.0
    alone = judged(design()).score("layout.drift")
    assert alone is not None
    assert (alone.status, alone.reason) == (Status.UNSCORED, "there is no twin to compare with")


def test_without_declared_places_components_are_matched_with_the_twin() -> None:
    bare = Case("a/bare", "a design", width=SIDE, height=SIDE)
    verdict = judged(design(disc=moved(DISC, 0, 12), title=None), bare, design(title=None))
    drift = value(verdict, "drift")
    assert drift is not None
    assert 0 < drift < 12
    assert not verdict.findings
    placement = verdict.score("layout.placement")
    assert placement is not None
    assert placement.reason == "the case declares no place of any text or element"


def test_any_picture_gets_a_verdict() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    ramp = np.broadcast_to(np.linspace(0, 255, SIDE).astype(np.uint8)[:, None, None], (SIDE, SIDE, 3))
    flat = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    for pixels in (noise, np.ascontiguousarray(ramp), flat):
        verdict = judged(pixels, twin=noise)
        assert value(verdict, "placement") is not None
        json.dumps(to_json(verdict))
        bare = judged(pixels, Case("a/bare", "a design", width=SIDE, height=SIDE), twin=noise)
        assert all(score.status is Status.UNSCORED for score in bare.scores)
    for shape_ in ((1, 1), (5, 300), (33, 40), (127, 131)):
        assert len(judged(np.zeros((*shape_, 3), np.uint8)).scores) == 5


def test_findings_lie_in_the_picture_and_the_evidence_is_json() -> None:
    verdict = judged(design(title=moved(TITLE, 150, -60), note=None, disc=None, square=moved(SQUARE, 60, 60)))
    assert verdict.findings
    for finding in verdict.findings:
        assert 0 <= finding.box.x0 < finding.box.x1 <= SIDE
        assert 0 <= finding.box.y0 < finding.box.y1 <= SIDE
    assert len(json.dumps(to_json(verdict))) < 20_000


def test_noise_and_blur_of_a_model_are_no_defects_of_layout() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(1)
    soft = gaussian_filter(design().astype(float), (0.8, 0.8, 0))
    noisy = np.clip(soft + gaussian_filter(rng.normal(0, 10, soft.shape), (1, 1, 0)), 0, 255).astype(np.uint8)
    assert not judged(noisy).findings


def test_the_controls_pass_and_can_fail() -> None:
    judge = LayoutJudge()
    clean, faulty = judge.controls()
    for control in (clean, faulty):
        assert control.passes(judge.judge(control.picture, control.case, control.twin)), control.name
    assert not clean.passes(judge.judge(faulty.picture, clean.case, None))
    assert not faulty.passes(judge.judge(clean.picture, faulty.case, None))
    blank = Picture.from_pixels(np.full((SIDE, SIDE, 3), GROUND, np.uint8))
    assert not any(control.passes(judge.judge(blank, control.case, None)) for control in (clean, faulty))


def test_letters_left_out_do_not_send_a_text_elsewhere() -> None:
    pixels = design(note=None)
    letters(pixels, Box(NOTE.x0, NOTE.y0, NOTE.x1 - 32, NOTE.y1), INK, 16, 9)
    kinds = [finding.kind for finding in judged(pixels).findings]
    assert "out-of-place" not in kinds
    assert "missing-element" not in kinds
