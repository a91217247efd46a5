"""Decides which entries may be compared on one leaderboard, and which of two entries of one generator is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evalkit.api.errors import UsageError
from evalkit.api.records import Role
from evalkit.api.results import RunResults
from evalkit.formats.leaderboard import Entry, claim


class Contestant(NamedTuple):
    """An entry, the run folder or file it comes from, and the run itself where there is a folder."""

    entry: Entry
    origin: str
    results: RunResults | None

    @property
    def key(self) -> tuple[str, Role, int | None]:
        """Entries with the same key are of the same generator."""
        return self.entry.key


def check_comparable(contestants: Sequence[Contestant]) -> None:
    """Check that all have the same cases and the same judges. A judge may be missing, but not differ.

    Judges are the same if their fingerprints are, which cover version, settings and model. An entry that does not know
    the fingerprint of its judge (files of format 2) can only stand beside entries of its own run.

    Raises:
        UsageError: names the run that differs, the one it differs from, and both values.
    """
    asked: dict[str, tuple[object, str]] = {}
    for entry, origin, _ in contestants:
        facts: dict[str, object] = {
            "benchmark digest": f"{entry.benchmark_digest[:16]} ({entry.benchmark} {entry.benchmark_version})",
            "number of cases": entry.n_cases,
            "cases selected by name": ", ".join(entry.selected_cases) or "none",
        }
        for figure in entry.dimensions:
            facts[f"judge of `{figure.dimension}`"] = f"{figure.judge} {figure.judge_version}"
            facts[f"fingerprint (settings and model) of the judge of `{figure.dimension}`"] = (
                figure.judge_fingerprint[:16] or f"not known for the run {entry.run_digest[:16]}"
            )
            facts[f"better direction of `{figure.dimension}`"] = "higher" if figure.higher_is_better else "lower"
        for name, value in facts.items():
            first, where = asked.setdefault(name, (value, origin))
            if first != value:
                raise UsageError(
                    f"the {name} is {value} here, but {first} in {where}",
                    where=origin,
                    hint="only runs of the same cases and the same judges (version, settings, model) share a "
                    "leaderboard: run it again with those",
                )


def newest(contestants: Sequence[Contestant]) -> tuple[list[Contestant], tuple[str, ...]]:
    """The newest entry of every generator, in the order they first appear, and a note for each one left out.

    An entry given twice (a run folder and the file made from it) is one entry and needs no note.
    """
    kept: dict[tuple[str, Role, int | None], Contestant] = {}
    notes = []
    for contestant in contestants:
        other = kept.setdefault(contestant.key, contestant)
        if other is contestant:
            continue
        newer, older = (contestant, other) if _age(contestant) >= _age(other) else (other, contestant)
        kept[contestant.key] = newer
        if claim(newer.entry) != claim(older.entry):
            notes.append(
                f"{newer.entry.label()}: kept the newest, of {newer.entry.created} ({newer.origin}); "
                f"left out {older.entry.created} ({older.origin})"
            )
    return list(kept.values()), tuple(notes)


def _age(contestant: Contestant) -> tuple[float, bool]:
    """The newest is highest; of two equally old ones, the one whose run is given."""
    return (contestant.entry.when().timestamp(), contestant.results is not None)
