"""Which faults a judge detects, in the few words that every report has room for.

`evalkit faults` measured it beforehand with known defects; the figures are shipped with the judge.
"""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.ability import Ability, Sight
from evalkit.plugins.abilities import ability_of

RARELY = 0.1
"""A fault that is found less often than this counts as one that the judge does not detect."""


class Detection(NamedTuple):
    """The faults a judge finds 9 times in 10, sometimes and rarely, each in a few words, and its false alarms.

    `note` says how this was measured, and whether with the version that judged this run.
    """

    reliably: tuple[str, ...]
    sometimes: tuple[str, ...]
    rarely: tuple[str, ...]
    false_alarms: tuple[str, ...]
    note: str
    is_current: bool


def shipped_detection(judge: str, version: str) -> Detection | None:
    """The figures shipped with a judge, in words; `None` where there are none. `version` is the judge's in the run."""
    ability = ability_of(judge)
    return detection_of(ability, version) if ability else None


def detection_of(ability: Ability, version: str) -> Detection:
    """The measured figures in words. `version` is the judge's in the run, empty if it scored nothing."""
    reliably = [one for one in ability.sights if one.smallest is not None]
    others = [one for one in ability.sights if one.smallest is None]
    alarms = tuple(
        f"{one.alarms} of {one.n} {one.group}" + (" (abstains)" if one.abstained == one.n else "")
        for one in ability.false_alarms
    )
    is_current = version in ("", ability.version)
    note = f"Measured {ability.created[:10]} on held-out pictures of {ability.pixels} px"
    note += "." if is_current else f" with version {ability.version}; this run has {version}, which may differ."
    return Detection(
        tuple(f"{one.fault}{_from(one)}" for one in reliably),
        tuple(_share(one) for one in others if one.found >= RARELY),
        tuple(_share(one) for one in others if one.found < RARELY),
        alarms,
        note,
        is_current,
    )


def _from(one: Sight) -> str:
    return f" from {one.smallest:g} {one.unit}".rstrip() if len(one.sizes) > 1 else ""


def _share(one: Sight) -> str:
    """A fault that is not found 9 in 10 times: the share of all pictures with it in which it is."""
    return f"{one.fault} {one.found:.0%}"
