"""Shows specimens to a judge and measures what it detects."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from evalkit.api.ability import Ability, FalseAlarms, Sight, Specimen, Specimens
from evalkit.api.pictures import Picture
from evalkit.api.protocols import Judge
from evalkit.api.records import Status, Verdict
from evalkit.engine.judging import look
from evalkit.studies.faults.measure import Observation, best_overlap, sight
from evalkit.studies.faults.signals import Signal

SCENES = "scenes"
Say = Callable[[str], None]


def measure_judge(
    judge: Judge, signals: Mapping[str, Signal], specimens: Specimens, pixels: int, command: str, say: Say
) -> Ability:
    """Measure one judge on all clean pictures, and on the faults that it declares to see.

    Args:
        judge: the judge to measure.
        signals: by fault, which part of the judge's verdict indicates it.
        specimens: the pictures to show.
        pixels: side of the pictures in px, for the record.
        command: the user's command, for the record.
        say: called with a line of progress.

    Raises:
        UnavailableError: the judge can't judge any picture.
    """
    say(f"{judge.name}: clean pictures")
    clean = [(specimen.group, _look(judge, specimen, say)) for specimen in specimens.clean()]
    dimensions = {dimension.name: dimension for dimension in judge.dimensions}
    sights: list[Sight] = []
    for fault in specimens.faults():
        if fault not in signals:
            continue
        say(f"{judge.name}: {fault}")
        signal = signals[fault]
        values = [signal.value(verdict, dimensions) for group, verdict in clean if group == SCENES]
        observations, unit = [], ""
        for specimen in specimens.faulty(fault):
            verdict, unit = _look(judge, specimen, say), specimen.unit
            assert specimen.box is not None
            overlap = best_overlap([finding.box for finding in signal.of(verdict)], specimen.box)
            value = signal.value(verdict, dimensions)
            observations.append(Observation(specimen.size, specimen.nominal, value, overlap))
        known = [value for value in values if value is not None]
        sights.append(sight(fault, unit, observations, known, grows=specimens.grows(fault)))
    created = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Ability(judge.name, judge.version, created, command, pixels, tuple(sights), false_alarms(clean))


def false_alarms(clean: Sequence[tuple[str, Verdict]]) -> tuple[FalseAlarms, ...]:
    """By group of clean pictures: how many have a finding, and how many have no score at all."""
    return tuple(
        FalseAlarms(
            group,
            sum(name == group for name, _ in clean),
            sum(name == group and bool(verdict.findings) for name, verdict in clean),
            sum(name == group and _abstained(verdict) for name, verdict in clean),
        )
        for group in dict.fromkeys(name for name, _ in clean)
    )


def _look(judge: Judge, specimen: Specimen, say: Say) -> Verdict:
    """The judge's verdict. If the judge fails, its reason is reported and the picture counts as an abstention."""
    twin = Picture.from_pixels(specimen.twin) if specimen.twin is not None else None
    verdict = look(judge, specimen.case, Picture.from_pixels(specimen.pixels), twin)
    if failed := next((score.reason for score in verdict.scores if score.status is Status.ERROR), ""):
        say(f"{judge.name} failed on {specimen.case.id}: {failed}")
    return verdict


def _abstained(verdict: Verdict) -> bool:
    return all(score.status is not Status.SCORED for score in verdict.scores)
