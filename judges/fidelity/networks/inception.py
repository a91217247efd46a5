"""Inception v3 of FID's reference implementation: TensorFlow's weights of 2015-12-05, ported by torch-fidelity
(Apache-2.0).

torchvision's Inception is another network, and torchmetrics' FID resizes differently (antialiased by default): both
give figures that are not comparable with published ones. Here torch-fidelity's own class does the resizing (TensorFlow
1's bilinear, without antialiasing, from the uint8 picture of any size to 299×299) and returns its 2,048 pool3 features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Pixels
from evalkit.compat.torchvision_cpu import ensure_torchvision
from evalkit.judges.fidelity.networks.network import INSTALL, Features, device, file_digest, load_weights, usable

if TYPE_CHECKING:
    from evalkit.api.records import JSON

SOURCE = "weights=… must be torch-fidelity's weights-inception-2015-12-05-6726825d.pth (its GitHub release v0.2.0)"


class Inception:
    """2,048 features of pool3."""

    name = "inception-v3-2015"
    dims = 2048
    batch_size = 16

    def __init__(self, weights: Path, wanted_device: str = "auto") -> None:
        self._weights = weights
        self._wanted_device = wanted_device

    def fingerprint(self) -> JSON:
        return [self.name, file_digest(self._weights), "2048"]

    def missing(self) -> tuple[str, str] | None:
        for package in ("torch", "torch_fidelity"):
            if find_spec(package) is None:
                return f"{package.replace('_', '-')} is not installed", INSTALL
        if not self._weights.is_file():
            return f"the Inception weights are not there: {self._weights}", SOURCE
        return None

    def features(self, batch: Sequence[Pixels]) -> Features:
        import torch

        rows = np.empty((len(batch), self.dims), dtype=np.float32)
        sizes = [pixels.shape for pixels in batch]
        with torch.inference_mode():
            for size in dict.fromkeys(sizes):
                at = [i for i, other in enumerate(sizes) if other == size]
                pictures = torch.from_numpy(np.stack([batch[i] for i in at])).permute(0, 3, 1, 2)
                (found,) = self._network(pictures.contiguous().to(device(self._wanted_device)))
                rows[at] = found.float().cpu().numpy()
        return rows

    def close(self) -> None:
        self.__dict__.pop("_network", None)

    @cached_property
    def _network(self) -> Any:
        usable(self)
        load_weights(self._weights, SOURCE)  # torch-fidelity would run code from a pickle, so the file is checked first
        ensure_torchvision()
        from torch_fidelity import FeatureExtractorInceptionV3

        try:
            network = FeatureExtractorInceptionV3(
                self.name, ["2048"], feature_extractor_weights_path=str(self._weights)
            )
        except RuntimeError as error:
            what = "the file holds other weights than those of FID's Inception"
            raise UnavailableError(what, where=str(self._weights), hint=SOURCE) from error
        return network.to(device(self._wanted_device))
