from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import JudgeError
from evalkit.api.pictures import Picture, Pixels, encode_png
from evalkit.api.records import Box, Case, Finding, Grade, SourceImage, Status, Task, grade_of
from evalkit.formats.keys import to_json
from evalkit.judges.edit.controls import _BLUE, _RED, SOURCE, drawn
from evalkit.judges.edit.judge import EditJudge
from evalkit.verdict.blame import is_worse

JUDGE = EditJudge()
SIDE = 256
GROUND, INK = (206, 214, 220), (24, 24, 28)
DISH, LABEL = Box(40, 40, 104, 104), Box(150, 160, 230, 200)


def page() -> Pixels:
    """A ground with a dish and a label."""
    pixels = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    fill(pixels, DISH, (30, 60, 120))
    fill(pixels, LABEL, INK)
    return pixels


def fill(pixels: Pixels, box: Box, color) -> None:
    pixels[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = color


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Make the dish green: nothing else may change."""
    data = encode_png(page())
    path = tmp_path / "source.png"
    path.write_bytes(data)
    source = SourceImage(str(path), hashlib.sha256(data).hexdigest())
    extra = {"edit": {"kind": "recolor", "changed": [to_json(DISH)]}}
    return Case("a", "Make the dish green.", Task.EDIT, SIDE, SIDE, source=source, extra=extra)


def edited() -> Pixels:
    pixels = page()
    fill(pixels, DISH, (44, 150, 84))
    return pixels


def values(pixels: Pixels, case: Case) -> tuple[float | None, float | None, tuple[Finding, ...]]:
    verdict = JUDGE.judge(Picture.from_pixels(pixels), case, None)
    assert [score.dimension for score in verdict.scores] == [d.name for d in JUDGE.dimensions]
    json.dumps(verdict.evidence)
    return verdict.scores[0].value, verdict.scores[1].value, verdict.findings


def reasons(picture: Pixels, case: Case) -> set[str]:
    verdict = JUDGE.judge(Picture.from_pixels(picture), case, None)
    assert {score.status for score in verdict.scores} == {Status.UNSCORED}
    assert not verdict.findings
    return {score.reason for score in verdict.scores}


def test_the_controls_hold():
    controls = list(JUDGE.controls())
    assert len(controls) >= 3
    for control in controls:
        verdict = JUDGE.judge(control.picture, control.case, None)
        assert control.passes(verdict), control.name
    # and the controls tell the verdicts apart
    first = JUDGE.judge(controls[0].picture, controls[0].case, None)
    assert not controls[1].passes(first)
    assert not controls[2].passes(first)


def test_the_source_of_the_controls_is_what_the_module_draws():
    assert Picture("", SOURCE).pixels.tolist() == drawn(_BLUE, _RED).tolist()


def test_the_edit_and_nothing_else(case):
    assert values(edited(), case) == (1.0, 1.0, ())


def test_what_a_codec_leaves_is_no_change(case):
    noise = np.random.default_rng(1).integers(-3, 3, (SIDE, SIDE, 3), endpoint=True)
    noisy = np.clip(edited() + noise, 0, 255).astype(np.uint8)
    assert values(noisy, case) == (1.0, 1.0, ())


def test_edges_may_soften_but_not_move(case):
    from PIL import Image, ImageFilter

    soft = np.asarray(Image.fromarray(edited()).filter(ImageFilter.GaussianBlur(0.5)))
    kept, changed, found = values(soft, case)
    assert kept > 0.999
    assert changed == 1.0
    assert not found
    moved = edited()
    fill(moved, LABEL, GROUND)
    fill(moved, Box(LABEL.x0, LABEL.y0 + 3, LABEL.x1, LABEL.y1 + 3), INK)
    assert {finding.kind for finding in values(moved, case)[2]} == {"unwanted-change"}


@pytest.mark.parametrize("ground", [(0, 0, 0), (24, 24, 28), (255, 255, 255), (255, 0, 0), (0, 0, 255), (118, 60, 168)])
def test_three_levels_are_no_change_on_any_colour(ground, case, tmp_path):
    before = np.full((SIDE, SIDE, 3), ground, np.uint8)
    data = encode_png(before)
    (tmp_path / "plain.png").write_bytes(data)
    plain = replace(case, source=SourceImage(str(tmp_path / "plain.png"), hashlib.sha256(data).hexdigest()))
    signs = np.random.default_rng(2).choice([-3, 3], (SIDE, SIDE, 3))
    after = np.clip(before + signs, 0, 255).astype(np.uint8)
    kept, _, found = values(after, plain)
    assert kept == 1.0
    assert {finding.kind for finding in found} == {"no-change"}


def test_an_unwanted_change_is_found_where_it_is_and_as_large_as_it_is(case):
    pixels, spot = edited(), Box(180, 20, 212, 44)
    fill(pixels, spot, (200, 60, 40))
    kept, changed, found = values(pixels, case)
    outside = SIDE * SIDE - DISH.area
    assert kept == pytest.approx(1 - spot.area / outside)
    assert changed == 1.0
    (finding,) = found
    assert finding.kind == "unwanted-change"
    assert finding.box == spot
    assert finding.evidence["area"] == spot.area
    assert finding.evidence["mean_delta_e"] > 30
    assert finding.size == pytest.approx(finding.evidence["mean_delta_e"] * spot.area**0.5, rel=0.001)
    assert finding.unit == "ΔE·px"


def test_something_moved_is_one_change_and_two_far_apart_are_two(case):
    pixels = edited()
    fill(pixels, LABEL, GROUND)
    fill(pixels, Box(154, 160, 234, 200), INK)
    _, _, found = values(pixels, case)
    assert [finding.kind for finding in found] == ["unwanted-change"] * 2, "its left and its right edge"
    fill(pixels, Box(10, 230, 30, 250), (0, 0, 0))
    assert len(values(pixels, case)[2]) == 3


def test_a_fainter_change_is_less_severe(case):
    faint, strong = edited(), edited()
    fill(faint, Box(180, 20, 212, 44), tuple(c - 22 for c in GROUND))
    fill(strong, Box(180, 20, 212, 44), (200, 20, 20))
    (one,), (other,) = values(faint, case)[2], values(strong, case)[2]
    assert one.severity < other.severity
    assert (grade_of(one), grade_of(other)) == (Grade.DEFECT, Grade.FAILURE)
    assert is_worse(other, one)
    assert not is_worse(one, other)


def test_single_pixels_count_but_are_no_finding(case):
    pixels = edited()
    pixels[20, 20] = 0
    kept, _, found = values(pixels, case)
    assert 0.9999 < kept < 1
    assert not found


def test_nothing_done(case):
    kept, changed, found = values(page(), case)
    assert (kept, changed) == (1.0, 0.0)
    (finding,) = found
    assert (finding.kind, finding.box) == ("no-change", DISH)


def test_of_two_regions_one_is_done(case):
    moved = replace(case, extra={"edit": {"kind": "move", "changed": [to_json(DISH), to_json(LABEL)]}})
    kept, changed, found = values(edited(), moved)
    assert (kept, changed) == (1.0, 0.5)
    assert [finding.box for finding in found] == [LABEL]


def test_what_is_kept_alone_is_looked_at_where_all_else_may_change(case):
    ground = replace(case, extra={"edit": {"kind": "background", "kept": [to_json(DISH), to_json(LABEL)]}})
    pixels = np.full((SIDE, SIDE, 3), (250, 206, 60), np.uint8)
    fill(pixels, DISH, (30, 60, 120))
    fill(pixels, LABEL, INK)
    assert values(pixels, ground) == (1.0, 1.0, ())
    assert values(page(), ground)[:2] == (1.0, 0.0)
    fill(pixels, Box(40, 40, 104, 72), (200, 60, 40))
    kept, changed, found = values(pixels, ground)
    assert kept == pytest.approx(1 - 64 * 32 / (DISH.area + LABEL.area))
    assert changed == 1.0
    assert [finding.box for finding in found] == [Box(40, 40, 104, 72)]


def test_with_both_what_is_in_neither_is_free(case):
    both = replace(case, extra={"edit": {"changed": [to_json(DISH)], "kept": [to_json(LABEL)]}})
    pixels = edited()
    fill(pixels, Box(180, 20, 212, 44), (200, 60, 40))
    assert values(pixels, both) == (1.0, 1.0, ())
    fill(pixels, LABEL, (200, 60, 40))
    assert values(pixels, both)[0] == 0.0


def test_boxes_and_source_follow_the_size_of_the_picture(case):
    double = edited().repeat(2, axis=0).repeat(2, axis=1)
    kept, changed, found = values(double, case)
    assert kept > 0.99
    assert changed == 1.0
    assert not found
    fill(double, Box(360, 40, 424, 88), (200, 60, 40))
    (finding,) = values(double, case)[2]
    assert finding.box == Box(360, 40, 424, 88)


def test_reasons_for_no_score(case):
    assert reasons(edited(), Case("a", "a dish", width=SIDE, height=SIDE)) == {"the case asks for no edit"}
    assert reasons(edited(), replace(case, extra={})) == {"the case does not declare what may change"}
    (reason,) = reasons(edited()[:128], case)
    assert "256x128 px" in reason


@pytest.mark.parametrize(
    "said",
    [{}, {"changed": []}, {"changed": [{"x0": 1}]}, {"changed": [to_json(DISH)], "colour": "red"}, "disc"],
)
def test_a_declaration_that_means_nothing_is_an_error(said, case):
    with pytest.raises(JudgeError, match=r"extra\.edit"):
        JUDGE.judge(Picture.from_pixels(edited()), replace(case, extra={"edit": said}), None)


def test_a_source_that_is_gone_broken_or_another_one_is_an_error(case):
    path = Path(case.source.path)
    other = replace(case, source=SourceImage(str(path), "0" * 64))
    with pytest.raises(JudgeError, match="not the one"):
        JUDGE.judge(Picture.from_pixels(edited()), other, None)
    path.write_bytes(b"\x89PNG")
    unchecked = replace(case, source=SourceImage(str(path), ""))
    with pytest.raises(JudgeError, match="source picture"):
        JUDGE.judge(Picture.from_pixels(edited()), unchecked, None)
    path.unlink()
    with pytest.raises(JudgeError, match="source picture"):
        JUDGE.judge(Picture.from_pixels(edited()), case, None)
