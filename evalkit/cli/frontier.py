"""`evalkit frontier`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.api.errors import EXIT_OK, EXIT_UNDECIDED
from evalkit.cli import clean, resumable, same_command

if TYPE_CHECKING:
    from evalkit.api.frontier import Frontier

_PATH = click.Path(path_type=Path)


@click.command("frontier")
@click.argument("config", required=False, type=_PATH, envvar="EVALKIT_CONFIG")
@click.option("--benchmark", metavar="B", envvar="EVALKIT_BENCHMARK", help="What to ask: a name or a folder.")
@click.option("--student", metavar="G", envvar="EVALKIT_STUDENT", help="Generator under test; must have steps.")
@click.option("--teacher", metavar="G", envvar="EVALKIT_TEACHER", help="Its teacher; must have steps.")
@click.option("--judge", "judges", metavar="J", multiple=True, envvar="EVALKIT_JUDGE", help="Who looks (repeatable).")
@click.option("--student-nfe", metavar="N,…", default="1,2,4,8", show_default=True, envvar="EVALKIT_STUDENT_NFE",
              help="Steps of the student, one evaluation each without guidance.")  # fmt: skip
@click.option("--teacher-steps", metavar="N,…", default="2,4,10,20,40", show_default=True,
              envvar="EVALKIT_TEACHER_STEPS", help="Steps of the teacher; the most are the reference.")  # fmt: skip
@click.option("--limit", type=int, metavar="N", envvar="EVALKIT_LIMIT", help="Only the first N cases.")
@click.option("--seeds", type=int, metavar="K", envvar="EVALKIT_SEEDS", help="Pictures per case.")
@click.option("--cache", metavar="DIR", envvar="EVALKIT_CACHE", help="Shared cache folder; `none`: one in the folder.")
@click.option("--out", metavar="DIR", type=_PATH, envvar="EVALKIT_OUT", help="Folder. Default: below runs/.")
def command(config: Path | None, student_nfe: str, teacher_steps: str, **flags: Any) -> int:
    """Sweep the student over NFE and the teacher over steps; plot quality against NFE and seconds per picture.

    CONFIG is a config of `evalkit run`; its gates, baseline and metrics are left out: a sweep describes, it does not
    decide. Each point is an ordinary run from the same noise, so that it can be paired with the teacher at its most
    steps. NFE is counted on the transformer, never taken from the steps.

    The same command again goes on where it was stopped, and repeats nothing that is finished.

    Exit codes: 0 finished, 2 wrong command or config, 3 a judge or a point could not be relied on, 130 interrupted.
    """
    from evalkit.cli.run import overrides, stop_on_signal
    from evalkit.config.load import load_config
    from evalkit.engine.progress import make_progress
    from evalkit.plugins.registry import PluginSpec, create
    from evalkit.studies.sweep import plan_sweep, run_sweep

    settings = load_config(config, overrides(flags))
    steps = _numbers(student_nfe, "--student-nfe"), _numbers(teacher_steps, "--teacher-steps")
    sweep = plan_sweep(settings, *steps)
    folder = settings.out or Path("runs").resolve() / f"frontier-{sweep.digest[:10]}"
    with resumable(folder):
        swept = run_sweep(
            sweep,
            folder,
            command=same_command(),
            progress=lambda: make_progress(sys.stderr),
            stop=stop_on_signal(),
            say=lambda text: click.echo(text, err=True),
        )
        report: Path = create("frontiers", PluginSpec("default")).write(swept.frontier, swept.pictures, folder)
    return _conclude(swept.frontier, report)


def _numbers(text: str, where: str) -> list[int]:
    from evalkit.api.errors import UsageError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 1000 for number in numbers):
        raise UsageError(f"{text!r} is no list of step counts from 1 to 1000", where=where, hint=f"{where} 1,2,4,8")
    return numbers


def _conclude(frontier: Frontier, report: Path) -> int:
    """Say the main figures of every point, what can't be relied on, and, as the last line, where the report is."""
    from evalkit.api.results import Outcome
    from evalkit.verdict.gates import format_interval

    for name in frontier.main:
        click.echo(clean(name))
        for point in frontier.points:
            figure = point.figure(name)
            value = format_interval(figure.estimate) if figure and figure.estimate else "no figure"
            difference = figure.change.difference if figure and figure.change else None
            nfe = "NFE not counted" if point.nfe is None else f"{point.nfe} NFE"
            seconds = "" if point.seconds is None else f", {point.seconds:.3g} s"
            against = f"  vs reference {format_interval(difference)}" if difference else ""
            click.echo(clean(f"  {point.name:<11} {nfe}{seconds}: {value}{against}"))
    doubtful = [point for point in frontier.points if point.outcome is Outcome.UNDECIDED]
    for point in doubtful:
        click.echo(clean(f"undecided: {point.name}: {'; '.join(point.reasons)}"))
    click.echo(str(report.parent.parent / "frontier.json"))
    click.echo(str(report))
    return EXIT_UNDECIDED if doubtful else EXIT_OK
