"""The common base of the judges LPIPS and DISTS: a torchmetrics network on a torchvision backbone."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalkit.api.pictures import Picture, Pixels
from evalkit.api.protocols import Control
from evalkit.api.records import Case, Dimension, Score, Status, Verdict
from evalkit.formats.keys import digest
from evalkit.judges.fidelity.networks.network import device
from evalkit.judges.fidelity.paired.backbone import BackboneSettings, backbone, fingerprint, missing
from evalkit.judges.fidelity.paired.controls import squares, without_one
from evalkit.judges.fidelity.paired.twins import comparable, without_twin

SMALLEST = 64
"""Least side of a picture, px: below it the last stage of the backbones has no position left."""


class DeepJudge(ABC):
    """A judge with one dimension: the distance from the twin, 0 for the same picture."""

    name: str
    version = "2"
    dimensions: tuple[Dimension, ...]
    concurrency = 1

    def __init__(self, net: str, settings: BackboneSettings) -> None:
        self.settings = settings
        self._net = net
        self._model: Any = None
        self._loading = threading.Lock()

    def fingerprint(self) -> str:
        return digest(self.name, self.version, self._net, fingerprint(self._net, self.settings))

    def check(self) -> Sequence[tuple[str, str]]:
        lack = missing(self._net, self.settings)
        return [lack] if lack else []

    def applies(self, case: Case, has_twin: bool) -> Mapping[str, str]:
        return without_twin(self.dimensions, has_twin=has_twin)

    def judge(self, picture: Picture, case: Case, twin: Picture | None) -> Verdict:
        other, reason = comparable(picture, twin)
        if other is not None and min(other.shape[:2]) < SMALLEST:
            reason = f"a side below {SMALLEST} px"
        dimension = self.dimensions[0].name
        if other is None or reason:
            return Verdict(self.name, (Score(dimension, Status.UNSCORED, reason=reason),))
        distance = self.dimensions[0].limited(self._distance(picture.pixels, other))
        return Verdict(self.name, (Score(dimension, Status.SCORED, distance),))

    def controls(self) -> Iterable[Control]:
        case = Case("control/twins", "squares on a plain ground", width=128, height=128)
        drawn, changed = (Picture.from_pixels(pixels) for pixels in (squares(), without_one()))
        yield Control("the same picture", "the distance is 0", case, drawn, lambda v: abs(_value(v)) < 1e-5, twin=drawn)
        yield Control(
            "one shape missing", "the distance is above 0", case, changed, lambda v: _value(v) > 1e-3, twin=drawn
        )

    def close(self) -> None:
        self._model = None

    @abstractmethod
    def _build(self) -> Any:
        """A module that maps two pictures (1, 3, H, W), float in [0, 1], to their distance."""

    def _distance(self, one: Pixels, other: Pixels) -> float:
        with self._loading:
            if self._model is None:
                with backbone(self._net, self.settings):
                    self._model = self._build().to(device("auto")).eval()
        import torch  # after `backbone`, which says so if torch is missing

        with torch.inference_mode():
            rows = [
                torch.tensor(pixels).permute(2, 0, 1)[None].to(device("auto")).float() / 255 for pixels in (one, other)
            ]
            return float(self._model(*rows))


def _value(verdict: Verdict) -> float:
    value = verdict.scores[0].value
    return float("nan") if value is None else value
