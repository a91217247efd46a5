"""Lists of unstable cases, which the gates leave out, and when such a list is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from evalkit.api.errors import ConfigError
from evalkit.api.records import Case, Sample
from evalkit.formats.keys import from_json
from evalkit.formats.strict_json import read_json

MOST_BY_HAND = 0.1
"""Largest share of a suite that a list written by hand may leave out."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
"""What the digest of a run looks like (`evalkit.store.fingerprint.run_digest`)."""


@dataclass(frozen=True)
class FlakyList:
    """Unstable cases, and how they were found.

    Args:
        cases: ids of the cases.
        runs: digests of the runs that were compared; empty for a list written by hand.
        student: case id -> fingerprints of the student whose pictures were unstable, of all these runs.
        pictures: case id -> SHA-256 of these pictures.
    """

    cases: tuple[str, ...]
    runs: tuple[str, ...] = ()
    student: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Whether the list does not say, of every case, which runs of which student showed it to be unstable.

        Whether such runs ever were can't be seen from a list, only whether it names any.
        """
        named = len(self.runs) > 0 and all(_DIGEST.fullmatch(run) for run in self.runs)
        return not named or not all(self.student.get(case) for case in self.cases)


def read_flaky(path: Path | None) -> FlakyList:
    """The list in a file that `evalkit stability` wrote, or a JSON list of case ids; empty without a file.

    Raises:
        ConfigError: the file is neither.
    """
    if path is None:
        return FlakyList(())
    hint = "`evalkit stability RUN RUN --out FILE` writes one; a JSON list of case ids will do"
    given = read_json(path, ConfigError, hint=hint)
    try:
        return from_json(FlakyList, {"cases": given} if isinstance(given, list) else given)
    except ValidationError as error:
        what = "not a list of unstable cases: wrong keys or values"
        raise ConfigError(what, where=str(path), hint=hint) from error


def check_flaky(flaky: FlakyList, cases: Iterable[Case], fingerprint: Callable[[Case], str], path: Path | None) -> None:
    """Refuse a list that would excuse the very student that is under test, or too many cases without evidence.

    Args:
        flaky: the list.
        cases: the cases of the run.
        fingerprint: of the student under test, by case.
        path: where the list lies, for the message.

    Raises:
        ConfigError: the list was made from this student's own runs, or is written by hand and longer than a tenth of
            the suite.
    """
    listed = set(flaky.cases)
    n = n_listed = 0
    for case in cases:
        n += 1
        if case.id not in listed:
            continue
        n_listed += 1
        if fingerprint(case) in flaky.student.get(case.id, ()):
            raise ConfigError(
                f"this list of unstable cases was made from the student under test (`{case.id}`): it would excuse its "
                "own failures",
                where=str(path),
                hint="make the list from runs of the teacher or of an earlier student",
            )
    most = math.floor(MOST_BY_HAND * n)
    if flaky.by_hand and n_listed > most:
        raise ConfigError(
            f"a list written by hand may leave out {MOST_BY_HAND:.0%} of the cases: {most} of {n}, not {n_listed}",
            where=str(path),
            hint="`evalkit stability RUN RUN --out FILE` makes a list from runs",
        )


def check_pictures(flaky: FlakyList, samples: Iterable[Sample], n_cases: int, path: Path | None) -> None:
    """Refuse a list that was made from the very pictures under test, under whatever name they were drawn then.

    A few equal pictures are no sign of that: a plain picture may come from any generator. As many as a list written by
    hand may name are allowed.

    Args:
        flaky: the list.
        samples: the pictures of the student under test.
        n_cases: cases of the run.
        path: where the list lies, for the message.

    Raises:
        ConfigError: too many of the pictures are those that the list was made from.
    """
    same = {
        sample.case_id for sample in samples if sample.ok and sample.sha256 in flaky.pictures.get(sample.case_id, ())
    }
    if len(same) > math.floor(MOST_BY_HAND * n_cases):
        raise ConfigError(
            f"this list of unstable cases was made from the pictures under test ({len(same)} of its {len(flaky.cases)} "
            "cases): it would excuse its own failures",
            where=str(path),
            hint="make the list from runs of the teacher or of an earlier student",
        )
