"""Kernel distance (MMD²) of the features of two sets of pictures, as a metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evalkit.api.protocols import PictureSet, SetFigure
from evalkit.api.records import Dimension
from evalkit.api.results import Interval
from evalkit.formats.keys import digest
from evalkit.judges.fidelity.networks.network import FeatureNetwork, Features, usable
from evalkit.judges.fidelity.sets.jackknife import FEWEST
from evalkit.judges.fidelity.sets.metric import identity, stream
from evalkit.judges.fidelity.sets.mmd import Estimate, Kernel, mmd2_estimates

NO_TWINS = "the reference is no set of twins"


class KernelFigures(NamedTuple):
    """Names of the figures of one kernel distance, one for each of the three estimators."""

    unbiased: str
    paired: str
    biased: str = ""
    """An empty name means that the estimator is not reported."""

    def dimensions(self, what: str) -> tuple[Dimension, ...]:
        """The dimensions that a metric with these figures declares."""
        named = [
            Dimension(self.biased, f"{what}, biased estimator (V-statistic)", False, high=None)
            if self.biased
            else None,
            Dimension(self.unbiased, f"{what}, unbiased estimator (U-statistic)", False, low=None, high=None),
            Dimension(
                self.paired, f"{what}, unbiased for twins: no pair of one case counts", False, low=None, high=None
            ),
        ]
        return tuple(dimension for dimension in named if dimension)


class KernelMetric:
    """Holds all features in memory (4·d bytes a picture), and 1,024 rows of the kernel matrix at a time.

    Leaving out each case in turn gives pseudo-values, from which the harness computes the intervals. To first order
    they are exact; if the two sets do not differ at all, their spread is up to a third too wide.
    """

    version = "1"
    least_for_gate = 2

    def __init__(
        self,
        names: KernelFigures,
        network: FeatureNetwork,
        kernel: Kernel,
        reference: Path | None,
        *,
        scale: float = 1.0,
        unit_length: bool = False,
    ) -> None:
        self.name = names.biased or names.unbiased
        self.reference = reference
        self._names, self._network, self._kernel = names, network, kernel
        self._scale, self._unit_length = scale, unit_length

    def fingerprint(self) -> str:
        kernel = self._kernel.__name__
        return digest(*identity(self.name, self.version, self._network), kernel, self._scale, self._unit_length)

    def check(self) -> Sequence[tuple[str, str]]:
        lack = self._network.missing()
        return [lack] if lack else []

    def measure(self, pictures: PictureSet, reference: PictureSet, *, twins: bool) -> Sequence[SetFigure]:
        usable(self._network)
        names = [name for name in (self._names.biased, self._names.unbiased) if name]
        if min(pictures.n, reference.n) < 2:
            return [SetFigure(name, None, "fewer than 2 pictures on a side") for name in (*names, self._names.paired)]
        mine, cases = self._gather(pictures)
        theirs, other_cases = self._gather(reference)
        found = mmd2_estimates(mine, theirs, self._kernel, cases, other_cases if twins else None)
        about = "interval: delete-a-case jackknife" + ("" if twins else "; the reference counts as fixed")
        pulled = "; twins pull it down: see the figure for twins" if twins else ""
        figures = [self._figure(self._names.unbiased, found.unbiased, len(mine), about + pulled)]
        if self._names.biased:
            more = f"{about}, about the value at this n{pulled}"
            figures.insert(0, self._figure(self._names.biased, found.biased, len(mine), more))
        if found.paired is None:
            return [*figures, SetFigure(self._names.paired, None, "only one case" if twins else NO_TWINS)]
        return [*figures, self._figure(self._names.paired, found.paired, len(mine), about)]

    def close(self) -> None:
        self._network.close()

    def _figure(self, name: str, found: Estimate, n: int, note: str) -> SetFigure:
        estimate = Interval(found.value * self._scale, None, None, n)
        if found.spread is None:
            return SetFigure(name, estimate, note=f"no interval: fewer than {FEWEST} cases")
        return SetFigure(name, estimate, note=note, pseudo_values=tuple(found.spread.pseudo * self._scale))

    def _gather(self, pictures: PictureSet) -> tuple[Features, list[str]]:
        rows: list[Features] = []
        cases: list[str] = []
        for features, of in stream(pictures, self._network):
            rows.append(features)
            cases += of
        found = np.concatenate(rows)
        if self._unit_length:
            found = found / np.linalg.norm(found, axis=1, keepdims=True)
        return found, cases
