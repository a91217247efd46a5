"""`evalkit student sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import FILE, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.api.records import SourceImage
    from evalkit.plugins.registry import PluginSpec


@click.command("sample")
@click.argument("prompt")
@option(
    "--model",
    "-m",
    default="flash-mini",
    show_default=True,
    metavar="MODEL",
    help="Model to draw with: a preset, a generator, or a diffusers folder.",
)
@option("--source", type=FILE, metavar="FILE", help="Picture to edit.")
@option("--seed", type=int, default=0, show_default=True, metavar="K", help="Seed of the noise.")
@option("--size", type=int, metavar="PX", help="Side of the picture. Default: the preset's own size, else 1024.")
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sample.png"),
    show_default=True,
    metavar="FILE",
    help="File to write.",
)
def command(prompt: str, model: str, source: Path | None, seed: int, size: int | None, out: Path) -> int:
    """Draw one picture of PROMPT, or edit the picture --source as PROMPT says.

    Prints the NFE, the seconds and the path of the file.
    """
    from evalkit.api.errors import UnavailableError
    from evalkit.api.pictures import encode_png
    from evalkit.api.protocols import Generator
    from evalkit.api.records import Case, Request, Task
    from evalkit.engine.closing import close
    from evalkit.engine.generating import generate
    from evalkit.formats.keys import noise_seed
    from evalkit.plugins.registry import create, on_command_line
    from evalkit.plugins.values import FaultyValue, checked_pixels

    origin = _read_source(source) if source else None
    spec = on_command_line(model, Path.cwd())
    width, height = (size, size) if size else _preset_size(spec)
    task = Task.EDIT if origin else Task.T2I
    case = Case("sample", prompt, task=task, width=width, height=height, source=origin)
    generator: Generator = create("generators", spec)
    try:
        (made,) = generate(generator, [Request(case, seed, noise_seed(case.id, seed))])
    finally:
        close(generator, "the generator")
    if made.error or made.image is None:
        raise UnavailableError(made.error, where=model)
    try:
        data = made.image if isinstance(made.image, bytes) else encode_png(checked_pixels(made.image))
    except FaultyValue as problem:
        raise UnavailableError(str(problem), where=model) from problem
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    nfe = "NFE not counted" if made.nfe is None else f"{made.nfe} NFE"
    say(nfe if made.seconds is None else f"{nfe}, {made.seconds:.2f} s")
    say(str(out))
    return 0


def _read_source(path: Path) -> SourceImage:
    """The picture to edit, with its hash. Raises `ConfigError` if it can't be read."""
    import hashlib

    from evalkit.api.errors import ConfigError, PictureError
    from evalkit.api.pictures import decode, read_file
    from evalkit.api.records import SourceImage

    try:
        data = read_file(path)
        decode(data, where=str(path))
    except PictureError as error:
        raise ConfigError(str(error), hint="give another --source") from error
    return SourceImage(str(path.resolve()), hashlib.sha256(data).hexdigest())


def _preset_size(spec: PluginSpec) -> tuple[int, int]:
    """Width and height in px: the first size a preset was made for, and 1024 x 1024 for anything else."""
    from evalkit.plugins.presets import presets

    preset = presets().get(spec.use)
    sizes = preset.resolve(spec.settings, spec.value)[1].get("sizes") if preset else None
    if not sizes:
        return 1024, 1024
    width, height = str(sizes[0]).split("x")
    return int(width), int(height)
