"""`evalkit baseline`."""

from __future__ import annotations

import getpass
from pathlib import Path

import click


@click.group("baseline")
def command() -> None:
    """Baselines stored in this project (.evalkit/baselines): set one on purpose, with author and reason."""


@command.command("set")
@click.argument("name")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--reason", required=True, envvar="EVALKIT_REASON", help="Why this run is the new baseline.")
@click.option("--author", default=None, envvar="EVALKIT_AUTHOR", help="Who decides so. Default: the user's name.")
@click.option("--pictures", is_flag=True, envvar="EVALKIT_PICTURES", help="Keep the pictures too, for the report.")
def set_(name: str, run: Path, reason: str, author: str | None, pictures: bool) -> int:
    """Make the finished run in folder RUN the baseline NAME."""
    from evalkit.store.baselines import set_baseline

    folder = set_baseline(Path.cwd(), name, run, author=author or getpass.getuser(), reason=reason, pictures=pictures)
    click.echo(str(folder))
    return 0


@command.command("list")
def list_() -> int:
    """The baselines of this project, with who set each, when and why."""
    from evalkit.cli import clean
    from evalkit.store.baselines import list_baselines

    baselines = list_baselines(Path.cwd())
    if not baselines:
        click.echo("no baseline in this project: evalkit baseline set NAME RUN --reason …")
    for name, history in baselines.items():
        for entry in history:
            click.echo(clean(f"{name:<16} {entry['set']}  {entry['author']}: {entry['reason']}  ({entry['run']})"))
    return 0
