"""`evalkit run`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from evalkit.api.errors import EXIT_GATE_FAILED, EXIT_OK, EXIT_UNDECIDED
from evalkit.cli import clean, resumable, same_command

_PATH = click.Path(path_type=Path)


@click.command("run")
@click.argument("config", required=False, type=_PATH, envvar="EVALKIT_CONFIG")
@click.option("--benchmark", metavar="B", envvar="EVALKIT_BENCHMARK", help="What to ask: a name or a folder.")
@click.option(
    "--student", metavar="G", envvar="EVALKIT_STUDENT", help="Generator under test: name, name:value, folder."
)
@click.option("--teacher", metavar="G", envvar="EVALKIT_TEACHER", help="Its teacher; `none` judges the student alone.")
@click.option("--judge", "judges", metavar="J", multiple=True, envvar="EVALKIT_JUDGE", help="Who looks (repeatable).")
@click.option(
    "--metric", "metrics", metavar="M", multiple=True, envvar="EVALKIT_METRIC", help="Figures over all pictures."
)
@click.option("--baseline", metavar="RUN", envvar="EVALKIT_BASELINE", help="Run folder, leaderboard file or name.")
@click.option("--flaky", metavar="FILE", type=_PATH, envvar="EVALKIT_FLAKY", help="JSON list of unstable case ids.")
@click.option("--out", metavar="DIR", type=_PATH, envvar="EVALKIT_OUT", help="Run folder. Default: below runs/.")
@click.option("--limit", type=int, metavar="N", envvar="EVALKIT_LIMIT", help="Only the first N cases.")
@click.option(
    "--case", "cases", metavar="ID", multiple=True, envvar="EVALKIT_CASE", help="Only this case (repeatable)."
)
@click.option("--seeds", type=int, metavar="K", envvar="EVALKIT_SEEDS", help="Pictures per case.")
@click.option("--min-coverage", type=float, envvar="EVALKIT_MIN_COVERAGE", help="Below this share: undecided.")
@click.option(
    "--no-gates", "no_gates", is_flag=True, envvar="EVALKIT_NO_GATES",
    help="Leave the gates of the config out, for a smoke run: the outcome is at best `measured`.",
)  # fmt: skip
@click.option("--cache", metavar="DIR", envvar="EVALKIT_CACHE", help="Shared cache folder; `none` for no cache.")
def command(config: Path | None, **flags: Any) -> int:
    """Generate with student and teacher, judge every picture, decide, and write the reports.

    CONFIG is a YAML file (`evalkit init` writes one); flags override it, and every flag has an EVALKIT_… variable.
    With neither, the embedded default runs: offline, on a CPU, in minutes.

    The same command again goes on where it was stopped, and repeats nothing that is finished.
    """
    from evalkit.config.load import load_config
    from evalkit.engine.plan import assemble
    from evalkit.engine.progress import make_progress
    from evalkit.engine.run import execute, run_folder

    settings = load_config(config, overrides(flags))
    plan = assemble(settings)
    folder = run_folder(settings, plan)
    with resumable(folder):
        output = execute(
            settings,
            plan,
            folder,
            command=same_command(),
            progress=make_progress(sys.stderr),
            stop=stop_on_signal(),
        )
    return conclude(output)


def overrides(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as keys of the config; their relative paths mean the working folder."""
    from evalkit.plugins.registry import on_command_line

    here = Path.cwd()
    given = {key: value for key, value in flags.items() if value not in (None, (), False)}
    if given.pop("no_gates", False):
        given |= {"gates": (), "stop_early": False}
    for key in ("benchmark", "student", "teacher"):
        if key in given:
            given[key] = None if key == "teacher" and given[key] == "none" else on_command_line(given[key], here)
    for key in ("judges", "metrics"):
        if key in given:
            given[key] = tuple(on_command_line(each, here) for each in given[key])
    if "baseline" in given:
        given["baseline"] = _find_baseline(given["baseline"], here)
    for key in ("flaky", "out"):
        if key in given:
            given[key] = (here / given[key]).resolve()
    if "cache" in given:
        given["cache"] = False if given["cache"] == "none" else (here / given["cache"]).resolve()
    return given


def _find_baseline(text: str, here: Path) -> Path:
    from evalkit.api.errors import ConfigError
    from evalkit.store.baselines import find_baseline

    try:
        return find_baseline(text, here)
    except ValueError as error:
        raise ConfigError(str(error), where="--baseline") from error


def stop_on_signal(unit: str = "picture") -> threading.Event:
    """An event that the first Ctrl-C (or SIGTERM) sets; the second one stops at once. `unit` is finished first."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # not by `sys.stderr`: what was interrupted may be writing to it, and that can't be entered twice
        os.write(2, f"\nstopping after the {unit} in hand; once more to stop at once\n".encode())

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    return stop


def conclude(output: Any) -> int:
    """Say the answer, the figures behind it, and, as the last line, where the report is."""
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
