"""`evalkit init`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from evalkit.api.errors import UsageError

WRITTEN = {"evalkit.yaml": "evalkit.yaml", "github-actions.yml": ".github/workflows/evalkit.yml"}


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."))
@click.option("--force", is_flag=True, envvar="EVALKIT_FORCE", help="Overwrite files that are there.")
def command(folder: Path, force: bool) -> int:
    """Write evalkit.yaml and a GitHub Actions workflow into FOLDER (default: here)."""
    there = [str(folder / name) for name in WRITTEN.values() if (folder / name).exists()]
    if there and not force:
        raise UsageError("already there", where=", ".join(there), hint="`evalkit init --force` overwrites")
    for template, name in WRITTEN.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text((files("evalkit.cli") / "templates" / template).read_text("utf-8"), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=str(target)) from error
        click.echo(str(target))
    click.echo("next: evalkit run evalkit.yaml")
    return 0
