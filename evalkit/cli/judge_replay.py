"""`evalkit judge replay`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evalkit.cli import resumable

_PATH = click.Path(path_type=Path)


@click.command("replay")
@click.argument("run", type=_PATH)
@click.option("--out", metavar="DIR", type=_PATH, envvar="EVALKIT_OUT", help="Run folder. Default: RUN-replay.")
def command(run: Path, out: Path | None) -> int:
    """Judge the finished run in folder RUN again, without a server and without generating anything.

    Judges that ask a model keep a journal of their calls (`calls.sqlite`); here every call is answered from it. The
    pictures are the same, the verdicts, the figures and the reports are made anew.

    Exit codes are those of `evalkit run`; 3 also where a call is not in the journal.
    """
    from evalkit.cli.run import conclude, stop_on_signal
    from evalkit.engine.progress import make_progress
    from evalkit.engine.replay import replay

    folder = out or run.resolve().with_name(f"{run.resolve().name}-replay")
    with resumable(folder):
        output = replay(run, folder, progress=make_progress(sys.stderr), stop=stop_on_signal())
    return conclude(output)
