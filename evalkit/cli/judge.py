"""`evalkit judge`: the judges that are models. One file per subcommand, imported when it is called."""

from __future__ import annotations

import importlib

import click

SUBCOMMANDS = {
    "serve": "Start a vision-language model on vLLM for judges to ask, and wait.",
    "replay": "Judge a finished run again from its journal, without a server.",
    "calibrate": "Hold a judge against labels made by people.",
    "label": "Write the page on which people make such labels.",
    "train": "Train judge-mini.",
}


class _Subcommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in SUBCOMMANDS:
            return None
        command: click.Command = importlib.import_module(f"evalkit.cli.judge_{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group("judge", cls=_Subcommands)
def command() -> None:
    """Serve, replay, calibrate and train the judges that are models."""
