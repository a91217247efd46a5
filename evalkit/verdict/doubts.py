"""Doubts about a gate that lie outside of its cells: judges that failed their controls, and parts of a suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.api.records import Role
from evalkit.api.results import ControlResult, GateResult, GateStatus, Undecided
from evalkit.store.run_reader import RunReader
from evalkit.verdict.gates import undecided
from evalkit.verdict.kinds import concerns


def doubted(
    result: GateResult,
    rests_on: Mapping[str, frozenset[str]],
    failed: Mapping[str, Sequence[ControlResult]],
    part: str,
) -> GateResult:
    """The same, undecided where the gate rests on a judge that failed its controls, or would pass on part of a suite.

    Nor is it "too few cases" where the run was told to ask few: that is never only warned of.

    Args:
        result: what the cells say.
        rests_on: by judge, the dimensions that the gate rests on.
        failed: the failed controls by the run, as messages name it; the run itself has the name "".
        part: which part of the suite was asked, in words; empty if all of it was.
    """
    for run, controls in failed.items():
        wrong = next((control for control in controls if concerns(control, rests_on)), None)
        if wrong is not None:
            why = f"the judge {wrong.judge} failed the control `{wrong.name}` ({wrong.rule})"
            return undecided(result, Undecided.INVALID_JUDGE, f"{why} in {run}" if run else why)
    if part and (result.status is GateStatus.PASS or result.cause in (Undecided.POWER, Undecided.FAMILY)):
        return undecided(result, Undecided.LIMITED, part)
    return result


def failed_controls(reader: RunReader) -> list[ControlResult]:
    """The controls that the judges of a run have failed in it."""
    judges = reader.meta("judges") or {}
    results = [result for print_, result in reader.control_results() if judges.get(result.judge) == print_]
    return [result for result in results if result.made and not result.passed]


def part_asked(reader: RunReader) -> str:
    """Which part of the suite a run was told to ask, in words; empty if it asks all of it."""
    stored = reader.meta("part")
    if stored is not None:
        return str(stored)
    config = reader.meta("config") or {}  # a run that was finished before the part was kept: nobody counted the suite
    limit, cases = config.get("limit"), config.get("cases") or ()
    if limit is not None and reader.n_cases() >= limit:
        return f"only the first {limit} cases were asked (`limit`)"
    return f"only {len(cases)} chosen cases were asked (`cases`)" if cases else ""


def stopped_early(reader: RunReader) -> str:
    """How much of its suite a run asked that stopped early, in words; empty if it asked all."""
    asked, expected = reader.n_samples(Role.STUDENT), reader.n_cases() * (reader.meta("seeds") or 1)
    return f"it stopped early, after {asked} of {expected} pictures" if asked < expected else ""
