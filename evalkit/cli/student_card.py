"""`evalkit student card`."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.say import say


@click.command("card")
@click.argument("model", default="flash-mini")
def command(model: str) -> int:
    """Print the model card of MODEL: a preset with packaged weights, or a folder with a README.md."""
    from evalkit.api.errors import ConfigError
    from evalkit.plugins.presets import presets

    folder = Path(model)
    if model in presets():
        _, settings = presets()[model].resolve({})
        folder = Path(str(settings.get("model", "")))
    path = folder / "README.md"
    if not path.is_file():
        raise ConfigError(f"`{model}` has no model card", hint="a card is the README.md in a model's folder")
    say(path.read_text(encoding="utf-8"))
    return 0
