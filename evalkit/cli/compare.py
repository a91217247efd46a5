"""`evalkit compare`."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("compare")
@click.argument("base", metavar="BASE")
@click.argument("new", metavar="NEW", type=_PATH)
@click.option(
    "--report", is_flag=True, envvar="EVALKIT_REPORT", help="Also write NEW's reports again, with the comparison."
)
@click.option("--max-drop", "drops", metavar="DIMENSION=DROP", multiple=True, envvar="EVALKIT_MAX_DROP", help="A gate.")
def command(base: str, new: Path, report: bool, drops: tuple[str, ...]) -> int:
    """What changed from run BASE (a run folder or a named baseline) to run NEW: cases and dimensions.

    Exit 1 if a gate given here fails, 3 if one is undecided, 2 if the two runs can't be compared at all, 0 otherwise.
    """
    from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED, UsageError
    from evalkit.api.results import Bucket, GateStatus
    from evalkit.cli.comparing import compare_folders
    from evalkit.store.baselines import find_baseline
    from evalkit.verdict.gates import format_interval

    try:
        folder = find_baseline(base, Path.cwd())
    except ValueError as error:
        raise UsageError(str(error), where="BASE") from error
    comparison, gates = compare_folders(folder, new, drops, report=report)
    for bucket in Bucket:
        click.echo(f"  {bucket.value:<14} {comparison.buckets[bucket]}")
    for reason, count in comparison.reasons.items():
        click.echo(f"  {'':<14} {count} incomparable: {reason}")
    for change in comparison.dimensions:
        if change.group == "all":
            p = "" if change.p_adjusted is None else f"  p = {change.p_value:.3g} (adjusted {change.p_adjusted:.3g})"
            click.echo(f"  {change.dimension:<28} new - base {format_interval(change.difference)}{p}")
    for gate in gates:
        click.echo(f"  gate {gate.rule}: {gate.status.value}; {gate.detail}")
    said = {gate.status for gate in gates}
    if GateStatus.FAIL in said:
        return EXIT_GATE_FAILED
    return EXIT_UNDECIDED if GateStatus.UNDECIDED in said else EXIT_OK
