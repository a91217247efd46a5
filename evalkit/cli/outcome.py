"""Prints the result of a run: figures, gates, the verdict and the files written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.api.results import CellCounts, GateResult, RunSummary
    from evalkit.engine.run import RunOutput
    from evalkit.engine.scope import ScopeReport


def print_scope(report: ScopeReport) -> None:
    """Print, before the first picture, what the run will not ask."""
    for line in report.in_words():
        say(line, err=True)
    for rule in report.unaskable():
        say(f"the gate `{rule}` asks no case of this run: it will be undecided", err=True)


def cells_in_words(asked: CellCounts | None) -> str:
    """`scored 58 of 60, teacher 60 of 60; `: how many cells of a gate have a value; empty where that is not known."""
    if asked is None:
        return ""
    words = f"scored {asked.student_scored} of {asked.student}"
    if asked.reference:
        words += f", reference {asked.reference_scored} of {asked.reference}"
    left = [(asked.left_out, "missing on both sides"), (asked.not_applicable, "not applicable")]
    return "".join([words, *(f", {n} {what}" for n, what in left if n), "; "])


def print_gates(gates: Sequence[GateResult]) -> None:
    """Print one line for each gate: its rule, status, cells and numbers."""
    for gate in gates:
        say(f"  gate     {gate.rule}: {gate.status.value}; {cells_in_words(gate.asked)}{gate.detail}")


def _print_timing(summary: RunSummary) -> None:
    """Print the seconds that `--time` measured, and their ratio."""
    from evalkit.api.timing import times_as_fast

    timed = [generator for generator in summary.generators if generator.n_timed]
    if not timed:
        return
    said = [f"{g.role.value} {g.seconds_per_picture:.3g} s per picture (n = {g.n_timed})" for g in timed]
    ratio = times_as_fast(summary)
    fast = "" if ratio is None else f": {ratio:.3g} times as fast as the teacher"
    say(f"  timing   measured: {', '.join(said)}{fast}")


def print_outcome(output: RunOutput) -> int:
    """Print the figures, the gates, the verdict and, as the last line, the path of the report; the exit code."""
    from evalkit.verdict.gates import format_interval

    summary = output.summary
    for row in summary.dimensions:
        difference = f"  vs teacher {format_interval(row.difference)}" if row.difference else ""
        said = f"{format_interval(row.estimate)}, {row.n_scored}/{row.n_expected} scored{difference}"
        say(f"  {row.role.value:<8} {row.dimension.name:<28} {said if row.n_expected else 'not applicable'}")
    for figure in summary.metrics:
        say(
            f"  {figure.role.value:<8} {figure.dimension.name:<28} "
            f"{figure.reason or format_interval(figure.estimate)}, "
            f"{figure.n_pictures}/{figure.n_expected} pictures against {figure.reference}"
        )
    print_gates(summary.gates)
    _print_timing(summary)
    say(f"{summary.outcome.value}: {'; '.join(summary.reasons)}")
    for path in sorted(output.files.values(), key=lambda path: path.suffix == ".html"):
        say(str(path))
    return summary.exit_code
