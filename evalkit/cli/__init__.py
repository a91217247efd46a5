"""The command line: one file per verb, imported only when that verb is called."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from evalkit import __version__
from evalkit.api.errors import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE, EvalkitError, Interrupted

VERBS = {
    "run": "Generate, judge, decide: the whole job. With nothing else, the embedded default.",
    "compare": "What changed from one run to another: cases and dimensions.",
    "baseline": "Baselines of this project: set one on purpose, with author and reason.",
    "stability": "A/A check: which cases are unstable by chance alone?",
    "power": "How many cases does a suite need to show an effect?",
    "frontier": "Quality against NFE and seconds: a sweep of student and teacher.",
    "student": "Train teachers, distil students, draw a picture, read a model card.",
    "judge": "Serve, replay, calibrate and train the judges that are models.",
    "faults": "Measure the judges with known defects: what each can and can't see.",
    "leaderboard": "Merge runs of one suite into a leaderboard.",
    "report": "Write the reports of a finished run again.",
    "list": "What is installed: benchmarks, generators, judges, exporters.",
    "doctor": "What is missing on this machine, and what to do about it.",
    "init": "Write a commented config and a GitHub Actions workflow.",
}


class LazyGroup(click.Group):
    """Commands that are imported when called, so that `--help` is instant.

    Args:
        table: name -> what it does, in the order of the help.
        module: the module whose `command` is the command of a name, `{}` standing for the name.
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

    Exit codes: 0 every gate passed, 1 a gate failed, 2 wrong command or config, 3 could not be decided,
    70 a bug in evalkit, 130 interrupted (run the same command to go on).
    """


def main(argv: list[str]) -> int:
    """Run the command line; the exit code. No traceback for a user's mistake, always one for ours."""
    try:
        result = cli.main(argv, prog_name="evalkit", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except EvalkitError as error:
        say_error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except Exception:  # no user's mistake: ours, whatever it is
        return say_bug()


def say_error(error: EvalkitError) -> None:
    """An error as people read it: what, where, what to do."""
    click.echo(f"evalkit: {clean(str(error))}", err=True)
    if error.hint:
        click.echo(f"         {clean(error.hint)}", err=True)


def clean(text: str) -> str:
    """Text from anywhere, safe for a terminal and for the log of a CI runner.

    Control characters are shown, not sent; what GitHub Actions would take for a command of its own is broken up.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    return re.sub(r"(?m)^(\s*:)(?=:)|(#)(?=#\[)", "\\g<0>\u200b", shown)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Work in `folder` that the same command resumes: interrupted, it says so; a bug leaves its traceback there."""
    try:
        yield
    except Interrupted as stopped:
        stopped.hint = f"go on with the same command: {same_command()}"
        raise
    except EvalkitError:
        raise
    except Exception as error:  # ours, whatever it is; `Exit` is click's way to end with this code
        raise click.exceptions.Exit(say_bug(folder)) from error


def same_command() -> str:
    """The command being run, as it is typed."""
    return shlex.join(["evalkit", *sys.argv[1:]])


def say_bug(folder: Path | None = None) -> int:
    """Say that the error being handled is a bug of ours, its traceback kept in `folder` or a new one; exit code 70."""
    folder = folder if folder and folder.is_dir() else Path(tempfile.mkdtemp(prefix="evalkit-"))
    path = folder / "traceback.txt"
    text = traceback.format_exc()
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    sys.stderr.write(text)
    click.echo(f"evalkit: this is a bug in evalkit. Traceback: {path}", err=True)
    return EXIT_BUG
