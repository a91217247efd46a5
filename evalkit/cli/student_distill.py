"""`evalkit student distill`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import FILE, FOLDER, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.student.recipe.run import RecipeRunner


@click.command("distill")
@click.argument("recipe", type=FILE)
@option("--out", type=FOLDER, metavar="DIR", help="Folder to train in. Default: RECIPE without its suffix.")
def command(recipe: Path, out: Path | None) -> int:
    """Train a teacher (`kind: teach`), or distil a few-step student from one (`kind: distill`), as RECIPE says.

    If training is interrupted, the same command continues from the last checkpoint. To train on several GPUs, run
    `accelerate launch -m evalkit student distill RECIPE`.
    """
    from evalkit.api.errors import EXIT_INTERRUPTED, ConfigError
    from evalkit.cli.interrupt import stop_on_signal

    folder = out or recipe.with_suffix("")
    if folder.is_file():
        raise ConfigError("that is a file, not a folder", where=str(folder), hint="give --out")
    runner = open_training(recipe.resolve(), folder)
    steps = runner.recipe.steps
    stop = stop_on_signal("step")
    started, done = time.monotonic(), 0
    for figures in runner.run(stop.is_set):
        done = int(figures["step"])
        if runner.is_main_process:
            _print_step(figures, steps, time.monotonic() - started)
    if not runner.is_main_process:
        return 0 if runner.finished else EXIT_INTERRUPTED
    say(err=True)
    if not runner.finished:
        say(f"stopped after step {done} of {steps}; run the same command again to continue", err=True)
        return EXIT_INTERRUPTED
    say(str(folder / "model"))
    return 0


def open_training(recipe: Path, folder: Path) -> RecipeRunner:
    """The training that the recipe file describes, in `folder`; nothing heavy is loaded yet.

    Raises:
        UsageError: the recipe is wrong, or its training data has no such name or category.
    """
    from evalkit.plugins.registry import PluginSpec, create
    from evalkit.student.recipe.run import RecipeRunner

    read = RecipeRunner.read(recipe)
    return RecipeRunner(read, create("training_data", PluginSpec.parse(read.data, Path.cwd())), folder)


def _print_step(figures: dict[str, float], steps: int, seconds: float) -> None:
    step = int(figures["step"])
    rest = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "step")
    say(f"{step}/{steps}  {seconds:.0f} s  {rest}   ", nl=step % 50 == 0, err=True, over=True)
