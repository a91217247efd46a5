"""`evalkit baseline`."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say


@click.group("baseline")
def command() -> None:
    """Manage the baselines of this project, which are stored in .evalkit/baselines."""


@command.command("set")
@click.argument("name")
@click.argument("run", type=PATH)
@option("--reason", required=True, metavar="TEXT", help="Why this run becomes the baseline.")
@option("--author", default=None, metavar="NAME", help="Who makes the decision. Default: your user name.")
@option(
    "--pictures",
    type=click.Choice(["full", "thumbnails", "none"]),
    is_flag=False,
    flag_value="full",
    default="none",
    show_default=True,
    help="Pictures to keep: `full`, all of them, which can be judged anew; `thumbnails`, small ones of the student's, "
    "which reports show and nobody judges; or none. Without a value: full.",
)
def set_(name: str, run: Path, reason: str, author: str | None, pictures: str) -> int:
    """Make the finished run in folder RUN the baseline NAME.

    If this is interrupted, the baseline is the old one or the new one, whole.
    """
    from evalkit.store.baseline_pictures import Keep
    from evalkit.store.baselines import set_baseline

    by, keep = author or getpass.getuser(), Keep(pictures)
    folder = set_baseline(Path.cwd(), name, run, author=by, reason=reason, keep=keep)
    say(str(folder))
    return 0


@command.command("rejudge")
@click.argument("name")
@option(
    "--pictures",
    metavar="DIR",
    type=PATH,
    envvar="EVALKIT_BASELINE_PICTURES",
    help="Folder with its pictures. Default: those kept in the baseline.",
)
@option("--reason", metavar="TEXT", default="judged anew", show_default=True, help="Why it is judged anew.")
@option("--author", default=None, metavar="NAME", help="Who makes the decision. Default: your user name.")
def rejudge_(name: str, pictures: Path | None, reason: str, author: str | None) -> int:
    """Judge the pictures of the baseline NAME anew, with the judges as they are today.

    Pictures are found by their hash, whatever their file names. When all are judged, the new verdicts replace the old.
    """
    import sys

    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.engine.progress import make_progress
    from evalkit.engine.rejudge import rejudge

    summary = rejudge(
        Path.cwd(),
        name,
        pictures,
        author=author or getpass.getuser(),
        reason=reason,
        progress=make_progress(sys.stderr),
        stop=stop_on_signal(),
    )
    say(f"{name}: {summary.n_cases} cases judged anew by {', '.join(summary.judges)}")
    return 0


@command.command("list")
def list_() -> int:
    """List the baselines: who set each one, when and why."""
    from evalkit.api.errors import EXIT_OK, UsageError
    from evalkit.cli import say_error
    from evalkit.store.baseline_history import read_history
    from evalkit.store.baselines import FOLDER, names_of_baselines

    code, names = EXIT_OK, names_of_baselines(Path.cwd())
    if not names:
        say("this project has no baseline; set one with: evalkit baseline set NAME RUN --reason …")
    for name in names:
        try:
            history = read_history(Path.cwd() / FOLDER / name)
        except UsageError as error:  # the others are listed all the same
            say_error(error)
            code = error.exit_code
            continue
        for entry in history:
            say(f"{name:<16} {entry['set']}  {entry['author']}: {entry['reason']}  ({entry['run']})")
    return code
