from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Background, Box, Case, Status, Verdict
from evalkit.formats.keys import to_json
from evalkit.judges.grain.judge import GrainJudge
from tests.judges.grain.conftest import GREY, blobs, ground, ramp, tiles

SIDE = 512
PATCH = Box(200, 60, 440, 260)
SOLID = Case("a/case", "a page", width=SIDE, height=SIDE, background=Background("solid", (GREY,)))
GRADIENT = replace(SOLID, background=Background("gradient", (GREY, (170, 175, 182))))
UNDECLARED = replace(SOLID, background=Background())


def page(rms: float = 0.0, correlation: float = 1.5, box: Box = PATCH) -> Picture:
    """A gradient with a panel and text, and grain in `box`."""
    return Picture.from_pixels(page_pixels(rms, correlation, box))


def page_pixels(rms: float = 0.0, correlation: float = 1.5, box: Box = PATCH) -> Pixels:
    from PIL import Image, ImageDraw, ImageFont

    added = ramp((SIDE, SIDE), -30).copy()
    inside = np.s_[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)]
    added[inside] += blobs((SIDE, SIDE), rms, correlation)[inside] if rms else 0.0
    image = Image.fromarray(ground(added))
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 40, 150, 150), fill=(190, 60, 40))
    draw.text((60, 380), "FRESH BREAD", font=ImageFont.load_default(size=60), fill=(20, 20, 60))
    return np.array(image)


def judged(picture: Picture, case: Case = GRADIENT, twin: Picture | None = None) -> Verdict:
    return GrainJudge().judge(picture, case, twin)


def values(verdict: Verdict) -> dict[str, float | None]:
    return {score.dimension.removeprefix("grain."): score.value for score in verdict.scores}


def reasons(verdict: Verdict) -> set[str]:
    return {score.reason for score in verdict.scores if score.status is Status.UNSCORED}


def test_a_clean_page_passes() -> None:
    verdict = judged(page(), twin=page())
    assert not verdict.findings
    assert values(verdict)["area"] == 0.0
    assert values(verdict)["ratio"] == 0.0


@pytest.mark.parametrize("rms", [0.7, 1.0, 2.0, 3.0, 6.0])
def test_a_patch_of_grain_is_found_where_it_is(rms: float) -> None:
    verdict = judged(page(rms), twin=page())
    [finding] = verdict.findings
    assert (finding.kind, finding.unit, finding.target) == ("grain", "JND", "background")
    assert finding.box.iou(PATCH) >= 0.9  # .95 to .98 when written
    ratio = values(verdict)["ratio"]
    assert ratio is not None
    assert ratio > 0.69


def test_stronger_grain_scores_and_weighs_more() -> None:
    verdicts = [judged(page(rms), twin=page()) for rms in (0.7, 1.5, 3.0, 6.0)]
    for figure in ("visible_noise", "ratio"):
        seen = [values(verdict)[figure] or 0.0 for verdict in verdicts]
        assert seen == sorted(seen)
        assert len(set(seen)) == len(seen)
    severities = [verdict.findings[0].severity for verdict in verdicts]
    assert severities == sorted(severities)


def test_grain_in_both_is_an_equal_ratio_but_still_a_finding() -> None:
    verdict = judged(page(2.0), twin=page(2.0))
    assert values(verdict)["ratio"] == 0.0
    assert [finding.kind for finding in verdict.findings] == ["grain"]


def test_a_grid_over_the_ground_is_named_with_its_period() -> None:
    picture = Picture.from_pixels(ground(tiles((SIDE, SIDE), 2.0, 16)))
    kinds = {finding.kind: finding for finding in judged(picture, SOLID).findings}
    assert kinds["grid"].evidence["period"] == 16
    assert kinds["grid"].box == Box(0, 0, SIDE, SIDE)


def test_the_worst_areas_come_first_and_are_few() -> None:
    pixels = ground(np.zeros((SIDE, SIDE)))
    noise = ground(blobs((SIDE, SIDE), 4, 1))
    for row in range(4):
        for column in range(4):
            y, x = 128 * row + 10, 128 * column + 10
            size = 30 + 3 * (4 * row + column)
            pixels[y : y + size, x : x + size] = noise[y : y + size, x : x + size]
    findings = judged(Picture.from_pixels(pixels), SOLID).findings
    assert len(findings) == 8
    assert findings[0].box.area > 1.5 * findings[-1].box.area


def test_without_a_declared_ground_only_the_twin_says_what_is_grain() -> None:
    verdict = judged(page(2.0), UNDECLARED, page())
    assert values(verdict)["visible_noise"] is None
    assert (values(verdict)["ratio"] or 0.0) > 0.69
    assert [finding.box.iou(PATCH) > 0.5 for finding in verdict.findings] == [True]
    assert not judged(page(2.0), UNDECLARED, page(2.0)).findings
    assert reasons(judged(page(2.0), UNDECLARED)) == {
        "the case declares no flat ground, and there is no twin to compare with"
    }


def jpeg() -> Picture:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(page_pixels()).save(buffer, format="JPEG", quality=95)
    return Picture("", buffer.getvalue())


def webp(lossless: bool) -> Picture:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(page_pixels()).save(buffer, format="WEBP", lossless=lossless)
    return Picture("", buffer.getvalue())


def test_lossy_files_are_unscored_lossless_ones_are_not() -> None:
    assert reasons(judged(jpeg())) == {"JPEG compression leaves block noise of its own: generate PNG"}
    assert values(judged(webp(lossless=False)))["visible_noise"] is None
    assert values(judged(webp(lossless=True)))["visible_noise"] is not None
    assert reasons(judged(page(), twin=jpeg())) == {"the twin is JPEG: its block noise is no measure"}


def test_asked_for_texture_is_no_defect() -> None:
    case = replace(SOLID, background=Background("solid", (GREY,), texture_wanted=True))
    assert reasons(judged(page(3.0), case)) == {"the prompt asks for texture"}


def test_no_flat_area_is_an_abstention() -> None:
    busy = Picture.from_pixels(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    [reason] = reasons(judged(busy, replace(GRADIENT, width=256, height=256)))
    assert "no flat region" in reason


def test_no_twin_or_one_of_another_size_leaves_the_ratio_unscored() -> None:
    assert reasons(judged(page())) == {"there is no twin to compare with"}
    small = Picture.from_pixels(ground(np.zeros((256, 256))))
    assert reasons(judged(page(), twin=small)) == {"the twin has another size"}


def test_the_ratio_has_an_interval_round_it() -> None:
    verdict = judged(page(3.0), twin=page(1.0))
    low, high = verdict.evidence["ratio_interval"]
    ratio = values(verdict)["ratio"]
    assert ratio is not None
    assert low < ratio < high
    assert low > 0.5
    assert judged(page(2.0), twin=page(2.0)).evidence["ratio_interval"] == [0.0, 0.0]


def test_a_codecs_floor_is_taken_off() -> None:
    everywhere = Picture.from_pixels(ground(blobs((SIDE, SIDE), 1.0, 1.5)))
    strong = Picture.from_pixels(ground(blobs((SIDE, SIDE), 3.0, 1.5)))
    noise = values(judged(everywhere, SOLID))["visible_noise"]
    assert noise is not None
    floored = GrainJudge(GrainJudge.Settings(codec_floor=1.3 * noise))
    assert not floored.judge(everywhere, SOLID, None).findings
    assert [f.kind for f in floored.judge(strong, SOLID, None).findings] == ["grain"]
    assert floored.fingerprint() != GrainJudge().fingerprint()


def test_the_twin_can_be_the_codecs_floor() -> None:
    codec = GrainJudge(GrainJudge.Settings(codec_floor="twin"))
    assert not codec.judge(page(2.0), GRADIENT, page(2.0)).findings
    assert values(codec.judge(page(2.0), GRADIENT, page(2.0)))["visible_noise"] == 0.0
    [found] = codec.judge(page(4.0), GRADIENT, page(2.0)).findings
    assert found.box.iou(PATCH) > 0.9
    [alone] = codec.judge(page(4.0), GRADIENT, None).findings  # the teacher itself, say: nothing to take off
    assert alone.size > found.size


def test_pictures_of_the_mini_models_are_judged() -> None:
    case = Case("a/case", "a page", width=128, height=128, background=Background("solid", (GREY,)))
    clean, grainy = (Picture.from_pixels(ground(blobs((128, 128), rms, 1))) for rms in (1e-9, 2))
    assert not judged(clean, case, clean).findings
    assert [f.kind for f in judged(grainy, case, clean).findings] == ["grain"]


def test_declared_regions_are_scaled_from_the_canvas() -> None:
    case = replace(SOLID, width=1024, height=1024, background=Background("solid", (), (Box(0, 0, 340, 1024),)))
    assert judged(page(3.0), case).evidence["coverage"] < 170 / 512
    assert not judged(page(3.0), case).findings


def test_the_evidence_is_json_of_bounded_size() -> None:
    big = Picture.from_pixels(ground(blobs((1200, 1600), 3, 1)))
    text = json.dumps(to_json(judged(big, replace(SOLID, width=1600, height=1200))))
    assert len(text) < 20_000


def test_tiny_and_odd_pictures_do_not_crash() -> None:
    for shape in ((1, 1), (5, 300), (32, 32), (127, 131)):
        verdict = judged(Picture.from_pixels(ground(np.zeros(shape))), SOLID)
        assert len(verdict.scores) == 7


def test_the_controls_pass_and_can_fail() -> None:
    judge = GrainJudge()
    clean, patched = judge.controls()
    for control in (clean, patched):
        assert control.passes(judge.judge(control.picture, control.case, control.twin)), control.name
    assert not clean.passes(judge.judge(patched.picture, clean.case, None))
    assert not patched.passes(judge.judge(clean.picture, patched.case, None))
