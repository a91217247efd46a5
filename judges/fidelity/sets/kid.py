"""KID (Bińkowski et al. 2018) on the Inception of FID's reference implementation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from evalkit.api.settings import ResolvedPath
from evalkit.judges.fidelity.networks.inception import Inception
from evalkit.judges.fidelity.sets.kernel_metric import KernelFigures, KernelMetric
from evalkit.judges.fidelity.sets.metric import SetSettings
from evalkit.judges.fidelity.sets.mmd import polynomial

_NAMES = KernelFigures("kid", "kid-twins")


class Kid(KernelMetric):
    """KID: unbiased MMD² of Inception features with the kernel (x·y/d + 1)³, on all pictures at once."""

    class Settings(SetSettings):
        """`weights`: `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity; nothing is downloaded."""

        primary: ClassVar[str] = "weights"

        weights: ResolvedPath = Field()

    dimensions = _NAMES.dimensions("KID")

    def __init__(self, settings: Settings) -> None:
        super().__init__(_NAMES, Inception(settings.weights, settings.device), polynomial, settings.reference)
