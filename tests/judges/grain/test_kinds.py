"""Each kind of unevenness is found, located, measured and distinguished from the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.records import Background, Box, Case, Finding, Verdict
from evalkit.judges.grain.grid import find_grid
from evalkit.judges.grain.judge import GrainJudge
from tests.judges.grain.conftest import GREY, blobs, ground, noise, ramp, tiles

SHAPE = (512, 512)
WHOLE = np.ones(SHAPE, dtype=bool)
PATCH = Box(150, 100, 400, 330)
SOLID = Case("a/case", "a page", width=512, height=512, background=Background("solid", (GREY,)))


def judged(pixels: Pixels, case: Case = SOLID, twin: Pixels | None = None) -> Verdict:
    return GrainJudge().judge(Picture.from_pixels(pixels), case, None if twin is None else Picture.from_pixels(twin))


def in_patch(added: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.zeros(SHAPE)
    inside[int(PATCH.y0) : int(PATCH.y1), int(PATCH.x0) : int(PATCH.x1)] = 1
    return added * inside


def bands(step: float, width: int) -> NDArray[np.float64]:
    position = np.floor(np.broadcast_to(np.arange(512), SHAPE) / width) % 8
    return step * (np.minimum(position, 8 - position) - 2)


def only(verdict: Verdict) -> Finding:
    [finding] = verdict.findings
    return finding


def value(verdict: Verdict, dimension: str) -> float:
    score = verdict.score(f"grain.{dimension}")
    assert score is not None
    assert score.value is not None
    return score.value


KINDS = {
    "grain": blobs(SHAPE, 2, 1),
    "grid": tiles(SHAPE, 2, 16),
    "banding": bands(3, 40),
    "mottle": blobs(SHAPE, 3, 14),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_from_the_others(kind: str) -> None:
    found = only(judged(ground(KINDS[kind])))
    assert found.kind == kind
    assert found.unit == "JND"
    assert found.size > 1
    assert found.box.iou(Box(0, 0, 512, 512)) > 0.9


@pytest.mark.parametrize(("kind", "least"), [("grain", 0.9), ("grid", 0.9), ("mottle", 0.6)])
def test_a_patch_of_each_is_found_where_it_is(kind: str, least: float) -> None:
    found = [f for f in judged(ground(in_patch(KINDS[kind]))).findings if f.kind == kind]
    assert [finding.box.iou(PATCH) > least for finding in found] == [True]


@pytest.mark.parametrize("kind", ["grain", "grid", "mottle", "banding"])
def test_twice_the_defect_is_twice_the_size(kind: str) -> None:
    one, two = (only(judged(ground(times * KINDS[kind]))) for times in (1, 2))
    assert two.size == pytest.approx(2 * one.size, rel=0.1)
    assert two.severity == pytest.approx(one.severity + 1 / 6, abs=0.03)
    assert value(judged(ground(2 * KINDS[kind])), "visible_noise") > value(judged(ground(KINDS[kind])), "visible_noise")


@pytest.mark.parametrize("period", [8, 16, 32])
@pytest.mark.parametrize("grain", [0.0, 0.5])
def test_a_grid_is_found_with_its_period_also_under_noise(period: int, grain: float) -> None:
    pixels = ground(tiles(SHAPE, 1.5, period) + blobs(SHAPE, grain or 1e-9, 0))
    found = find_grid(noise(pixels), WHOLE)
    assert found.period == period
    assert found.share > 0.5


@pytest.mark.parametrize("correlation", [0.0, 2.0, 4.0])
def test_noise_is_no_grid(correlation: float) -> None:
    assert find_grid(noise(ground(blobs(SHAPE, 4, correlation))), WHOLE).rms == 0


def test_one_spot_is_no_grid() -> None:
    spot = np.zeros(SHAPE)
    spot[100:104, 200:204] = -60
    assert not [f for f in judged(ground(spot)).findings if f.kind == "grid"]


def test_grain_and_a_grid_are_two_findings() -> None:
    found = judged(ground(KINDS["grid"] + KINDS["grain"])).findings
    assert {finding.kind for finding in found} == {"grid", "grain"}


@pytest.mark.parametrize("levels", [-100, -40, 20])
def test_the_steps_of_eight_bits_are_no_bands(levels: float) -> None:
    case = replace(SOLID, background=Background("gradient", (GREY, tuple(int(c + levels) for c in GREY))))
    clean = ground(ramp(SHAPE, levels))
    assert not judged(clean, case).findings
    assert value(judged(clean, case), "banding") == 0


def test_a_posterised_gradient_has_bands() -> None:
    case = replace(SOLID, background=Background("gradient", (GREY, (140, 145, 152))))
    found = only(judged(ground(np.round(ramp(SHAPE, -60) / 4) * 4), case))
    assert found.kind == "banding"
    assert found.evidence["step"] == pytest.approx(4 * 0.37, rel=0.1)  # 4 code values of .37 L*


def test_an_edge_between_two_levels_is_no_band() -> None:
    step = np.zeros(SHAPE)
    step[:, 256:] = 3
    assert not [f for f in judged(ground(step)).findings if f.kind == "banding"]


def test_a_radial_gradient_is_no_mottle() -> None:
    y, x = np.mgrid[:512, :512] - 255.5
    ends = (GREY, (130, 135, 142))
    case = replace(SOLID, background=Background("gradient", ends))
    assert not judged(ground(-70 * np.hypot(x, y) / 362), case).findings


def test_a_cast_is_found_with_its_place_and_distance() -> None:
    pixels = ground(np.zeros(SHAPE))
    pixels[100:330, 150:400] = (206, 202, 212)
    found = only(judged(pixels))
    assert (found.kind, found.unit) == ("cast", "ΔE00")
    assert found.box.iou(PATCH) > 0.9
    assert found.size == pytest.approx(4.8, abs=0.2)
    assert found.evidence["reference"] == "declared colour"
    assert value(judged(pixels), "cast") == pytest.approx(found.size, abs=0.3)


def test_a_ground_of_another_colour_is_a_cast_all_over() -> None:
    found = only(judged(ground(np.zeros(SHAPE), (212, 205, 205))))
    assert found.kind == "cast"
    assert found.box == Box(0, 0, 512, 512)


def test_a_colour_the_twin_has_too_is_only_what_the_words_were_taken_to_mean() -> None:
    other = ground(np.zeros(SHAPE), (212, 205, 205))
    assert not judged(other, twin=other).findings
    found = only(judged(ground(np.zeros(SHAPE)), twin=other))
    assert found.evidence["reference"] == "twin"


def test_without_any_reference_the_cast_is_unscored() -> None:
    case = replace(SOLID, background=Background("solid", (), (Box(0, 0, 512, 512),)))
    score = judged(ground(np.zeros(SHAPE)), case).score("grain.cast")
    assert score is not None
    assert score.reason == "nothing says which colour is right"
