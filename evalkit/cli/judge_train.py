"""`evalkit judge train`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from evalkit.cli.options import FOLDER, option
from evalkit.cli.say import say

SAVE_EVERY = 180
"""Seconds between checkpoints."""


@click.command("train")
@click.argument("out", type=FOLDER)
@option("--data", default="tiles", show_default=True, metavar="NAME", help="Name of the judged pictures to learn from.")
@option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=75.0,
    show_default=True,
    metavar="M",
    help="Training time.",
)
@option("--start", type=FOLDER, metavar="WEIGHTS", help="Folder with trained weights to teach more.")
@option("--seed", type=int, default=0, show_default=True, metavar="K", help="Seed of the data and the weights.")
def command(out: Path, data: str, minutes: float, start: Path | None, seed: int) -> int:
    """Train judge-mini on judged pictures for a number of minutes, and write the model to OUT/model.

    If training is interrupted, the same command continues from the last checkpoint.
    """
    from evalkit.api.errors import EXIT_INTERRUPTED
    from evalkit.api.training import JudgeData
    from evalkit.cli.interrupt import stop_on_signal
    from evalkit.judges.vlm.mini.train import trainer
    from evalkit.plugins.registry import PluginSpec, create

    source: JudgeData = create("judge_data", PluginSpec(data))
    training = trainer(source, out, minutes=minutes, seed=seed, start=start)
    stop = stop_on_signal("step")
    saved = time.monotonic()
    for figures in training.run(stop.is_set):
        if int(figures["step"]) % 20 == 0:
            losses = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if name != "step")
            say(f"step {figures['step']:.0f}  {losses}", err=True)
        if time.monotonic() - saved > SAVE_EVERY:
            training.save()
            saved = time.monotonic()
    training.save()
    if stop.is_set():
        say("stopped; run the same command again to continue", err=True)
        return EXIT_INTERRUPTED
    say(str(training.export()))
    return 0
