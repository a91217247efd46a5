"""`evalkit student`: the models. Each subcommand has a file of its own, imported when it is called."""

from __future__ import annotations

import click

from evalkit.cli import LazyGroup

SUBCOMMANDS = {
    "distill": "Train a teacher, or distil a few-step student, by a recipe.",
    "ablate": "Train variants of a recipe with the same budget, and compare them.",
    "new": "Write an untrained mini pipeline for a recipe to start from.",
    "sample": "Draw one picture of a prompt, or edit a picture.",
    "card": "Print a model card.",
}


@click.group("student", cls=LazyGroup, table=SUBCOMMANDS, module="evalkit.cli.student_{}")
def command() -> None:
    """Train teachers, distil students, draw a picture, or print a model card."""
