"""`evalkit frontier`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli import options, resumable, same_command
from evalkit.cli.options import PATH, Numbers, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.api.frontier import Frontier

STEPS = Numbers(int, least=1, most=1000)


@click.command("frontier")
@click.argument("config", required=False, type=PATH, envvar="EVALKIT_CONFIG")
@options.benchmark
@option("--student", metavar="G", help="Generator under test; it must have a setting for its number of steps.")
@option("--teacher", metavar="G", help="Its teacher; it must have a setting for its number of steps.")
@options.judges
@option(
    "--student-nfe",
    type=STEPS,
    metavar="N,…",
    default="1,2,4,8",
    show_default=True,
    help="Step counts of the student. Without guidance, one step is one evaluation (NFE).",
)
@option(
    "--teacher-steps",
    type=STEPS,
    metavar="N,…",
    default="2,4,10,20,40",
    show_default=True,
    help="Step counts of the teacher; the largest is the reference.",
)
@options.limit
@options.allow_key_variable
@options.seeds
@options.time
@option(
    "--cache", metavar="DIR", help="Cache folder shared between runs; `none` uses a cache inside the output folder."
)
@option("--out", metavar="DIR", type=PATH, help="Output folder. Default: a folder below runs/.")
@options.follow_links
def command(config: Path | None, student_nfe: tuple[int, ...], teacher_steps: tuple[int, ...], **flags: Any) -> int:
    """Sweep student and teacher over step counts, and plot quality against NFE and seconds per picture.

    CONFIG is a config of `evalkit run`. Its gates, baseline and metrics are ignored: a sweep describes, it does not
    decide. Each point is an ordinary run from the same noise, so that it can be paired with the teacher at its largest
    step count. NFE is counted on the transformer, never taken from the step count.

    If the sweep is interrupted, the same command continues it and repeats nothing that is finished.

    Exit codes: 0 finished, 2 wrong command or config, 3 a judge or a point is not reliable, 130 interrupted.
    """
    from evalkit.api.errors import EXIT_OK, EXIT_UNDECIDED
    from evalkit.api.results import Outcome
    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.config.load import load_config
    from evalkit.engine.progress import make_progress
    from evalkit.reports.frontier.writer import FrontierReport
    from evalkit.studies.sweep import plan_sweep, run_sweep

    only_names = options.from_variables("cache")
    settings = load_config(config, options.overrides(flags), only_names=only_names)
    sweep = plan_sweep(settings, student_nfe, teacher_steps)
    folder = settings.out or Path("runs").resolve() / f"frontier-{sweep.digest[:10]}"
    with resumable(folder):
        result = run_sweep(
            sweep,
            folder,
            command=same_command(),
            progress=lambda: make_progress(sys.stderr),
            stop=stop_on_signal(),
            say=lambda text: say(text, err=True),
        )
        report = FrontierReport(FrontierReport.Settings()).write(result.frontier, result.pictures, folder)
    _print_points(result.frontier)
    unreliable = [point for point in result.frontier.points if point.outcome is Outcome.UNDECIDED]
    for point in unreliable:
        say(f"undecided: {point.name}: {'; '.join(point.reasons)}")
    say(str(folder / "frontier.json"))
    say(str(report))
    return EXIT_UNDECIDED if unreliable else EXIT_OK


def _print_points(frontier: Frontier) -> None:
    """Print the main dimensions, and below each the figure of every point."""
    from evalkit.verdict.gates import format_interval

    for name in frontier.main:
        say(name)
        for point in frontier.points:
            figure = point.figure(name)
            value = format_interval(figure.estimate) if figure and figure.estimate else "no figure"
            difference = figure.change.difference if figure and figure.change else None
            nfe = "NFE not counted" if point.nfe is None else f"{point.nfe} NFE"
            seconds = "" if point.seconds is None else f", {point.seconds:.3g} s"
            against = f"  vs reference {format_interval(difference)}" if difference else ""
            say(f"  {point.name:<11} {nfe}{seconds}: {value}{against}")
