"""The command line: one file per verb, imported only when that verb is called."""

from __future__ import annotations

import importlib
import io
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from click.utils import PacifyFlushWrapper

from evalkit import __version__
from evalkit.api.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_UNDECIDED,
    EXIT_USAGE,
    EvalkitError,
    Interrupted,
    StoppedByUser,
    StoreError,
    UnavailableError,
)
from evalkit.cli.say import say
from evalkit.formats.foreign_text import printable as clean
from evalkit.formats.foreign_text import readable

__all__ = ["clean", "cli", "main", "resumable", "same_command", "say_bug", "say_error"]

_WHOSE = "a plug-in or a library that it imports calls it; `evalkit list` shows the plug-ins"

VERBS = {
    "run": "Generate, judge and decide: the whole job. Without arguments, the embedded default runs.",
    "compare": "Show what changed from one run to another, by case and by dimension.",
    "baseline": "Store a run as a named baseline of this project, or list the baselines.",
    "stability": "Run an A/A check: find the cases whose result changes by chance alone.",
    "power": "Plan how many cases a suite needs to detect an effect.",
    "frontier": "Sweep student and teacher over step counts: quality against NFE and seconds.",
    "student": "Train teachers, distil students, draw a picture, or print a model card.",
    "judge": "Serve, replay, calibrate and train the judges that are models.",
    "faults": "Measure judges on known defects: what each of them detects and what it misses.",
    "leaderboard": "Merge runs of one suite into a leaderboard, or verify one.",
    "report": "Write the reports of a finished run again.",
    "list": "List the installed benchmarks, generators, judges, metrics and exporters.",
    "doctor": "Check what is missing on this machine, and say how to get it.",
    "init": "Write a commented config and a GitHub Actions workflow.",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is called, so that `--help` is instant.

    Args:
        table: name of each subcommand -> its line in the help, in this order.
        module: path of the module that holds the subcommand as `command`; `{}` stands for its name.
    """

    def __init__(self, *args: Any, table: Mapping[str, str], module: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table, self._module = table, module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._table]  # `list` is the module of that command once it is imported

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self._table:
            return None
        command: click.Command = importlib.import_module(self._module.format(name)).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*self._table.items()])


@click.group(
    cls=LazyGroup,
    table=VERBS,
    module="evalkit.cli.{}",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="evalkit")
def cli() -> None:
    """Is the few-step image model as good as the teacher it was distilled from?

    Exit codes: 0 every gate passed, 1 a gate failed, 2 wrong command or config, 3 undecided (evidence, a server or a
    device is missing), 70 a bug in evalkit, 130 interrupted (the same command continues the work).
    """


def main(argv: list[str]) -> int:
    """Run the command line and return the exit code. A traceback is shown for a bug, never for a user's mistake."""
    from evalkit.cli.interrupt import mark_interrupts

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a legacy code page lacks signs: show them as escapes
            stream.reconfigure(errors="backslashreplace")
    mark_interrupts()
    try:
        result = cli.main(argv, prog_name="evalkit", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except EvalkitError as error:
        say_error(error)
        return exit_code_of(error)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(file=shown)
        say(shown.getvalue(), err=True, nl=False)
        return EXIT_USAGE
    except (StoppedByUser, click.Abort):
        say("interrupted", err=True)
        return EXIT_INTERRUPTED
    except SystemExit as error:
        if isinstance(sys.stdout, PacifyFlushWrapper):  # type: ignore[arg-type]  # click's answer to `evalkit list | head`
            return EXIT_BROKEN_PIPE
        say_error(UnavailableError(f"foreign code ended the program (sys.exit({error.code!r}))", hint=_WHOSE))
        return EXIT_UNDECIDED
    except BaseException as error:  # errors made on purpose are handled above: this is the machine's fault or a bug
        if fault := _fault(error):
            say_error(fault)
            return fault.exit_code
        return say_bug()


def exit_code_of(error: EvalkitError) -> int:
    """The code of evalkit's own class of error: a plug-in's subclass can't make it another, such as 0."""
    own = next(cls for cls in type(error).__mro__ if cls.__module__ == EvalkitError.__module__)
    code: int = own.exit_code  # type: ignore[attr-defined]  # EvalkitError is the last of them
    return code


def _fault(error: BaseException) -> EvalkitError | None:
    """The fault of the machine or of a stored file that an error comes from; `None` for a bug."""
    from evalkit.cli.faults_of_machine import fault_of_machine  # imports SQLite and pydantic

    return fault_of_machine(error)


def say_error(error: EvalkitError) -> None:
    """Print an error: what happened, where, and what to do about it."""
    say(f"evalkit: {readable(error)}", err=True)
    if hint := getattr(error, "hint", ""):
        say(f"         {readable(hint)}", err=True)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Wrap work in `folder` that the same command can continue.

    An interruption names that command; the traceback of a bug is written into the folder.
    """
    try:
        yield
    except Interrupted as stopped:
        stopped.hint = f"to continue, run the same command again: {same_command()}"
        raise
    except (EvalkitError, StoppedByUser):
        raise
    except SystemExit:
        raise
    except BaseException as error:  # the machine's fault or a bug; `Exit` makes click end with this code
        if _fault(error):
            raise
        if isinstance(error, OSError) and not folder.exists():
            what = "the folder was removed while evalkit was writing to it"
            raise StoreError(what, where=str(folder), hint="run the same command again") from error
        raise click.exceptions.Exit(say_bug(folder)) from error


def same_command() -> str:
    """The running command, as the user typed it."""
    return readable(shlex.join(["evalkit", *sys.argv[1:]]), 100_000)


def say_bug(folder: Path | None = None) -> int:
    """Report the current exception as a bug in evalkit and return exit code 70.

    The traceback is printed and written into `folder`, or into a new temporary folder.
    """
    text = traceback.format_exc()
    path = None
    with suppress(OSError):
        chosen = folder if folder and folder.is_dir() else Path(tempfile.mkdtemp(prefix="evalkit-"))
        path = chosen / "traceback.txt"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    say(text, err=True, nl=False)
    where = f" Traceback: {path}" if path else ""
    say(f"evalkit: this is a bug in evalkit.{where}", err=True)
    return EXIT_BUG
