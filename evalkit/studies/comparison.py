"""Compares two finished runs, applies gates to the difference, and writes the newer run's reports again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from evalkit.api.errors import UsageError
from evalkit.api.records import Dimension, Role
from evalkit.api.results import Comparison, GateResult, RunSummary, Undecided
from evalkit.config.model import Gate, RunConfig
from evalkit.config.stored import gates_from_json
from evalkit.engine.run import export
from evalkit.formats.keys import to_json
from evalkit.store.run_reader import RunReader
from evalkit.store.run_store import RunStore
from evalkit.verdict.cells import Asked, pairs_of
from evalkit.verdict.compare import Baseline, compare
from evalkit.verdict.doubts import doubted, failed_controls, part_asked, stopped_early
from evalkit.verdict.evidence import bounds_of_drops, breaking, of_drops
from evalkit.verdict.gates import Ruling, bound_of, rule_on, settle, undecided
from evalkit.verdict.question import not_shared
from evalkit.verdict.results import StoredResults


class GatedComparison(NamedTuple):
    """What changed between two runs, and the result of each gate."""

    comparison: Comparison
    gates: tuple[GateResult, ...]


def compare_runs(base: Path, new: Path, drops: Iterable[str] = (), *, report: bool = False) -> GatedComparison:
    """Compare two run folders.

    Args:
        base: run folder of the baseline.
        new: run folder of the run under test.
        drops: gates of the form `dimension=max_drop`.
        report: store the comparison in the new run and write its reports again.

    Raises:
        UsageError: one of the two is not a finished run, or a gate names a dimension that they do not share.
    """
    if base.is_file():
        raise UsageError("a leaderboard file has no cases to compare", where=str(base), hint="use a run folder")
    with RunReader(base) as reference, RunReader(new) as reader:
        summary = StoredResults(reader).summary()
        with StoredResults(reference) as theirs:
            theirs.summary()  # raises for a run that has not finished
        dimensions = _shared_dimensions(reader, reference, summary)
        given = [_gate(text, dimensions) for text in drops]
        rulings = [_ruling(gate, reader, reference, dimensions[gate.dimension]) for gate in given]
        gates = _with_outside_doubts(settle(rulings), given, reader, reference, summary)
        rules = gates_from_json(reader.meta("config"))
        comparison = compare(reader, Baseline(reference), dimensions, (*summary.gates, *gates), (*rules, *given))
        # the reports list failures by the gates of the run itself
        own = gates and report
        stored = compare(reader, Baseline(reference), dimensions, summary.gates, rules) if own else comparison
    if report:
        _write_reports(new, base, replace(summary, comparison=stored))
    return GatedComparison(comparison, gates)


def _shared_dimensions(new: RunReader, base: RunReader, summary: RunSummary) -> dict[str, Dimension]:
    """The dimensions whose judge is the same in both runs."""
    ours: Mapping[str, str] = new.meta("judges") or {}
    theirs: Mapping[str, str] = base.meta("judges") or {}
    same = {judge for judge, fingerprint in ours.items() if theirs.get(judge) == fingerprint}
    return {row.dimension.name: row.dimension for row in summary.dimensions if row.judge in same}


def _gate(text: str, dimensions: Mapping[str, Dimension]) -> Gate:
    name, _, bound = text.partition("=")
    try:
        gate = Gate(dimension=name, max_drop=float(bound), against="baseline")
    except ValueError as error:
        raise UsageError(f"`{text}` is not DIMENSION=DROP", where="--max-drop") from error
    if name not in dimensions:
        hint = f"they share: {', '.join(dimensions) or 'none'}"
        raise UsageError(f"the runs do not share the dimension `{name}`", where="--max-drop", hint=hint)
    return gate


def _with_outside_doubts(
    results: Sequence[GateResult], gates: Sequence[Gate], new: RunReader, base: RunReader, summary: RunSummary
) -> tuple[GateResult, ...]:
    """The same, undecided where a judge failed its controls in either run, or where the runs did not ask the same."""
    judges = {row.dimension.name: row.judge for row in summary.dimensions}
    failed = {"the new run": failed_controls(new), "the baseline": failed_controls(base)}
    parts = {"the new run": part_asked(new), "the baseline": part_asked(base)}
    said = [*(f"{run}: {what}" for run, what in parts.items() if what), not_shared(new, base)]
    part = "; ".join(filter(None, said))
    stopped = {"the new run": stopped_early(new), "the baseline": stopped_early(base)}
    early = "; ".join(f"{run}: {what}" for run, what in stopped.items() if what)
    doubts = []
    for gate, result in zip(gates, results, strict=True):
        doubtful = doubted(result, {judges[gate.dimension]: frozenset({gate.dimension})}, failed, part)
        if early and doubtful.cause is not Undecided.INVALID_JUDGE:  # no interval of a fixed length holds, either way
            doubtful = undecided(doubtful, Undecided.LIMITED, early)
        doubts.append(doubtful)
    return tuple(doubts)


def _ruling(gate: Gate, new: RunReader, base: RunReader, dimension: Dimension) -> Ruling:
    evidence = of_drops(pairs_of(Asked(new, gate), dimension.name, base, Role.STUDENT), dimension)
    low, high = bounds_of_drops(dimension)
    return rule_on(
        gate,
        evidence,
        low=low,
        high=high,
        min_coverage=RunConfig.model_fields["min_coverage"].default,
        paired=True,
        cases=breaking(evidence, bound_of(gate), upper=True),
    )


def _write_reports(new: Path, base: Path, summary: RunSummary) -> None:
    store = RunStore(new)
    try:
        store.set_meta("baseline", str(base.resolve()))
        store.set_meta("summary", to_json(summary))
        export(RunConfig.model_fields["exporters"].default, store)
    finally:
        store.close()
