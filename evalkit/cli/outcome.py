"""Prints the result of a run: figures, gates, the verdict and the files written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalkit.cli import clean

if TYPE_CHECKING:
    from evalkit.engine.run import RunOutput


def print_outcome(output: RunOutput) -> int:
    """Print the figures, the gates, the verdict and, as the last line, the path of the report; the exit code."""
    from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED
    from evalkit.api.results import Outcome
    from evalkit.verdict.gates import format_interval

    summary = output.summary
    for row in summary.dimensions:
        counted = f"{row.n_scored}/{row.n_expected} scored"
        difference = f"  vs teacher {format_interval(row.difference)}" if row.difference else ""
        click.echo(
            f"  {row.role.value:<8} {row.dimension.name:<28} {format_interval(row.estimate)}, {counted}{difference}"
        )
    for figure in summary.metrics:
        click.echo(
            clean(
                f"  {figure.role.value:<8} {figure.dimension.name:<28} "
                f"{figure.reason or format_interval(figure.estimate)}, "
                f"{figure.n_pictures}/{figure.n_expected} pictures against {figure.reference}"
            )
        )
    for gate in summary.gates:
        click.echo(clean(f"  gate     {gate.rule}: {gate.status.value}; {gate.detail}"))
    click.echo(f"{summary.outcome.value}: {clean('; '.join(summary.reasons))}")
    for path in sorted(output.files.values(), key=lambda path: path.suffix == ".html"):
        click.echo(str(path))
    codes = {Outcome.FAILED: EXIT_GATE_FAILED, Outcome.UNDECIDED: EXIT_UNDECIDED}
    return codes.get(summary.outcome, EXIT_OK)
