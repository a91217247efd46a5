"""`evalkit judge replay`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evalkit.cli import resumable
from evalkit.cli.options import PATH, option


@click.command("replay")
@click.argument("run", type=PATH)
@option("--out", metavar="DIR", type=PATH, help="Folder of the new run. Default: RUN-replay.")
def command(run: Path, out: Path | None) -> int:
    """Judge the finished run in folder RUN again, without a server and without generating anything.

    Judges that ask a model keep a journal of their calls in the run folder. A replay answers every call from it: the
    pictures stay the same; the verdicts, the figures and the reports are made anew.

    The exit codes are those of `evalkit run`; it is also 3 if a call is not in the journal.
    """
    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.cli.outcome import print_outcome
    from evalkit.engine.progress import make_progress
    from evalkit.engine.replay import replay

    folder = out or run.resolve().with_name(f"{run.resolve().name}-replay")
    with resumable(folder):
        output = replay(run, folder, progress=make_progress(sys.stderr), stop=stop_on_signal())
    return print_outcome(output)
