"""Showing specimens to judges."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from evalkit.api.ability import Ability, FalseAlarms, Sight, Specimen, Specimens
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Judge
from evalkit.api.records import Status, Verdict
from evalkit.engine.judging import look
from evalkit.studies.faults.measure import Seen, best_overlap, sight
from evalkit.studies.faults.sees import Signal

SCENES = "scenes"
Tell = Callable[[str], None]


def measure_judge(
    judge: Judge, signals: Mapping[str, Signal], specimens: Specimens, pixels: int, command: str, tell: Tell
) -> Ability:
    """What one judge makes of all clean pictures, and of the faults that it declares to see.

    Args:
        judge: who looks.
        signals: what of its verdict speaks for which fault.
        specimens: what is shown.
        pixels: side of the pictures, for the record.
        command: what the user typed, for the record.
        tell: called with what is being shown.

    Raises:
        UnavailableError: the judge can look at nothing at all.
    """
    tell(f"{judge.name}: clean pictures")
    clean = [(specimen.group, _look(judge, specimen, tell)) for specimen in specimens.clean()]
    dimensions = {dimension.name: dimension for dimension in judge.dimensions}
    sights: list[Sight] = []
    for fault in specimens.faults():
        if fault not in signals:
            continue
        tell(f"{judge.name}: {fault}")
        signal = signals[fault]
        values = [signal.value(verdict, dimensions) for group, verdict in clean if group == SCENES]
        seen, unit = [], ""
        for specimen in specimens.faulty(fault):
            verdict, unit = _look(judge, specimen, tell), specimen.unit
            assert specimen.box is not None
            overlap = best_overlap([finding.box for finding in signal.of(verdict)], specimen.box)
            seen.append(Seen(specimen.size, specimen.nominal, signal.value(verdict, dimensions), overlap))
        known = [value for value in values if value is not None]
        sights.append(sight(fault, unit, seen, known, grows=specimens.grows(fault)))
    created = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Ability(judge.name, judge.version, created, command, pixels, tuple(sights), false_alarms(clean))


def false_alarms(clean: Sequence[tuple[str, Verdict]]) -> tuple[FalseAlarms, ...]:
    """Per kind of clean pictures: on how many there is any finding, and on how many there is no score at all."""
    return tuple(
        FalseAlarms(
            group,
            sum(name == group for name, _ in clean),
            sum(name == group and bool(verdict.findings) for name, verdict in clean),
            sum(name == group and _abstained(verdict) for name, verdict in clean),
        )
        for group in dict.fromkeys(name for name, _ in clean)
    )


def _look(judge: Judge, specimen: Specimen, tell: Tell) -> Verdict:
    """The verdict; where the judge fails, the reason is told, and the picture counts as one it abstained on."""
    twin = Picture.from_pixels(specimen.twin) if specimen.twin is not None else None
    verdict = look(judge, specimen.case, Picture.from_pixels(specimen.pixels), twin)
    if failed := next((score.reason for score in verdict.scores if score.status is Status.ERROR), ""):
        tell(f"{judge.name} failed on {specimen.case.id}: {failed}")
    return verdict


def _abstained(verdict: Verdict) -> bool:
    return all(score.status is not Status.SCORED for score in verdict.scores)
