"""The protocol of feature networks, and what all of them share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.api.errors import UnavailableError
from evalkit.api.install import install_line
from evalkit.api.pictures import Pixels

if TYPE_CHECKING:
    from evalkit.api.records import JSON

Features = NDArray[np.float32]
"""Shape (n, d)."""

INSTALL = install_line("fidelity")


class FeatureNetwork(Protocol):
    """Turns pictures into features. Loads nothing before the first call of `features`. Not thread-safe."""

    batch_size: int

    @property
    def name(self) -> str: ...

    @property
    def dims(self) -> int:
        """Features of a picture. May load the network."""
        ...

    def fingerprint(self) -> JSON:
        """Everything that affects a feature: weights, resizing, layer."""
        ...

    def missing(self) -> tuple[str, str] | None:
        """Why it can't be used here and what to do about it, as far as is known without loading it; else `None`."""
        ...

    def features(self, batch: Sequence[Pixels]) -> Features:
        """One row per picture; pictures may differ in size. Raises `UnavailableError` if it can't be loaded."""
        ...

    def close(self) -> None: ...


def usable(network: FeatureNetwork) -> None:
    """Raise `UnavailableError` if it is known beforehand that a network can't be used."""
    lack = network.missing()
    if lack:
        raise UnavailableError(lack[0], where=network.name, hint=lack[1])


def device(wanted: str) -> str:
    """The torch device. `auto` is the first GPU, else the CPU."""
    import torch

    return wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def squared(pixels: Pixels, side: int) -> Pixels:
    """The whole picture as a square of `side` px: bicubic, antialiased (Pillow), without keeping the aspect ratio."""
    from PIL import Image

    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))


def load_weights(path: Path, hint: str) -> dict[str, Any]:
    """A state dict from a file, reading tensors only: a pickle that would run code is refused.

    Raises:
        UnavailableError: the file is missing, damaged, or holds more than tensors.
    """
    import torch

    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises various exceptions on a damaged file
        first = str(error).strip().partition("\n")[0]
        raise UnavailableError(f"the weights can't be read: {first}", where=str(path), hint=hint) from error
    if not isinstance(weights, dict):
        raise UnavailableError("the file holds no state dict", where=str(path), hint=hint)
    return weights


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file; empty if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
