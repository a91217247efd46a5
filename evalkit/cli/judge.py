"""`evalkit judge`: the judges that are models. Each subcommand has a file of its own, imported when it is called."""

from __future__ import annotations

import click

from evalkit.cli import LazyGroup

SUBCOMMANDS = {
    "serve": "Start a vision-language model on vLLM for judges to ask.",
    "replay": "Judge a finished run again from its journal, without a server.",
    "calibrate": "Compare a judge with labels made by people.",
    "label": "Write a page on which people make such labels.",
    "train": "Train judge-mini.",
}


@click.group("judge", cls=LazyGroup, table=SUBCOMMANDS, module="evalkit.cli.judge_{}")
def command() -> None:
    """Serve, replay, calibrate and train the judges that are models."""
