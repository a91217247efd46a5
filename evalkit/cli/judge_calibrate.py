"""`evalkit judge calibrate`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say


@click.command("calibrate")
@click.argument("labels", metavar="LABELS...", nargs=-1, required=True, type=PATH)
@option("--run", type=PATH, required=True, metavar="RUN", help="Folder of the run whose pictures were labelled.")
@option(
    "--pass-at",
    type=click.IntRange(2, 5),
    metavar="LEVEL",
    default=4,
    show_default=True,
    help="Lowest level that counts as a pass in people's labels.",
)
@option("--out", type=PATH, metavar="FILE", help="Also write all results to this JSON file.")
def command(labels: tuple[Path, ...], run: Path, pass_at: int, out: Path | None) -> int:
    """Compare the judges of RUN with LABELS that people made (`evalkit judge label`), one file per person.

    For every labelled dimension it prints how far the judge agrees with people, and people with each other; the rates
    of false passes and false fails; a mapping from scores to levels; and an estimate, with a confidence interval, of
    what people would say of all pictures. docs/calibration.md explains how to read the figures.

    Exit codes: 0 done, 2 wrong command or labels, 3 too few labels for any figure.
    """
    from evalkit.api.errors import EXIT_OK, EXIT_UNDECIDED
    from evalkit.cli import same_command
    from evalkit.studies.calibrate.run import calibrate
    from evalkit.studies.calibrate.table import lines
    from evalkit.studies.calibrate.write import write_calibration

    found = calibrate(labels, run, pass_level=(pass_at - 1) / 4, command=same_command())
    for line in lines(found):
        say(line)
    if out:
        write_calibration(found, out)
        say(str(out.resolve()))
    if all(each.too_few for each in found.dimensions):
        say("undecided: there are too few labels to say anything about any dimension", err=True)
        return EXIT_UNDECIDED
    return EXIT_OK
