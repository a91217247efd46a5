"""CMMD (Jayasumana et al. 2024, "Rethinking FID"): MMD² of CLIP embeddings."""

from __future__ import annotations

from typing import ClassVar

from evalkit.judges.fidelity.networks.transformer import Clip, ModelRef
from evalkit.judges.fidelity.sets.kernel_metric import KernelFigures, KernelMetric
from evalkit.judges.fidelity.sets.metric import SetSettings
from evalkit.judges.fidelity.sets.mmd import gaussian

_NAMES = KernelFigures("cmmd-unbiased", "cmmd-twins", "cmmd")


class Cmmd(KernelMetric):
    """CMMD: 1000·MMD² of unit CLIP embeddings, Gaussian kernel of σ = 10.

    `cmmd` is the biased estimator, which the authors' code and all published figures use; their paper writes the
    unbiased one, here `cmmd-unbiased`.
    """

    class Settings(SetSettings):
        """`model`: folder or hub id of a CLIP; published figures are of `openai/clip-vit-large-patch14-336`."""

        primary: ClassVar[str] = "model"

        model: ModelRef

    dimensions = _NAMES.dimensions("CMMD")

    def __init__(self, settings: Settings) -> None:
        network = Clip(settings.model, settings.device)
        super().__init__(_NAMES, network, gaussian, settings.reference, scale=1000.0, unit_length=True)
