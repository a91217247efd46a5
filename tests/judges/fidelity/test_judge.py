"""The fidelity judge as a run uses it."""

import numpy as np
import pytest

from evalkit.api.install import install_line
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Judge
from evalkit.api.records import Case, Status, Verdict
from evalkit.judges.fidelity.networks import efficientnet_lite0
from evalkit.judges.fidelity.paired.judge import FEATURES, FLIP, SSIM, FidelityJudge
from tests.judges.fidelity.conftest import blobs, noisy

CASE = Case("a", "blobs", width=96, height=96)


def look(judge: Judge, pixels: Pixels, twin: Pixels | None) -> Verdict:
    return judge.judge(Picture.from_pixels(pixels), CASE, None if twin is None else Picture.from_pixels(twin))


def values(verdict: Verdict) -> dict[str, float | None]:
    return {score.dimension: score.value for score in verdict.scores}


def reasons(verdict: Verdict) -> set[str]:
    return {score.reason for score in verdict.scores if score.status is Status.UNSCORED}


@pytest.fixture(scope="module")
def judge() -> FidelityJudge:
    return FidelityJudge()


def test_its_controls_pass(judge: FidelityJudge) -> None:
    controls = list(judge.controls())
    assert len(controls) == 2
    for control in controls:
        assert control.passes(judge.judge(control.picture, control.case, control.twin)), control.name


def test_a_control_fails_where_the_verdict_is_another_pictures(judge: FidelityJudge) -> None:
    same, changed = judge.controls()
    assert not same.passes(judge.judge(changed.picture, changed.case, changed.twin))
    assert not changed.passes(judge.judge(same.picture, same.case, same.twin))


def test_every_distance_grows_with_the_difference(judge: FidelityJudge) -> None:
    seen = [values(look(judge, noisy(blobs(), strength), blobs())) for strength in (1, 6, 30)]
    for dimension, sign in ((FLIP, 1), (SSIM, -1), (FEATURES, 1)):
        along = [sign * each[dimension] for each in seen]
        assert along == sorted(along), dimension


def test_without_a_twin_nothing_is_scored(judge: FidelityJudge) -> None:
    assert reasons(look(judge, blobs(), None)) == {"there is no twin to compare with"}
    assert reasons(look(judge, blobs(96), blobs(64))) == {"the twin has another size: 64x64 px, not 96x96"}


def test_a_tiny_picture_gets_what_can_be_measured(judge: FidelityJudge) -> None:
    verdict = look(judge, blobs(10), noisy(blobs(10), 20))
    assert verdict.score(FLIP).status is Status.SCORED
    assert reasons(verdict) == {"a side below 11 px", "a side below 32 px"}


def test_the_map_shows_where(judge: FidelityJudge) -> None:
    changed = blobs(100)
    changed[60:80, 20:40] = 255 - changed[60:80, 20:40]
    drawn = look(judge, changed, blobs(100)).evidence["flip_map"]
    cells = np.array(drawn["values"])
    assert cells.shape == (25, 25)
    assert drawn["cell"] == 4
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    assert 60 <= row * 4 < 80
    assert 20 <= column * 4 < 40


def test_without_the_weights_the_rest_is_scored_and_the_next_step_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with_weights = FidelityJudge().fingerprint()
    monkeypatch.setattr(efficientnet_lite0, "weights_file", lambda: None)
    judge = FidelityJudge()
    verdict = look(judge, noisy(blobs(), 20), blobs())
    assert verdict.score(FLIP).status is verdict.score(SSIM).status is Status.SCORED
    assert install_line("fidelity") in verdict.score(FEATURES).reason
    assert judge.fingerprint() != with_weights  # else the cell would stay unscored once they are installed
    assert [todo for _, todo in judge.check()]
    assert all(c.passes(judge.judge(c.picture, c.case, c.twin)) for c in judge.controls())


def test_a_pixel_moved_is_near_and_another_picture_far(judge: FidelityJudge) -> None:
    near, far = np.roll(blobs(), 1, axis=0), blobs(seed=9)
    assert values(look(judge, near, blobs()))[FEATURES] < 0.3 * values(look(judge, far, blobs()))[FEATURES]
