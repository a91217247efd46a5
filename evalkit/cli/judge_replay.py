"""`evalkit judge replay`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from evalkit.cli import keep_traceback
from evalkit.errors import EXIT_BUG, EvalkitError, Interrupted

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
    try:
        output = replay(run, folder, progress=make_progress(sys.stderr), stop=stop_on_signal())
    except Interrupted as stopped:
        stopped.hint = f"go on with the same command: {shlex.join(['evalkit', *sys.argv[1:]])}"
        raise
    except EvalkitError:
        raise
    except Exception:  # a bug of ours: its traceback belongs into the run's folder (exit 70)
        click.echo(f"evalkit: this is a bug in evalkit. Traceback: {keep_traceback(folder)}", err=True)
        return EXIT_BUG
    return conclude(output)
