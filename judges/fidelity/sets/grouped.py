"""Gathers the features of a set of pictures by group, so that each group can be left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.judges.fidelity.sets.moments import Moments

GROUPS = 10


class Groups:
    """Assigns cases to `GROUPS` groups in turn. Both sets share one object, so that twins are in the same group."""

    def __init__(self) -> None:
        self._group: dict[str, int] = {}

    def of(self, case: str) -> int:
        return self._group.setdefault(case, len(self._group) % GROUPS)


class GroupedFeatures:
    """Features by group. Memory does not grow with the number of pictures.

    Up to d rows are kept as they are, which is no more than one d×d matrix. Beyond that they are folded into the
    moments of their groups: `GROUPS` matrices of d×d.
    """

    def __init__(self, dims: int, groups: Groups) -> None:
        self.dims = dims
        self.n = 0
        self._groups = groups
        self._rows: list[NDArray[np.float32]] = []
        self._labels: list[int] = []
        self._moments: list[Moments] | None = None

    def update(self, features: NDArray[np.float32], cases: Sequence[str]) -> None:
        """Add rows (n, d) and the case of each. Raises `ValueError` if a value is not finite."""
        if not np.isfinite(features).all():
            raise ValueError("features that are not finite")
        self.n += len(features)
        self._rows.append(features)
        self._labels += [self._groups.of(case) for case in cases]
        if len(self._labels) > self.dims:
            self._fold()

    @property
    def rows(self) -> NDArray[np.float32] | None:
        """All rows (n, d); `None` after they have been folded."""
        return None if self._moments else self._waiting()

    @property
    def labels(self) -> NDArray[np.int64]:
        """The group of each row, as long as rows are kept."""
        return np.array(self._labels, dtype=np.int64)

    def moments(self) -> list[Moments]:
        """The moments of each group; a group may be empty."""
        self._fold()
        return self._moments or []

    def _fold(self) -> None:
        labels, rows = self.labels, self._waiting()
        fresh = [Moments.of(rows[labels == group]) for group in range(GROUPS)]
        known = self._moments or fresh
        self._moments = fresh if known is fresh else [a.merged(b) for a, b in zip(known, fresh, strict=True)]
        self._rows, self._labels = [], []

    def _waiting(self) -> NDArray[np.float32]:
        return np.concatenate([np.zeros((0, self.dims), np.float32), *self._rows])
