"""Whether two runs ask the same: case by case, and of the whole suite."""

from __future__ import annotations

import dataclasses

from evalkit.api.records import Case
from evalkit.store.run_reader import RunReader


def same_question(one: Case, other: Case) -> bool:
    """Whether two cases of one id ask for the same picture and the same truth."""
    return _question(one) == _question(other)


def not_shared(new: RunReader, base: RunReader) -> str:
    """Which cases only one of two runs has, or each in its own way, in words; empty if they ask the same."""
    ours = {case.id: case for _, case in new.cases()}
    theirs = {case.id: case for _, case in base.cases()}
    changed = sum(not same_question(case, theirs[name]) for name, case in ours.items() if name in theirs)
    seeds = [reader.meta("seeds") or 1 for reader in (new, base)]
    said = []
    if lacking := len(ours.keys() - theirs.keys()):
        said.append(f"the baseline does not have {lacking} of the {len(ours)} cases")
    if lacking := len(theirs.keys() - ours.keys()):
        said.append(f"{lacking} of the baseline's {len(theirs)} cases were not asked")
    if changed:
        said.append(f"{changed} cases have changed")
    if seeds[0] != seeds[1]:
        said.append(f"it has {seeds[0]} pictures for each case, the baseline {seeds[1]}")
    return "; ".join(said)


def _question(case: Case) -> Case:
    """The case without what may change: its labels, and where its source lies."""
    source = dataclasses.replace(case.source, path="") if case.source else None
    return dataclasses.replace(case, category="", tags=(), source=source)
