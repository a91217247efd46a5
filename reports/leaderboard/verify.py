"""Checks a leaderboard file against the runs that its entries are said to come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from evalkit.api.errors import UsageError
from evalkit.api.records import JSON
from evalkit.api.results import RunResults
from evalkit.reports.leaderboard.board import Board
from evalkit.reports.leaderboard.entries import Entry, claim, entries_of
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


def check(board: Board, runs: Mapping[str, RunResults], trusted_key: str = "") -> tuple[Check, ...]:
    """Every signature of the file, and every entry against its run.

    A run's entry must be in the file and say the same, or be replaced there by a newer one of its generator whose run
    is given too: that the file claims a newer run is no proof. With `trusted_key` (base64) each entry must be signed
    with it.

    Raises:
        UsageError: no run is given and no entry is signed.
    """
    if not runs and not trusted_key and not any(entry.signature for entry in board.entries):
        raise UsageError("no entry is signed, and no run folder is given to check by", hint="--verify FILE RUN…")
    own = [(entry, name) for name, results in runs.items() for entry in entries_of(results.summary())]
    backed = {i for i, stated in enumerate(board.entries) for entry, _ in own if _same_run(stated, entry)}
    return (
        *_signatures(board, trusted_key),
        *(_against(entry, name, board, backed) for entry, name in own),
        *(
            Check(Result.UNCHECKED, f"{entry.label()} of {entry.created}: none of the runs given is its run")
            for i, entry in enumerate(board.entries)
            if i not in backed
        ),
    )


def _same_generator(one: Entry, other: Entry) -> bool:
    return (one.generator, one.role, one.nfe) == (other.generator, other.role, other.nfe)


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


def _against(own: Entry, run: str, board: Board, backed: set[int]) -> Check:
    """How the file states one entry of a run; `backed` holds the indices of the entries whose run is given."""
    same = [i for i, entry in enumerate(board.entries) if _same_generator(entry, own)]
    if not same:
        return Check(Result.MISMATCH, f"{own.label()}, NFE {own.nfe}: in {run}, but not in the file")
    index = next((i for i in same if _same_run(board.entries[i], own)), same[0])
    stated = board.entries[index]
    if not _same_run(stated, own):
        if index in backed and stated.when() >= own.when():
            return Check(Result.OK, f"{own.label()}: replaced in the file by a newer run than {run}")
        digests = f"run digest {stated.run_digest[:16] or 'none'} in the file, {own.run_digest[:16]} of {run}"
        return Check(Result.MISMATCH, f"{own.label()}: {digests}")
    changed = list(_differences(claim(stated), claim(own)))
    if changed:
        return Check(Result.MISMATCH, f"{own.label()}: {'; '.join(changed[:5])} (file against {run})")
    return Check(Result.OK, f"{own.label()}: same figures and digest {own.run_digest[:16]} as {run}")


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
        yield f"{path} is {stated!r}, not {found!r}"


def _equal(one: JSON, other: JSON) -> bool:
    if _is_number(one) and _is_number(other):
        return bool(abs(one - other) <= TOLERANCE * max(1.0, abs(other)))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    return bool(one == other)


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
