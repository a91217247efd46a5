"""The fidelity judge: how far the student's picture is from its twin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from evalkit.api import settings
from evalkit.api.errors import UnavailableError
from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import JSON, Case, Dimension, Score, Status, Verdict
from evalkit.formats.keys import digest
from evalkit.judges.fidelity.networks.efficientnet_lite0 import EfficientNetLite0
from evalkit.judges.fidelity.paired.controls import controls
from evalkit.judges.fidelity.paired.feature_distance import SMALLEST, feature_distance
from evalkit.judges.fidelity.paired.flip import PIXELS_PER_DEGREE, Plane, flip
from evalkit.judges.fidelity.paired.ssim import WINDOW, ssim
from evalkit.judges.fidelity.paired.twins import comparable, without_twin

FLIP, SSIM, FEATURES = "fidelity.flip", "fidelity.ssim", "fidelity.efficientnet_lite0"
_MAP_CELLS = 32


class FidelityJudge:
    """How far a picture is from its twin: FLIP (with a map), SSIM, and distance of EfficientNet-Lite0 features."""

    class Settings(settings.Settings):
        """Settings.

        `pixels_per_degree`: pixels per degree of visual angle, for FLIP. `device`: the device of the feature network.
        """

        pixels_per_degree: float = Field(round(PIXELS_PER_DEGREE, 2), ge=10, le=300)
        device: Literal["auto", "cpu", "cuda"] = "cpu"

    name = "fidelity"
    version = "2"
    dimensions = (
        Dimension(FLIP, "mean LDR-FLIP against the twin", higher_is_better=False),
        Dimension(SSIM, "SSIM on luma against the twin", low=-1.0),
        Dimension(
            FEATURES,
            "1 - cosine of EfficientNet-Lite0 features against the twin, over 5 stages (not LPIPS)",
            higher_is_better=False,
            high=2.0,
        ),
    )
    concurrency = 2

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or self.Settings()
        self._network = EfficientNetLite0(self.settings.device)

    def fingerprint(self) -> str:
        return digest(self.name, self.version, self.settings.pixels_per_degree, self._network.fingerprint())

    def check(self) -> Iterator[tuple[str, str]]:
        lack = self._network.missing()
        if lack:
            yield lack

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return without_twin(self.dimensions, has_twin=has_twin)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        other, reason = comparable(picture, twin)
        if other is None:
            return Verdict(self.name, tuple(_unscored(dimension.name, reason) for dimension in self.dimensions))
        seen = flip(other, picture.pixels, self.settings.pixels_per_degree)
        scores = (
            Score(FLIP, Status.SCORED, float(seen.mean())),
            self._ssim(picture.pixels, other),
            self._features(picture.pixels, other),
        )
        largest, at = float(seen.max()), np.unravel_index(int(seen.argmax()), seen.shape)
        evidence: dict[str, JSON] = {
            "flip": {
                "median": round(float(np.median(seen)), 4),
                "95th percentile": round(float(np.percentile(seen, 95)), 4),
                "largest": f"{largest:.3f} at x {at[1]}, y {at[0]}",
                "pixels per degree": self.settings.pixels_per_degree,
            },
            "flip_map": coarse_map(seen),
        }
        return Verdict(self.name, scores, (), evidence)

    def controls(self) -> Iterable[Control]:
        return controls()

    def close(self) -> None:
        self._network.close()

    def _ssim(self, one: Pixels, other: Pixels) -> Score:
        if min(one.shape[:2]) < WINDOW:
            return _unscored(SSIM, f"a side below {WINDOW} px")
        return Score(SSIM, Status.SCORED, ssim(one, other))

    def _features(self, one: Pixels, other: Pixels) -> Score:
        if min(one.shape[:2]) < SMALLEST:
            return _unscored(FEATURES, f"a side below {SMALLEST} px")
        try:
            return Score(FEATURES, Status.SCORED, max(0.0, feature_distance(one, other, self._network)))
        except UnavailableError as error:  # FLIP and SSIM need no network
            return _unscored(FEATURES, f"{error.what}: {error.hint}")


def _unscored(dimension: str, reason: str) -> Score:
    return Score(dimension, Status.UNSCORED, reason=reason)


def coarse_map(seen: Plane) -> dict[str, JSON]:
    """The map for the report: at most 32×32 cells of `cell` px, each the mean of its pixels."""
    cell = max(1, math.ceil(max(seen.shape) / _MAP_CELLS))
    edges = [np.arange(0, n, cell) for n in seen.shape]
    sums = np.add.reduceat(np.add.reduceat(seen, edges[0], axis=0), edges[1], axis=1)
    sizes = np.outer(*(np.diff([*edge, n]) for edge, n in zip(edges, seen.shape, strict=True)))
    return {"cell": cell, "values": [[round(float(v), 3) for v in row] for row in sums / sizes]}
