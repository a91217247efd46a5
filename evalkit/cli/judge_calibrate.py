"""`evalkit judge calibrate`."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("calibrate")
@click.argument("labels", metavar="LABELS...", nargs=-1, required=True, type=_PATH)
@click.option("--run", type=_PATH, required=True, metavar="RUN", envvar="EVALKIT_RUN", help="The labelled run.")
@click.option("--pass-at", type=click.IntRange(2, 5), default=4, show_default=True, envvar="EVALKIT_PASS_AT",
              help="Level from which on people pass a picture.")  # fmt: skip
@click.option("--out", type=_PATH, metavar="FILE", envvar="EVALKIT_OUT", help="Also write everything as JSON.")
def command(labels: tuple[Path, ...], run: Path, pass_at: int, out: Path | None) -> int:
    """Hold the judges of RUN against LABELS that people made (`evalkit judge label`), one file per person.

    Of every dimension that was labelled: how far judge and people agree, and people with each other; false passes and
    false fails apart; a mapping from scores to levels; and what people would say of all pictures, with an interval.
    How to read it: docs/calibration.md.

    Exit codes: 0 done, 2 wrong command or labels, 3 too few labels to say anything.
    """
    from evalkit.api.errors import EXIT_OK, EXIT_UNDECIDED
    from evalkit.cli import clean, same_command
    from evalkit.studies.calibrate.run import calibrate
    from evalkit.studies.calibrate.table import lines
    from evalkit.studies.calibrate.write import write_calibration

    found = calibrate(labels, run, pass_level=(pass_at - 1) / 4, command=same_command())
    for line in lines(found):
        click.echo(clean(line))
    if out:
        write_calibration(found, out)
        click.echo(str(out.resolve()))
    if all(each.too_few for each in found.dimensions):
        click.echo("undecided: too few labels to say anything of any dimension", err=True)
        return EXIT_UNDECIDED
    return EXIT_OK
