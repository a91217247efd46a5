"""Checks a leaderboard file against the runs that its entries are said to come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON
from evalkit.api.results import RunResults
from evalkit.formats.leaderboard import LATER_FIELDS, Board, Entry, claim, repeated
from evalkit.reports.leaderboard.entries import entries_of
from evalkit.reports.leaderboard.ranks import CellsByRun, ranked
from evalkit.reports.leaderboard.signing import is_valid, key_name

TOLERANCE = 1e-6
"""Figures are computed again, maybe on another machine: they may differ by this much (times their size above 1)."""


class Result(StrEnum):
    """What a check found."""

    OK = "ok"
    MISMATCH = "MISMATCH"
    UNCHECKED = "unchecked"


class Check(NamedTuple):
    """One line of the answer."""

    result: Result
    text: str


def check(
    board: Board, runs: Mapping[str, RunResults], trusted_key: str = "", cells: CellsByRun | None = None
) -> tuple[Check, ...]:
    """Every signature of the file, every entry against the run it claims, and the ranks.

    An entry that claims a run must say what that run says. Two entries of one generator are refused, whichever of
    them is true. A run that is given must be in the file, or be replaced there by a newer one of its generator whose
    run is given too: that the file claims a newer run is no proof. With `trusted_key` (base64) each entry must be
    signed with it. `cells` are those of the runs, by run digest, for the ranks.

    Raises:
        UsageError: no run is given and no entry is signed.
    """
    if not runs and not trusted_key and not any(entry.signature for entry in board.entries):
        raise UsageError("no entry is signed, and no run folder is given to check by", hint="--verify FILE RUN…")
    own = [(entry, name) for name, results in runs.items() for entry in entries_of(results.summary())]
    return (
        *_signatures(board, trusted_key),
        *_repetitions(board),
        *(_entry(stated, own) for stated in board.entries),
        *_absent(board, own),
        _ranks(board, cells or {}),
    )


def _same_generator(one: Entry, other: Entry) -> bool:
    return one.key == other.key


def _same_run(one: Entry, other: Entry) -> bool:
    return _same_generator(one, other) and one.run_digest == other.run_digest


def _signatures(board: Board, trusted_key: str) -> Iterator[Check]:
    for entry in board.entries:
        signature = entry.signature
        if signature is None:
            if trusted_key:
                yield Check(Result.MISMATCH, f"{entry.label()}: not signed")
            continue
        key = key_name(signature.public_key)
        if not is_valid(claim(entry), signature):
            yield Check(Result.MISMATCH, f"{entry.label()}: changed after it was signed with {key}")
        elif trusted_key and signature.public_key != trusted_key:
            yield Check(Result.MISMATCH, f"{entry.label()}: signed with {key}, not with {key_name(trusted_key)}")
        else:
            trust = "" if trusted_key else " (whose that is, only its owner can say: --trusted-key)"
            yield Check(Result.OK, f"{entry.label()}: signed with {key}{trust}")


def _repetitions(board: Board) -> Iterator[Check]:
    for entry in repeated(board):
        yield Check(Result.MISMATCH, f"{entry.label()}, NFE {entry.nfe}: is in the file twice")


def _entry(stated: Entry, own: Sequence[tuple[Entry, str]]) -> Check:
    """One entry of the file against the run it claims."""
    theirs = [(entry, run) for entry, run in own if entry.run_digest == stated.run_digest]
    if not theirs:
        claimed = f"its run (digest {stated.run_digest[:16]}) is not given" if stated.run_digest else "it claims no run"
        return Check(Result.UNCHECKED, f"{stated.label()} of {stated.created}: {claimed}")
    found = next(((entry, run) for entry, run in theirs if _same_generator(entry, stated)), None)
    if found is None:
        run = theirs[0][1]
        what = f"claims to be of {run}, which has no such generator"
        return Check(Result.MISMATCH, f"{stated.label()}, NFE {stated.nfe}: {what}")
    entry, run = found
    changed = list(_differences(claim(stated), _as_far_as_known(claim(entry), claim(stated))))
    if changed:
        return Check(Result.MISMATCH, f"{entry.label()}: {'; '.join(changed[:5])} (file against {run})")
    return Check(Result.OK, f"{entry.label()}: same figures and digest {entry.run_digest[:16]} as {run}")


def _as_far_as_known(found: JSON, stated: JSON) -> JSON:
    """A claim without the fields that older files do not have, where the stated one lacks them."""
    if "undecided_by" not in stated:  # it could only have lifted the entry into the ranking
        found.pop("undecided_by", None)
    for ours, theirs in zip(found["dimensions"], stated["dimensions"], strict=False):
        for name in LATER_FIELDS:
            if name not in theirs:
                ours.pop(name, None)
    return found


def _absent(board: Board, own: Sequence[tuple[Entry, str]]) -> Iterator[Check]:
    """The entries of given runs that the file does not have."""
    for entry, run in own:
        if any(_same_run(stated, entry) for stated in board.entries):
            continue
        same = [stated for stated in board.entries if _same_generator(stated, entry)]
        if not same:
            yield Check(Result.MISMATCH, f"{entry.label()}, NFE {entry.nfe}: in {run}, but not in the file")
            continue
        backed = [stated for stated in same if any(_same_run(stated, other) for other, _ in own)]
        if any(stated.when() >= entry.when() for stated in backed):
            yield Check(Result.OK, f"{entry.label()}: replaced in the file by a newer run than {run}")
            continue
        digests = f"run digest {same[0].run_digest[:16] or 'none'} in the file, {entry.run_digest[:16]} of {run}"
        yield Check(Result.MISMATCH, f"{entry.label()}: {digests}")


def _ranks(board: Board, cells: CellsByRun) -> Check:
    """The ranks of the file, made again from its figures and from the cells of the runs it was made with."""
    if not any(f.rank_best is not None or f.not_ranked for entry in board.entries for f in entry.dimensions):
        return Check(Result.UNCHECKED, "the ranks: the file has none, or is of format 2, which had others")
    absent = [digest for digest in board.paired_runs if digest not in cells]
    if absent:
        return Check(
            Result.UNCHECKED,
            f"the ranks: {len(absent)} of the runs they were made with are not given ({absent[0][:16]})",
        )
    paired = {digest: cells[digest] for digest in board.paired_runs}
    for stated, again in zip(board.entries, ranked(board.entries, paired, board.min_coverage), strict=True):
        for one, other in zip(stated.dimensions, again.dimensions, strict=True):
            if one != other:
                said = f"{one.rank_best}–{one.rank_worst} in the file, not {other.rank_best}–{other.rank_worst}"
                return Check(Result.MISMATCH, f"{stated.label()}: rank on {one.dimension}: {said}")
    return Check(Result.OK, "the ranks follow from the figures")


def _differences(stated: JSON, found: JSON, path: str = "") -> Iterator[str]:
    """Where two claims differ, in words."""
    if isinstance(stated, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*found, *stated]):
            yield from _differences(stated.get(key), found.get(key), f"{path}.{key}" if path else key)
    elif isinstance(stated, list | tuple) and isinstance(found, list | tuple) and len(stated) == len(found):
        for i, (a, b) in enumerate(zip(stated, found, strict=True)):
            name = b["dimension"] if isinstance(b, dict) and "dimension" in b else i
            yield from _differences(a, b, f"{path}.{name}")
    elif not _equal(stated, found):
        yield f"{path} is {_shown(stated)}, not {_shown(found)}"


def _shown(value: JSON) -> str:
    return repr(str(value) if isinstance(value, str) else value)  # an outcome as its value, not as a Python enum


def _equal(one: JSON, other: JSON) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(abs(one - other) <= TOLERANCE * max(1.0, abs(other)))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    return bool(one == other)


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
