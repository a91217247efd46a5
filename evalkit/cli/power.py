"""`evalkit power`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import PATH, follow_links, option
from evalkit.cli.say import say

SHARE = click.FloatRange(0, 1)
OPEN_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
POSITIVE = click.FloatRange(0, min_open=True)


@click.command("power")
@option("--effect", type=POSITIVE, metavar="D", help="Drop to detect, beyond the gate's bound.")
@option("--sd", type=POSITIVE, metavar="S", help="Graded scores: standard deviation of the paired differences.")
@option(
    "--rate",
    type=SHARE,
    metavar="P",
    help="Pass or fail: share of cases that the teacher passes. The student's passes are taken as independent of it.",
)
@option(
    "--discordant",
    type=SHARE,
    metavar="P",
    help="Pass or fail: share of cases that only one of teacher and student passes.",
)
@option(
    "--run",
    type=PATH,
    metavar="RUN",
    help="Finished run with a teacher: plan from its differences, dimension by dimension.",
)
@option("--seeds", type=click.IntRange(1), metavar="K", help="Pictures per case. Default: 1, or as many as RUN has.")
@option(
    "--correlation",
    type=SHARE,
    metavar="R",
    help="Correlation between the seeds of one case. Default: that of RUN, or 1 (more seeds add nothing).",
)
@option("--alpha", type=OPEN_SHARE, default=0.05, show_default=True, metavar="A", help="1 - confidence of the gate.")
@option(
    "--power",
    type=OPEN_SHARE,
    default=0.8,
    show_default=True,
    metavar="P",
    help="Share of suites in which the drop must be detected.",
)
@follow_links
def command(
    effect: float | None,
    sd: float | None,
    rate: float | None,
    discordant: float | None,
    run: Path | None,
    seeds: int | None,
    correlation: float | None,
    alpha: float,
    power: float,
) -> int:
    """Plan how many cases a suite needs.

    A drop is detected if the gate fails. D is the distance of the true drop from the gate's bound; a drop that lies D
    below the bound makes the gate pass as often. Give --run, or --sd (graded scores), or --effect with --rate or
    --discordant (pass or fail).
    """
    from evalkit.api.errors import UsageError
    from evalkit.studies.power import Design, plan_from_discordance, plan_from_run, plan_from_sd

    given = [name for name, value in (("run", run), ("sd", sd)) if value is not None]
    given += ["rate/discordant"] if rate is not None or discordant is not None else []
    if len(given) != 1:
        what = f"--{' and --'.join(given)} exclude each other" if given else "nothing to plan from"
        raise UsageError(what, hint="give one of --run, --sd, --rate or --discordant; see `evalkit power --help`")
    design = Design(effect, seeds, correlation, alpha, power)
    try:
        if run is not None:
            lines = plan_from_run(run, design)
        elif sd is not None:
            lines = plan_from_sd(sd, design)
        else:
            lines = plan_from_discordance(rate, discordant, design)
    except ValueError as error:
        raise UsageError(str(error)) from error
    say(f"A drop counts as detected if the gate fails in {power:.0%} of suites, at alpha {alpha:g}.")
    for line in lines:
        say(line)
    return 0
