"""`evalkit run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from evalkit.cli import options, resumable, same_command
from evalkit.cli.options import PATH, option
from evalkit.cli.say import say


@click.command("run")
@click.argument("config", required=False, type=PATH, envvar="EVALKIT_CONFIG")
@options.benchmark
@option("--student", metavar="G", help="Generator under test: a name, name:value, or a folder.")
@option(
    "--teacher", metavar="G", help="Generator that the student was distilled from; `none` judges the student alone."
)
@options.judges
@option(
    "--metric",
    "metrics",
    metavar="M",
    multiple=True,
    help="Metric over all pictures together, such as FID; repeat the option for several.",
)
@option(
    "--baseline",
    metavar="RUN",
    help="Compare with this run: a run folder, a leaderboard file, or the name of a baseline.",
)
@option(
    "--flaky",
    metavar="FILE",
    type=PATH,
    help="JSON list of the ids of unstable cases, as `evalkit stability` writes it.",
)
@option("--out", metavar="DIR", type=PATH, help="Run folder. Default: a folder below runs/.")
@options.limit
@option("--case", "cases", metavar="ID", multiple=True, help="Run only this case; repeat the option for several.")
@options.seeds
@options.time
@option(
    "--min-coverage",
    type=float,
    metavar="SHARE",
    help="A gate, or a run without gates, is undecided (exit 3) if a smaller share of its cells has a verdict.",
)
@option("--no-gates", is_flag=True, help="Leave the gates of the config out, for a trial run that decides nothing.")
@options.allow_key_variable
@option("--cache", metavar="DIR", help="Cache folder shared between runs; `none` turns the cache off.")
@options.follow_links
def command(config: Path | None, **flags: Any) -> int:
    """Generate with student and teacher, judge every picture, decide, and write the reports.

    CONFIG is a YAML file (`evalkit init` writes one). Flags override it, and every flag has an EVALKIT_… variable.
    Without a config and flags, the embedded default runs: offline, on a CPU, in minutes.

    Exit codes: 0 every gate passed, or none was configured (measured); 1 a gate failed; 2 the command or the config is
    wrong; 3 undecided: evidence is missing, there are too few cases, or a judge failed its controls.

    If the run is interrupted, the same command continues it and repeats nothing that is finished.
    """
    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.cli.outcome import print_outcome, print_scope
    from evalkit.config.load import load_config
    from evalkit.engine.plan import assemble
    from evalkit.engine.progress import make_progress
    from evalkit.engine.run import execute, run_folder

    only_names = options.from_variables("cache")
    settings = load_config(config, options.overrides(flags), only_names=only_names)
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
            announce=print_scope,
            notice=lambda line: say(line, err=True),
        )
    return print_outcome(output)
