"""What a judge can and can't see, as measured with known defects by `evalkit faults` (ground floor).

The figures are shipped beside each judge, in the folder of its package: `sees.yaml` says beforehand which of its
dimensions and findings speak for which fault, `faults.json` (an `Ability`) says how well they do.
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
"""A size counts as seen if this share of the defects of that size is found."""
FALSE_ALARMS = 0.01
"""Share of clean pictures on which an alarm is allowed where recall is told."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """One picture whose truth is known.

    Args:
        case: what the judge is told of it.
        pixels: (H, W, 3) uint8.
        group: the fault's name, or that of the kind of clean pictures.
        size: of the fault, in `unit`: how strong it is, or how tall the letters are that it is in.
        nominal: the size that was asked for, by which specimens are grouped.
        box: where the fault can be seen, px; `None` in a clean picture.
        twin: (H, W, 3) of the teacher's picture, where the judge may have one.
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
    """Pictures with known faults and clean ones. An entry point of the group `evalkit.specimens`, as any plug-in."""

    def faults(self) -> tuple[str, ...]:
        """Names of the faults that `faulty` shows."""
        ...

    def grows(self, fault: str) -> bool:
        """Whether a larger size of the fault is a worse defect, not only one that is easier to see."""
        ...

    def faulty(self, fault: str) -> Iterator[Specimen]: ...

    def clean(self) -> Iterator[Specimen]:
        """Pictures without a fault; those of the group `scenes` are of the kind that the faults are put into."""
        ...


@dataclass(frozen=True, slots=True)
class SizeFound:
    """How many of the faults of one size were found in their place, and the AUC against clean scenes."""

    size: float
    n: int
    found: int
    auc: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What one judge makes of one kind of fault.

    Args:
        fault: its name, as `evalkit faults --kind` takes it.
        unit: of the sizes.
        n: faulty pictures shown; `n_scored` of them the judge gave a value.
        auc: probability that a faulty picture scores worse than a clean one, ties count half.
        recall: share of the faulty pictures that score worse than all but 1 % of the clean ones.
        found: share of the faulty pictures with a finding in its place (what the report would show).
        iou: mean overlap (intersection over union) of the best such finding with the true box, where there is one.
        spearman: rank correlation of size and score; `None` where a larger size is no worse defect.
        smallest: the smallest size from which on 9 in 10 are found; `None` if not even of the largest.
        sizes: the counts behind it.
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
    """Clean pictures of one kind: on how many the judge has a finding, and on how many it abstains."""

    group: str
    n: int
    alarms: int
    abstained: int


@dataclass(frozen=True, slots=True)
class Ability:
    """What one judge at one version can see. `pixels` is the side of the pictures, `command` what measured it."""

    judge: str
    version: str
    created: str
    command: str
    pixels: int
    sights: tuple[Sight, ...]
    false_alarms: tuple[FalseAlarms, ...]
