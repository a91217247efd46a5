"""`evalkit student`: distil, ablate, sample, card."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evalkit.plugins.registry import PluginSpec


@click.group("student")
def command() -> None:
    """Train teachers and distil students by a recipe; draw a picture; read a model card."""


@command.command("distill")
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder; default: RECIPE without suffix.",
    envvar="EVALKIT_OUT",
)
def distill(recipe: Path, out: Path | None) -> int:
    """Do what RECIPE says: train a teacher (`kind: teach`), or distil a few-step student of it (`kind: distill`).

    Interrupted, the same command goes on from the last checkpoint. For several GPUs: `accelerate launch -m evalkit
    student distill RECIPE`.
    """
    from evalkit.api.errors import EXIT_INTERRUPTED, ConfigError
    from evalkit.cli.run import stop_on_signal
    from evalkit.plugins.registry import PluginSpec, create, load

    runner_class = load("recipes", "default")
    read = runner_class.read(recipe.resolve())
    folder = out or recipe.with_suffix("")
    if folder.is_file():
        raise ConfigError("that is a file, not a folder", where=str(folder), hint="give --out")
    runner = runner_class(read, create("training_data", PluginSpec.parse(read.data, Path.cwd())), folder)
    stop = stop_on_signal("step")
    started, done = time.monotonic(), 0
    for figures in runner.run(stop.is_set):
        done = int(figures["step"])
        if runner.is_main_process:
            _say(figures, read.steps, time.monotonic() - started)
    if not runner.is_main_process:
        return 0 if runner.finished else EXIT_INTERRUPTED
    click.echo(err=True)
    if not runner.finished:
        click.echo(f"stopped after step {done} of {read.steps}; the same command goes on", err=True)
        return EXIT_INTERRUPTED
    click.echo(str(folder / "model"))
    return 0


@command.command("ablate")
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder; default: PLAN without suffix.",
    envvar="EVALKIT_OUT",
)
def ablate(plan: Path, out: Path | None) -> int:
    """Train the arms of PLAN with the same budget, measure each, and print their paired differences.

    The same command again goes on where it was stopped, and repeats nothing that is finished.
    """
    import sys

    from evalkit.cli import resumable, same_command
    from evalkit.cli.run import stop_on_signal
    from evalkit.engine.progress import make_progress
    from evalkit.studies.ablation import as_markdown, read_plan, run_ablation

    read, folder = read_plan(plan), out or plan.with_suffix("")
    with resumable(folder):
        result = run_ablation(
            read,
            folder.resolve(),
            command=same_command(),
            progress=lambda: make_progress(sys.stderr),
            stop=stop_on_signal("step"),
            say=lambda text: click.echo(text, err=True),
        )
    click.echo(as_markdown(read, result))
    click.echo(str(folder / "ablation.md"))
    return 0


@command.command("new")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", default="tiles", show_default=True, help="Training data by name.", envvar="EVALKIT_DATA")
@click.option(
    "--share",
    type=(str, float),
    multiple=True,
    help="Share of a category in what the codec is fitted to.",
    envvar="EVALKIT_SHARE",
)
@click.option("--seed", type=int, default=0, show_default=True, envvar="EVALKIT_SEED")
def new(out: Path, data: str, share: tuple[tuple[str, float], ...], seed: int) -> int:
    """Write an untrained mini pipeline to OUT, for a recipe to start from: codec and tokenizer fitted to the data."""
    from evalkit.plugins.registry import PluginSpec, create, load

    source = create("training_data", PluginSpec(data))
    shares = dict(share) or dict.fromkeys(source.categories, 1.0)
    click.echo(str(load("recipes", "new")(source, shares, out, seed)))
    return 0


@command.command("sample")
@click.argument("prompt")
@click.option(
    "--model",
    "-m",
    default="flash-mini",
    show_default=True,
    help="Preset, generator, diffusers folder.",
    envvar="EVALKIT_MODEL",
)
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Picture to edit.",
    envvar="EVALKIT_SOURCE",
)
@click.option("--seed", type=int, default=0, show_default=True, envvar="EVALKIT_SEED")
@click.option(
    "--size", type=int, help="Side in px. Default: what the preset was made for, else 1024.", envvar="EVALKIT_SIZE"
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sample.png"),
    show_default=True,
    envvar="EVALKIT_OUT",
)
def sample(prompt: str, model: str, source: Path | None, seed: int, size: int | None, out: Path) -> int:
    """Draw one picture of PROMPT, or edit SOURCE by it; prints NFE, seconds and the file."""
    import hashlib

    from evalkit.api.errors import ConfigError, PictureError, UnavailableError
    from evalkit.api.pictures import decode, encode_png, read_file
    from evalkit.api.records import Case, Request, SourceImage, Task
    from evalkit.formats.keys import noise_seed
    from evalkit.plugins.registry import create, on_command_line

    origin = None
    if source:
        try:
            data = read_file(source)
            decode(data, where=str(source))
        except PictureError as error:
            raise ConfigError(str(error), hint="give another --source") from error
        origin = SourceImage(str(source.resolve()), hashlib.sha256(data).hexdigest())
    task = Task.EDIT if origin else Task.T2I
    spec = on_command_line(model, Path.cwd())
    width, height = (size, size) if size else _made_for(spec)
    case = Case("sample", prompt, task=task, width=width, height=height, source=origin)
    generator: Any = create("generators", spec)
    try:
        (made,) = generator.generate([Request(case, seed, noise_seed(case.id, seed))])
    finally:
        generator.close()
    if made.error:
        raise UnavailableError(made.error, where=model)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(made.image if isinstance(made.image, bytes) else encode_png(made.image))
    click.echo(f"{made.nfe} NFE, {made.seconds:.2f} s")
    click.echo(str(out))
    return 0


def _made_for(spec: PluginSpec) -> tuple[int, int]:
    """The first size (width, height) a preset was made for; 1024 x 1024 for anything else."""
    from evalkit.plugins.presets import presets

    preset = presets().get(spec.use)
    sizes = preset.resolve(spec.settings, spec.value)[1].get("sizes") if preset else None
    if not sizes:
        return 1024, 1024
    width, height = str(sizes[0]).split("x")
    return int(width), int(height)


@command.command("card")
@click.argument("model", default="flash-mini")
def card(model: str) -> int:
    """Print the model card of MODEL, a preset with packaged weights or a folder with a README.md."""
    from evalkit.api.errors import ConfigError
    from evalkit.plugins.presets import presets

    folder = Path(model)
    if model in presets():
        _, settings = presets()[model].resolve({})
        folder = Path(str(settings.get("model", "")))
    path = folder / "README.md"
    if not path.is_file():
        raise ConfigError(f"`{model}` has no model card", hint="a card is the README.md in a model's folder")
    click.echo(path.read_text(encoding="utf-8"))
    return 0


def _say(figures: dict[str, float], steps: int, seconds: float) -> None:
    step = int(figures["step"])
    rest = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "step")
    click.echo(f"\r{step}/{steps}  {seconds:.0f} s  {rest}   ", nl=step % 50 == 0, err=True)
