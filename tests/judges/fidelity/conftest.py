"""Pictures and tiny models, drawn and built on the spot."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import PictureSet


@pytest.fixture(scope="session", autouse=True)
def _torchvision() -> None:
    from evalkit.compat.torchvision_cpu import ensure_torchvision

    ensure_torchvision()


def blobs(side: int = 96, seed: int = 0, *, width: int | None = None) -> Pixels:
    """A smooth colourful picture."""
    noise = np.random.default_rng(seed).random((side, width or side, 3))
    return np.clip(gaussian_filter(noise, (4, 4, 0)) * 900 - 320, 0, 255).astype(np.uint8)


def noisy(pixels: Pixels, strength: float, seed: int = 1) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, strength, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def picture_set(pixels: list[Pixels], name: str = "student", seeds: int = 1) -> PictureSet:
    """Pictures in memory; `seeds` of them to a case."""

    def pictures() -> Iterator[tuple[str, Picture]]:
        for i, each in enumerate(pixels):
            yield f"case-{i // seeds}", Picture.from_pixels(each)

    return PictureSet(name, len(pixels), pictures)


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIP of 32 px, 2 layers and 16 text positions, with a byte-level tokenizer: one token a letter."""
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    folder = tmp_path_factory.mktemp("clip")
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = CLIPTextConfig(
        vocab_size=len(words),
        max_position_embeddings=16,
        bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1,
        pad_token_id=len(words) - 1,
        **shape,
    )
    vision = CLIPVisionConfig(image_size=32, patch_size=8, **shape)
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=24))
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def random_inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of torch-fidelity's Inception with random weights."""
    pytest.importorskip("torch_fidelity")
    import torch
    from torch_fidelity import FeatureExtractorInceptionV3

    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(path))
    torch.save(network.state_dict(), path)
    return path
