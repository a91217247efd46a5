"""The metrics as a run uses them, on pictures."""

from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.protocols import Metric, SetFigure
from evalkit.judges.fidelity.networks.efficientnet_lite0 import EfficientNetLite0
from evalkit.judges.fidelity.sets.fd_efficientnet_lite0 import FdEfficientNetLite0
from evalkit.judges.fidelity.sets.frechet import frechet_distance
from evalkit.judges.fidelity.sets.kd_efficientnet_lite0 import KdEfficientNetLite0
from evalkit.judges.fidelity.sets.metric import SetSettings
from evalkit.judges.fidelity.sets.mmd import gaussian, mmd2, polynomial
from evalkit.plugins.registry import PluginSpec, create
from tests.judges.fidelity.conftest import blobs, noisy, picture_set

TEACHER = [blobs(64, seed) for seed in range(12)]
STUDENT = [noisy(pixels, 25, i) for i, pixels in enumerate(TEACHER)]


def measure(
    metric: Metric, student: list, teacher: list, *, twins: bool = True, seeds: int = 1
) -> dict[str, SetFigure]:
    found = metric.measure(picture_set(student, seeds=seeds), picture_set(teacher, "teacher", seeds=seeds), twins=twins)
    assert [figure.dimension for figure in found] == [dimension.name for dimension in metric.dimensions]
    return {figure.dimension: figure for figure in found}


def test_the_offline_frechet_distance() -> None:
    metric = FdEfficientNetLite0(SetSettings(device="cpu"))
    found = measure(metric, STUDENT, TEACHER)
    figure = found["fd-efficientnet-lite0"]
    rows = [EfficientNetLite0().features(pictures) for pictures in (STUDENT, TEACHER)]
    assert figure.estimate.value == pytest.approx(frechet_distance(*rows), rel=1e-4)
    assert figure.estimate.low < figure.estimate.value < figure.estimate.high
    assert figure.estimate.n == 12
    assert "no gate below 5,000" in figure.note
    assert metric.least_for_gate == 5000
    beyond = found["fd-efficientnet-lite0-infinity"]
    assert beyond.estimate is None
    assert beyond.reason == "needs at least 1,423 pictures on each side"


def test_the_offline_kernel_distance() -> None:
    metric = KdEfficientNetLite0(SetSettings(device="cpu"))
    found = measure(metric, STUDENT, TEACHER)
    rows = [EfficientNetLite0().features(pictures) for pictures in (STUDENT, TEACHER)]
    published, twins = found["kd-efficientnet-lite0"], found["kd-efficientnet-lite0-twins"]
    assert published.estimate.value == pytest.approx(mmd2(*rows, polynomial), rel=1e-3)
    assert twins.estimate.value > published.estimate.value
    assert "pull it down" in published.note
    assert len(twins.pseudo_values) == len(TEACHER)  # of which the harness makes the interval
    assert np.mean(twins.pseudo_values) == pytest.approx(twins.estimate.value, abs=1e-6)


def test_a_folder_is_no_set_of_twins() -> None:
    found = measure(KdEfficientNetLite0(SetSettings(device="cpu")), STUDENT, TEACHER[:7], twins=False)
    assert found["kd-efficientnet-lite0-twins"].reason == "the reference is no set of twins"
    assert "counts as fixed" in found["kd-efficientnet-lite0"].note


def test_cmmd_reports_both_estimators(tiny_clip: Path) -> None:
    metric = create("metrics", PluginSpec("cmmd", {"device": "cpu"}, str(tiny_clip)))
    found = measure(metric, STUDENT, TEACHER)
    rows = [metric._gather(picture_set(pictures))[0] for pictures in (STUDENT, TEACHER)]
    assert np.allclose(np.linalg.norm(rows[0], axis=1), 1, atol=1e-5)
    assert found["cmmd"].estimate.value == pytest.approx(1000 * mmd2(*rows, gaussian, unbiased=False), rel=1e-6)
    assert found["cmmd-unbiased"].estimate.value == pytest.approx(1000 * mmd2(*rows, gaussian), rel=1e-6)
    assert found["cmmd"].estimate.value > found["cmmd-unbiased"].estimate.value
    assert found["cmmd-twins"].estimate is not None


def test_fid_and_kid_are_torch_fidelitys(random_inception: Path) -> None:
    """From pictures to the figure, with random weights of the Inception network."""
    import torch
    from torch_fidelity import FeatureExtractorInceptionV3
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kernel_poly
    from torch_fidelity.metric_kid import mmd2 as their_mmd2

    sets = [pictures[:2] for pictures in (STUDENT, TEACHER)]
    network = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(random_inception))
    with torch.inference_mode():
        rows = [network(torch.from_numpy(np.stack(each)).permute(0, 3, 1, 2).contiguous())[0] for each in sets]
    fid, kid = (
        measure(create("metrics", PluginSpec(name, {"device": "cpu"}, str(random_inception))), *sets)[
            name
        ].estimate.value
        for name in ("fid", "kid")
    )
    theirs = fid_statistics_to_metric(*map(fid_features_to_statistics, rows), verbose=False)
    assert fid == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)
    one, other = (each.double().numpy() for each in rows)
    kernel = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    xx, xy, yy = (kernel_poly(a, b, **kernel) for a, b in ((one, one), (one, other), (other, other)))
    assert kid == pytest.approx(their_mmd2(xx, xy, yy), rel=1e-4)


@pytest.mark.parametrize("metric", [FdEfficientNetLite0, KdEfficientNetLite0])
def test_too_few_pictures_have_no_figure(metric: type) -> None:
    for figure in measure(metric(SetSettings(device="cpu")), STUDENT[:1], TEACHER[:1]).values():
        assert figure.estimate is None
        assert figure.reason == "fewer than 2 pictures on a side"


@pytest.mark.parametrize("metric", [FdEfficientNetLite0, KdEfficientNetLite0])
def test_few_cases_have_no_interval(metric: type) -> None:
    first = next(iter(measure(metric(SetSettings(device="cpu")), STUDENT[:6], TEACHER[:6], seeds=3).values()))
    assert first.estimate.low is None
    assert first.estimate.high is None
    assert not first.pseudo_values


@pytest.mark.parametrize("name", ["fid", "kid"])
def test_inception_metrics_without_weights_say_what_to_do(name: str, tmp_path: Path) -> None:
    metric = create("metrics", PluginSpec(name, {"weights": str(tmp_path / "none.pth")}))
    with pytest.raises(UnavailableError) as caught:
        metric.measure(picture_set(STUDENT), picture_set(TEACHER), twins=True)
    assert "weights-inception-2015-12-05" in caught.value.hint
    assert metric.check()


def test_every_setting_that_moves_a_figure_is_in_the_fingerprint(tiny_clip: Path, tmp_path: Path) -> None:
    prints = {
        create("metrics", PluginSpec(name, {key: str(value)})).fingerprint()
        for name, key, value in (
            ("cmmd", "model", tiny_clip),
            ("cmmd", "model", "hub/id"),
            ("kid", "weights", tmp_path),
        )
    }
    prints |= {metric(SetSettings()).fingerprint() for metric in (FdEfficientNetLite0, KdEfficientNetLite0)}
    assert len(prints) == 5
