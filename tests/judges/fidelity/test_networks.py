"""Feature networks: the packaged one, and the others with random weights of the real classes."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from evalkit.api.errors import UnavailableError
from evalkit.judges.fidelity.networks.efficientnet_lite0 import EfficientNetLite0, weights_file
from evalkit.judges.fidelity.networks.inception import Inception
from evalkit.judges.fidelity.networks.network import file_digest, load_weights
from evalkit.judges.fidelity.networks.transformer import Clip, DinoV2
from evalkit.plugins.registry import PluginSpec, create
from tests.judges.fidelity.conftest import blobs

pytestmark = pytest.mark.slow


def test_the_packaged_network_sees_what_pictures_share() -> None:
    network = EfficientNetLite0()
    stripes = np.zeros((224, 224, 3), np.uint8)
    stripes[:, ::16] = stripes[:, 1::16] = 255
    rows = network.features([stripes, np.roll(stripes, 5, axis=1), blobs(224, 5), blobs(180, 6, width=300)])
    assert rows.shape == (4, network.dims)
    assert np.isfinite(rows).all()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.9 > unit[0] @ unit[2]
    assert np.allclose(network.features([blobs(224, 5)])[0], rows[2], atol=1e-4)  # whatever else is in the batch


def test_its_weights_are_those_published() -> None:
    """The file's name ends in the first digits of its hash, as PyTorch has it."""
    path = weights_file()
    assert path is not None
    assert file_digest(path).startswith(path.stem.rpartition("-")[2])


def test_clip_is_what_transformers_gives(tiny_clip: Path) -> None:
    import torch
    from PIL import Image
    from transformers import CLIPImageProcessor, CLIPModel

    network = Clip(str(tiny_clip), "cpu")
    square = {"height": 32, "width": 32}
    rows = CLIPImageProcessor(size=square, do_center_crop=False)(Image.fromarray(blobs(64)), return_tensors="pt")
    with torch.inference_mode():
        seen = CLIPModel.from_pretrained(tiny_clip)(**rows, input_ids=torch.tensor([[0, 1]]))
        theirs = seen.image_embeds[0].numpy()
    ours = network.features([blobs(64)])[0]
    assert network.dims == len(ours) == 24
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.9999


def test_dinov2_gives_its_class_token(tmp_path: Path) -> None:
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14)
    Dinov2Model(config).save_pretrained(tmp_path)
    network = DinoV2(str(tmp_path), "cpu")
    rows = network.features([blobs(64), blobs(80, 4)])
    assert rows.shape == (2, network.dims) == (2, 32)
    assert np.allclose(rows.mean(axis=1), 0, atol=1e-4)  # after the last norm


def test_a_folder_is_meant_from_where_the_config_is(tiny_clip: Path) -> None:
    spec = PluginSpec("cmmd", {}, tiny_clip.name, tiny_clip.parent)
    assert (
        create("metrics", spec).fingerprint() == create("metrics", PluginSpec("cmmd", {}, str(tiny_clip))).fingerprint()
    )
    assert create("metrics", spec).check() == []
    assert create("metrics", PluginSpec("cmmd", {}, "./nowhere")).check()


@pytest.mark.parametrize("kind", [Clip, DinoV2])
def test_a_model_that_is_not_there_is_a_clear_error(kind: type, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        kind(str(tmp_path), "cpu").features([blobs()])
    assert "folder of a downloaded model" in caught.value.hint


def test_a_model_without_some_weights_is_refused_and_not_made_up(tiny_clip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for file in tiny_clip.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnavailableError, match="are not in it, such as visual_projection"):
        Clip(str(tmp_path), "cpu").features([blobs()])


def test_inception_is_torch_fidelitys(random_inception: Path) -> None:
    import torch
    from torch_fidelity import FeatureExtractorInceptionV3

    pictures = [blobs(64), blobs(80, 2), blobs(64, 3)]
    ours = Inception(random_inception, "cpu").features(pictures)
    network = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(random_inception))
    with torch.inference_mode():
        theirs = [network(torch.from_numpy(p).permute(2, 0, 1)[None].contiguous())[0][0].numpy() for p in pictures]
    assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_inception_without_weights_says_which(tmp_path: Path) -> None:
    network = Inception(tmp_path / "none.pth", "cpu")
    with pytest.raises(UnavailableError, match="not there") as caught:
        network.features([blobs()])
    assert "weights-inception-2015-12-05" in caught.value.hint
    assert network.missing() is not None


class Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, ("/nonexistent/evalkit-must-not-run-this", "w"))  # type: ignore[return-value]


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Boom(), protocol=2))
    for use in (lambda: load_weights(path, "hint"), lambda: Inception(path, "cpu").features([blobs()])):
        with pytest.raises(UnavailableError, match="can't be read"):
            use()
