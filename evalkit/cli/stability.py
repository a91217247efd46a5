"""`evalkit stability`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say


@click.command("stability")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@option("--out", type=PATH, metavar="FILE", help="Write the ids of the unstable cases to this JSON file.")
@option(
    "--max-drop",
    type=float,
    default=0.02,
    show_default=True,
    metavar="DROP",
    help="Bound of the gate that is tried on the A/A pairs.",
)
def command(runs: tuple[Path, ...], out: Path | None, max_drop: float) -> int:
    """Run an A/A check: find what changes by chance alone.

    RUNS are runs of one student on one benchmark, or a single run with several seeds. Put the file written by --out
    into the config as `flaky:`; those cases may then warn, but they can't fail a gate.
    """
    from evalkit.formats.keys import to_json
    from evalkit.verdict.gates import format_interval
    from evalkit.verdict.stability import check_runs

    report = check_runs(runs, max_drop)
    for case in report.unstable:
        say(f"  unstable  {case.case_id:<40} fails in {case.rate:.0%} of {case.n} pictures")
    for name, interval, failed, pairs in report.gates:
        gate = f"a gate of max_drop {max_drop:g} would have failed {failed} of {pairs} A/A pairs"
        say(f"  {name:<28} A/A difference {format_interval(interval)}; {gate}")
    say(f"{len(report.unstable)} of {report.n_cases} cases are unstable")
    if out:
        out.write_text(json.dumps(to_json(report.flaky), indent=1) + "\n", encoding="utf-8")
        say(str(out))
    return 0
