"""FLIP compared with its authors' own program, and its results for simple cases."""

import numpy as np
import pytest

from evalkit.judges.fidelity.paired.flip import flip
from tests.judges.fidelity.conftest import blobs, noisy


@pytest.mark.parametrize(
    ("reference", "test"),
    [
        (blobs(64), noisy(blobs(64), 20)),
        (blobs(100, width=70), np.roll(blobs(100, width=70), 2, axis=0)),
        (blobs(80, 3), 255 - blobs(80, 3)),
        (np.zeros((40, 50, 3), np.uint8), np.full((40, 50, 3), (0, 255, 0), np.uint8)),
    ],
    ids=["noise", "moved", "negative", "plain"],
)
@pytest.mark.parametrize("ppd", [67.02064514160156, 30.0])
def test_parity_with_the_authors(reference: np.ndarray, test: np.ndarray, ppd: float) -> None:
    flip_evaluator = pytest.importorskip("flip_evaluator")
    scaled = (picture.astype(np.float32) / 255 for picture in (reference, test))
    theirs, _, _ = flip_evaluator.evaluate(*scaled, "LDR", applyMagma=False, parameters={"ppd": ppd})
    assert np.abs(flip(reference, test, ppd) - theirs[..., 0]).max() < 1e-4


def test_the_same_picture_has_no_error() -> None:
    assert flip(blobs(), blobs()).max() == 0


def test_the_error_grows_with_the_difference_and_stays_in_bounds() -> None:
    means = [flip(blobs(), noisy(blobs(), strength)).mean() for strength in (2, 8, 32)]
    assert means == sorted(means)
    most = flip(np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8))
    assert 0.9 < most.min() <= most.max() <= 1.0


def test_noise_is_seen_less_from_farther_away() -> None:
    assert flip(blobs(), noisy(blobs(), 10), 120).mean() < 0.8 * flip(blobs(), noisy(blobs(), 10), 30).mean()


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="can't be flipped"):
        flip(blobs(64), blobs(65))
