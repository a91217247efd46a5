"""What a judge can and can't see, in the few words that every report has room for.

It was measured beforehand with known defects (`evalkit faults`); the figures are shipped beside the judge.
"""

from __future__ import annotations

from typing import NamedTuple

from evalkit.api.ability import Ability, Sight
from evalkit.plugins.abilities import ability_of

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


def shipped_sights(judge: str, version: str) -> Sights | None:
    """The figures shipped beside a judge in words, for a run that had its `version`; `None` where there are none."""
    ability = ability_of(judge)
    return sights_of(ability, version) if ability else None


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
