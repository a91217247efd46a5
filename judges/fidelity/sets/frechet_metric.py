"""Fréchet distance of the features of two sets of pictures, as a metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.api.protocols import PictureSet, SetFigure
from evalkit.api.records import Dimension
from evalkit.formats.keys import digest
from evalkit.judges.fidelity.networks.network import FeatureNetwork, usable
from evalkit.judges.fidelity.sets.frechet_spread import frechet_estimate
from evalkit.judges.fidelity.sets.grouped import GROUPS, GroupedFeatures, Groups
from evalkit.judges.fidelity.sets.jackknife import interval
from evalkit.judges.fidelity.sets.metric import FOR_A_GATE, identity, stream


def frechet_dimensions(name: str, features: str) -> tuple[Dimension, ...]:
    """The figures of a Fréchet distance."""
    return (
        Dimension(name, f"Fréchet distance of {features}, at this number of pictures", False, high=None),
        Dimension(f"{name}-infinity", "the same, extrapolated to infinitely many pictures", False, low=None, high=None),
    )


class FrechetMetric:
    """Streams features into moments; two figures, the distance and its extrapolation.

    The distance has a bias of about a constant over n (Chong & Forsyth 2020), and the constant depends on the model:
    figures at another n, or of models with another spread, are not comparable. The interval, from leaving out a tenth
    of the cases in turn, is for the distance at this n. `…-infinity` removes the 1/n term, from the same ten values.
    """

    version = "1"
    least_for_gate = FOR_A_GATE

    def __init__(self, name: str, network: FeatureNetwork, reference: Path | None) -> None:
        self.name = name
        self.reference = reference
        self._network = network

    def fingerprint(self) -> str:
        return digest(*identity(self.name, self.version, self._network))

    def check(self) -> Sequence[tuple[str, str]]:
        lack = self._network.missing()
        return [lack] if lack else []

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Sequence[SetFigure]:
        usable(self._network)
        fewest = min(pictures.n, reference.n)
        if fewest < 2:
            return self._none("fewer than 2 pictures on a side")
        groups = Groups()
        mine, theirs = (self._gather(each, groups) for each in (pictures, reference))
        value, spread = frechet_estimate(mine, theirs, twins=twins)
        scope = "" if twins else "; the reference counts as fixed"
        few = f"; off by its bias at {fewest:,} pictures: no gate below {FOR_A_GATE:,}" if fewest < FOR_A_GATE else ""
        note = f"interval: delete-a-group jackknife, {GROUPS} groups of cases, about the distance at this n{scope}{few}"
        plain = SetFigure(self.name, interval(value, spread, mine.n, low=0.0), note=note)
        if spread is None:
            return [plain, SetFigure(f"{self.name}-infinity", None, f"fewer than {GROUPS} cases")]
        # without full rank the distance does not follow 1/n; in measurements the extrapolation then stopped halfway
        if fewest * (GROUPS - 1) / GROUPS <= self._network.dims:
            least = self._network.dims * GROUPS // (GROUPS - 1) + 1
            return [plain, SetFigure(f"{self.name}-infinity", None, f"needs at least {least:,} pictures on each side")]
        return [
            plain,
            SetFigure(
                f"{self.name}-infinity",
                interval(spread.unbiased, spread, mine.n),
                note=f"jackknife extrapolation in 1/n{scope}",
            ),
        ]

    def close(self) -> None:
        self._network.close()

    def _gather(self, pictures: PictureSet, groups: Groups) -> GroupedFeatures:
        gathered = GroupedFeatures(self._network.dims, groups)
        for features, cases in stream(pictures, self._network):
            gathered.update(features, cases)
        return gathered

    def _none(self, reason: str) -> list[SetFigure]:
        return [SetFigure(name, None, reason) for name in (self.name, f"{self.name}-infinity")]
