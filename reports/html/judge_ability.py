"""How far each judge can be trusted: its controls, how much of what it was asked it answered, and what it can see.

What it can see was measured beforehand with known defects (`evalkit faults`); the figures are shipped beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from evalkit.ability import Ability, Sight, ability_of
from evalkit.results import ControlResult, DimensionResult, RunSummary
from reports.html.missing_scores import Missing, MissingScores

HARDLY = 0.1
"""A fault that is found less often than this counts as one that the judge does not see."""


class Sights(NamedTuple):
    """What a judge finds, each fault in a few words: surely (9 in 10), at times, hardly; and its false alarms.

    `note` is how it was measured, and whether with the version that judged this run.
    """

    surely: tuple[str, ...]
    at_times: tuple[str, ...]
    hardly: tuple[str, ...]
    false_alarms: tuple[str, ...]
    note: str
    is_current: bool


class JudgeRow(NamedTuple):
    """One judge: `results` are its dimensions, each role's; `missing` says why scores are missing, where counted.

    `sights` is `None` where nobody has measured what it can see.
    """

    name: str
    version: str
    results: tuple[DimensionResult, ...]
    controls: tuple[ControlResult, ...]
    missing: tuple[Missing, ...]
    sights: Sights | None = None

    @property
    def n_right(self) -> int:
        """Controls judged right."""
        return sum(control.passed for control in self.controls)

    @property
    def n_expected(self) -> int:
        """Scores it was to give."""
        return sum(result.n_expected for result in self.results)

    @property
    def n_scored(self) -> int:
        """Scores it gave."""
        return sum(result.n_scored for result in self.results)


def judge_rows(summary: RunSummary, missing: MissingScores | None) -> list[JudgeRow]:
    """Every judge that measured something or was put to a control, wrong ones first."""
    names = dict.fromkeys([d.judge for d in summary.dimensions] + [c.judge for c in summary.controls])
    rows = [_row(name, summary, missing) for name in names]
    return sorted(rows, key=lambda row: row.n_right == len(row.controls))


def _row(name: str, summary: RunSummary, missing: MissingScores | None) -> JudgeRow:
    results = tuple(result for result in summary.dimensions if result.judge == name)
    controls = tuple(sorted((c for c in summary.controls if c.judge == name), key=lambda c: c.passed))
    version = results[0].judge_version if results else ""
    ability = ability_of(name)
    sights = sights_of(ability, version) if ability else None
    return JudgeRow(name, version, results, controls, tuple(missing.of(name)) if missing else (), sights)


def sights_of(ability: Ability, version: str) -> Sights:
    """The measured figures in words, for a run whose judge has this version (empty: it scored nothing)."""
    surely = [one for one in ability.sights if one.smallest is not None]
    others = [one for one in ability.sights if one.smallest is None]
    alarms = tuple(
        f"{one.alarms} of {one.n} {one.group}" + (" (abstains)" if one.abstained == one.n else "")
        for one in ability.false_alarms
    )
    is_current = version in ("", ability.version)
    note = f"Measured {ability.created[:10]} on held-out pictures of {ability.pixels} px"
    note += "." if is_current else f" with version {ability.version}; this run has {version}, which may differ."
    return Sights(
        tuple(f"{one.fault}{_from(one)}" for one in surely),
        tuple(_share(one) for one in others if one.found >= HARDLY),
        tuple(_share(one) for one in others if one.found < HARDLY),
        alarms,
        note,
        is_current,
    )


def _from(one: Sight) -> str:
    return f" from {one.smallest:g} {one.unit}".rstrip() if len(one.sizes) > 1 else ""


def _share(one: Sight) -> str:
    """A fault that is not found 9 in 10 times: how often it is, over all sizes shown."""
    return f"{one.fault} {one.found:.0%}"
