import numpy as np
import pytest

from evalkit.judges.fidelity.paired.ssim import ssim
from tests.judges.fidelity.conftest import blobs, noisy


@pytest.mark.parametrize("other", [noisy(blobs(), 10), 255 - blobs(), np.roll(blobs(), 3, axis=1)])
def test_parity_with_torchmetrics(other: np.ndarray) -> None:
    pytest.importorskip("torchmetrics")
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    rows = [torch.from_numpy(p @ np.array([0.299, 0.587, 0.114]))[None, None] for p in (blobs(), other)]
    _, theirs = structural_similarity_index_measure(*rows, data_range=255.0, return_full_image=True)
    inside = theirs[..., 5:-5, 5:-5]  # torchmetrics also counts windows that reach past the edge, the paper does not
    assert ssim(blobs(), other) == pytest.approx(float(inside.mean()), abs=1e-6)


def test_the_same_picture() -> None:
    assert ssim(blobs(), blobs()) == pytest.approx(1)


def test_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="no SSIM"):
        ssim(blobs()[:10], blobs()[:10])
