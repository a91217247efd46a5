"""`evalkit init`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from evalkit.api.errors import UsageError
from evalkit.api.install import REPOSITORY, install_line_elsewhere
from evalkit.cli.say import say

WRITTEN = {"evalkit.yaml": "evalkit.yaml", "github-actions.yml": ".github/workflows/evalkit.yml"}
_INSTALL = "@INSTALL@"
"""Stands in the templates for the command that installs evalkit."""
_EXTRAS = ("diffusers", "vllm")
"""The extras that the written config needs: the shipped minis are diffusers pipelines, and judge-mini judges them."""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."))
@click.option("--force", is_flag=True, envvar="EVALKIT_FORCE", help="Overwrite files that exist already.")
def command(folder: Path, force: bool) -> int:
    """Write evalkit.yaml and a GitHub Actions workflow into FOLDER (default: the working folder)."""
    there = [str(folder / name) for name in WRITTEN.values() if (folder / name).exists()]
    if there and not force:
        raise UsageError("exists already", where=", ".join(there), hint="`evalkit init --force` overwrites it")
    install = install_line_elsewhere(*_EXTRAS)
    for template, name in WRITTEN.items():
        target = folder / name
        text = (files("evalkit.cli") / "templates" / template).read_text("utf-8").replace(_INSTALL, install)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=str(target)) from error
        say(str(target))
    if REPOSITORY in install:
        say(f"The workflow installs evalkit from {REPOSITORY}: put the address of your copy there.")
    say("next: evalkit run evalkit.yaml")
    return 0
