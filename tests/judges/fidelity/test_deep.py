"""LPIPS and DISTS on random backbones of the real classes, by path; nothing is ever fetched."""

from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Picture
from evalkit.api.records import Case, Status
from evalkit.judges.fidelity.paired.dists import DistsJudge
from evalkit.judges.fidelity.paired.lpips import LpipsJudge
from tests.judges.fidelity.conftest import blobs, noisy

pytestmark = pytest.mark.slow

CASE = Case("a", "blobs", width=96, height=96)


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torchmetrics")
    import torch
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("squeeze") / "mine.pth"
    torch.save(squeezenet1_1(weights=None).state_dict(), path)
    return path


def distance(judge: LpipsJudge | DistsJudge, one: np.ndarray, other: np.ndarray) -> float:
    return judge.judge(Picture.from_pixels(one), CASE, Picture.from_pixels(other)).scores[0].value


def test_lpips_by_path(squeezenet: Path) -> None:
    import torch
    from torchmetrics.functional.image.lpips import _LPIPS

    judge = LpipsJudge(LpipsJudge.Settings(net="squeeze", weights=squeezenet))
    assert all(c.passes(judge.judge(c.picture, c.case, c.twin)) for c in judge.controls())
    reference = _LPIPS(net="squeeze", pnet_rand=True)
    state = torch.load(squeezenet, weights_only=True)
    for name, module in reference.net.slices.named_modules():
        number = name.partition(".")[2]
        if f"features.{number}.weight" in state:
            module.load_state_dict({key: state[f"features.{number}.{key}"] for key in ("weight", "bias")})
    rows = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 127.5 - 1 for p in (noisy(blobs(), 20), blobs())]
    with torch.inference_mode():
        expected = float(reference(*rows))
    assert distance(judge, noisy(blobs(), 20), blobs()) == pytest.approx(expected, rel=1e-4)
    assert expected > 0


def test_the_usual_cache_is_used_again_afterwards(squeezenet: Path) -> None:
    import torch

    before = torch.hub.get_dir()
    distance(LpipsJudge(LpipsJudge.Settings(net="squeeze", weights=squeezenet)), blobs(), blobs())
    assert torch.hub.get_dir() == before


def test_dists_by_path(tmp_path: Path) -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg16(weights=None).state_dict().items()}
    rng = torch.Generator().manual_seed(0)
    state = {  # one number for all of a classifier weight: it is never used, and 500 MB of it would be
        name: torch.zeros(1).expand(shape)
        if name.startswith("classifier")
        else torch.randn(shape, generator=rng) * (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
        for name, shape in shapes.items()
    }
    torch.save(state, tmp_path / "vgg.pth")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("torchvision.models.vgg.nn.init.kaiming_normal_", lambda *_, **__: None)  # 5 s for nothing
        patched.setattr("torchvision.models.vgg.nn.init.normal_", lambda *_, **__: None)
        judge = DistsJudge(DistsJudge.Settings(weights=tmp_path / "vgg.pth"))
        assert distance(judge, blobs(), blobs()) == pytest.approx(0, abs=1e-5)
    near, far = (distance(judge, noisy(blobs(), s), blobs()) for s in (3, 40))
    assert 0 < near < far <= 1


@pytest.mark.parametrize(("judge", "file"), [(LpipsJudge, "alexnet-owt"), (DistsJudge, "vgg16")])
def test_without_weights_nothing_is_fetched_and_the_next_step_said(
    judge: type, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: pytest.fail("it was fetched"))
    looking = judge()
    assert looking.check()
    with pytest.raises(UnavailableError) as caught:
        distance(looking, noisy(blobs(), 20), blobs())
    assert file in caught.value.hint


def test_other_weights_are_a_clear_error(squeezenet: Path) -> None:
    with pytest.raises(UnavailableError, match="other weights"):
        distance(LpipsJudge(LpipsJudge.Settings(net="alex", weights=squeezenet)), blobs(), noisy(blobs(), 9))


def test_small_and_lonely_pictures_are_unscored(squeezenet: Path) -> None:
    judge = LpipsJudge(LpipsJudge.Settings(net="squeeze", weights=squeezenet))
    for twin in (None, Picture.from_pixels(blobs(32))):
        score = judge.judge(Picture.from_pixels(blobs(32)), CASE, twin).scores[0]
        assert score.status is Status.UNSCORED
