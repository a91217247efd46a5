"""`evalkit student new`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.options import FOLDER, option
from evalkit.cli.say import say


@click.command("new")
@click.argument("out", type=FOLDER)
@option("--data", default="tiles", show_default=True, metavar="NAME", help="Name of the training data.")
@option(
    "--share",
    type=(str, float),
    multiple=True,
    metavar="CATEGORY SHARE",
    help="Share of a category in the pictures that the codec is fitted to; repeat the option for several. Default: "
    "all categories alike.",
)
@option("--seed", type=int, default=0, show_default=True, metavar="K", help="Seed of the initial weights.")
def command(out: Path, data: str, share: tuple[tuple[str, float], ...], seed: int) -> int:
    """Write an untrained mini pipeline to OUT for a recipe to start from.

    Its codec and its tokenizer are fitted to the training data; its weights are random.
    """
    from evalkit.api.training import TrainingData
    from evalkit.plugins.registry import PluginSpec, create
    from evalkit.student.mini.new import new_pipeline

    source: TrainingData = create("training_data", PluginSpec(data))
    shares = dict(share) or dict.fromkeys(source.categories, 1.0)
    say(str(new_pipeline(source, shares, out, seed)))
    return 0
