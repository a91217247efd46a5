"""What a judge can and can't see, as `evalkit faults` measures it with known defects.

The figures are shipped with each judge, in the folder of its package: `sees.yaml` declares which of its dimensions and
findings indicate which fault, `faults.json` (an `Ability`) holds how well they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from evalkit.api.pictures import Pixels
from evalkit.api.records import Box, Case
from evalkit.api.results import Interval

DECLARED, MEASURED = "sees.yaml", "faults.json"
FOUND = 0.9
"""A judge sees a size if it finds at least this share of the defects of that size."""
FALSE_ALARMS = 0.01
"""Recall is measured at the threshold that raises a false alarm on this share of the clean pictures."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """One picture whose truth is known.

    Args:
        case: the case that the judge gets with the picture.
        pixels: (H, W, 3) uint8.
        group: the name of the fault, or of the kind of clean picture.
        size: size of the fault in `unit`: its strength, or the height of the letters that have it.
        nominal: the size that was asked for; specimens are grouped by it.
        box: where the fault is visible, px; `None` in a clean picture.
        twin: the teacher's picture, (H, W, 3) uint8, if the judge may have one.
    """

    case: Case
    pixels: Pixels
    group: str
    size: float = 0.0
    nominal: float = 0.0
    unit: str = ""
    box: Box | None = None
    twin: Pixels | None = None


class Specimens(Protocol):
    """Pictures with known faults, and clean pictures. Found by name in the entry-point group `evalkit.specimens`."""

    def faults(self) -> tuple[str, ...]:
        """Names of the faults that `faulty` takes."""
        ...

    def grows(self, fault: str) -> bool:
        """Whether a larger size of the fault is a worse defect, and not only easier to see."""
        ...

    def faulty(self, fault: str) -> Iterator[Specimen]:
        """Pictures with this fault, in all its sizes."""
        ...

    def clean(self) -> Iterator[Specimen]:
        """Pictures without a fault. Those of the group `scenes` are of the kind that `faulty` puts faults into."""
        ...


@dataclass(frozen=True, slots=True)
class SizeFound:
    """How many of the faults of one size have a finding in their place, and the AUC against clean scenes."""

    size: float
    n: int
    found: int
    auc: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """How well one judge detects one kind of fault.

    Args:
        fault: name of the fault, as `evalkit faults --kind` takes it.
        unit: unit of the sizes.
        n: number of faulty pictures that the judge was given; it gave `n_scored` of them a value.
        auc: probability that a faulty picture scores worse than a clean one; ties count half.
        recall: share of the faulty pictures that score worse than all but 1 % of the clean ones.
        found: share of the faulty pictures with a finding in the place of the fault (what the report would show).
        iou: mean overlap (intersection over union) of the best such finding with the true box; `None` without findings.
        spearman: rank correlation of size and score; `None` if a larger size is not a worse defect.
        smallest: the size from which on the judge finds 9 in 10; `None` if it misses more even of the largest.
        sizes: the counts by size.
    """

    fault: str
    unit: str
    n: int
    n_scored: int
    auc: Interval | None
    recall: float | None
    found: float
    iou: float | None
    spearman: float | None
    smallest: float | None
    sizes: tuple[SizeFound, ...]


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Clean pictures of one kind: the judge has a finding on `alarms` of the `n`, and abstains on `abstained`."""

    group: str
    n: int
    alarms: int
    abstained: int


@dataclass(frozen=True, slots=True)
class Ability:
    """What one version of one judge can see.

    `pixels` is the side of the pictures in px, `command` is the command that measured it.
    """

    judge: str
    version: str
    created: str
    command: str
    pixels: int
    sights: tuple[Sight, ...]
    false_alarms: tuple[FalseAlarms, ...]
