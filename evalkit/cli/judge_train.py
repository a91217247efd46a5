"""`evalkit judge train`: train judge-mini."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click


@click.command("train")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", default="tiles", show_default=True, help="Judged pictures by name.", envvar="EVALKIT_DATA")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=75.0, show_default=True, envvar="EVALKIT_MINUTES"
)
@click.option("--seed", type=int, default=0, show_default=True, envvar="EVALKIT_SEED")
def command(out: Path, data: str, minutes: float, seed: int) -> int:
    """Train judge-mini on judged pictures for so many minutes; the model is OUT/model.

    Interrupted, the same command goes on from the last checkpoint.
    """
    from evalkit.api.errors import EXIT_INTERRUPTED
    from evalkit.cli.run import stop_on_signal
    from evalkit.plugins.registry import PluginSpec, create, load

    source: Any = create("judge_data", PluginSpec(data))
    trainer = load("judge_trainers", "default")(source, out, minutes=minutes, seed=seed)
    stop = stop_on_signal("step")
    saved = time.monotonic()
    for figures in trainer.run(stop.is_set):
        if int(figures["step"]) % 20 == 0:
            losses = "  ".join(f"{name} {value:.3f}" for name, value in figures.items() if name != "step")
            click.echo(f"step {figures['step']:.0f}  {losses}", err=True)
        if time.monotonic() - saved > 180:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    if stop.is_set():
        click.echo("stopped; the same command goes on", err=True)
        return EXIT_INTERRUPTED
    click.echo(str(trainer.export()))
    return 0
