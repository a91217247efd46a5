"""FID (Heusel et al. 2017) on the Inception of its reference implementation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from evalkit.api.settings import ResolvedPath
from evalkit.judges.fidelity.networks.inception import Inception
from evalkit.judges.fidelity.sets.frechet_metric import FrechetMetric, frechet_dimensions
from evalkit.judges.fidelity.sets.metric import SetSettings


class Fid(FrechetMetric):
    """FID with the reference's settings: TensorFlow Inception of 2015, its bilinear resize, float64 covariances."""

    class Settings(SetSettings):
        """`weights`: `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity; nothing is downloaded."""

        primary: ClassVar[str] = "weights"

        weights: ResolvedPath = Field()

    dimensions = frechet_dimensions("fid", "Inception pool3 features")

    def __init__(self, settings: Settings) -> None:
        super().__init__("fid", Inception(settings.weights, settings.device), settings.reference)
