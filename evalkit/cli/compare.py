"""`evalkit compare`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.outcome import print_gates
from evalkit.cli.say import say


@click.command("compare")
@click.argument("base", metavar="BASE")
@click.argument("new", metavar="NEW", type=PATH)
@option("--report", is_flag=True, help="Also write the reports of NEW again, with the comparison.")
@option(
    "--max-drop",
    "drops",
    metavar="DIMENSION=DROP",
    multiple=True,
    help="Gate: NEW may be at most DROP worse on DIMENSION; repeat the option for several.",
)
def command(base: str, new: Path, report: bool, drops: tuple[str, ...]) -> int:
    """Show what changed from run BASE (a run folder or a named baseline) to run NEW, by case and by dimension.

    Exit codes: 0 every gate given here passed, 1 one failed, 2 the runs can't be compared, 3 one is undecided.
    """
    from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED, UsageError
    from evalkit.api.results import Bucket, GateStatus
    from evalkit.store.baselines import find_baseline
    from evalkit.studies.comparison import compare_runs
    from evalkit.verdict.gates import format_interval

    try:
        folder = find_baseline(base, Path.cwd())
    except ValueError as error:
        raise UsageError(str(error), where="BASE") from error
    comparison, gates = compare_runs(folder, new, drops, report=report)
    for bucket in Bucket:
        say(f"  {bucket.value:<14} {comparison.buckets[bucket]}")
    for reason, count in comparison.reasons.items():
        say(f"  {'':<14} {count} incomparable: {reason}")
    for change in comparison.dimensions:
        if change.group == "all":
            p = "" if change.p_adjusted is None else f"  p = {change.p_value:.3g} (adjusted {change.p_adjusted:.3g})"
            say(f"  {change.dimension:<28} new - base {format_interval(change.difference)}{p}")
    print_gates(gates)
    said = {gate.status for gate in gates}
    if GateStatus.FAIL in said:
        return EXIT_GATE_FAILED
    return EXIT_UNDECIDED if GateStatus.UNDECIDED in said else EXIT_OK
