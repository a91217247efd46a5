"""`evalkit stability`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("stability")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), envvar="EVALKIT_OUT", help="Write the unstable ids here (JSON)."
)
@click.option("--max-drop", type=float, default=0.02, envvar="EVALKIT_MAX_DROP", help="Bound of the A/A check's gate.")
def command(runs: tuple[Path, ...], out: Path | None, max_drop: float) -> int:
    """A/A check over RUNS of one student on one benchmark (or one run of several seeds): what changes by chance alone?

    The file written with --out goes into the config as `flaky:`; those cases may warn but not fail a gate.
    """
    from evalkit.formats.keys import to_json
    from evalkit.verdict.gates import format_interval
    from evalkit.verdict.stability import check_runs

    report = check_runs(runs, max_drop)
    for case in report.unstable:
        click.echo(f"  unstable  {case.case_id:<40} fails in {case.rate:.0%} of {case.n} pictures")
    for name, interval, failed, pairs in report.gates:
        said = f"would have failed {failed} of {pairs} A/A pairs at max_drop {max_drop:g}"
        click.echo(f"  {name:<28} A/A difference {format_interval(interval)}; {said}")
    click.echo(f"{len(report.unstable)} of {report.n_cases} cases are unstable")
    if out:
        out.write_text(json.dumps(to_json(report.flaky), indent=1) + "\n", encoding="utf-8")
        click.echo(str(out))
    return 0
