"""`evalkit report`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.api.errors import UsageError
from evalkit.cli.options import PATH, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.plugins.registry import PluginSpec


@click.command("report")
@click.argument("run", type=PATH)
@option(
    "--exporter",
    "exporters",
    multiple=True,
    metavar="E",
    help="Run only this exporter; repeat the option for several. Default: all of `evalkit run`.",
)
@option("--single-file", is_flag=True, help="Also write report.html: one file to send by mail, at most 50 MB.")
def command(run: Path, exporters: tuple[str, ...], single_file: bool) -> int:
    """Write the reports of the finished run in folder RUN again, without generating or judging anything."""
    from evalkit.config.model import RunConfig
    from evalkit.engine.run import export
    from evalkit.plugins.registry import on_command_line
    from evalkit.store.run_reader import RunReader

    specs = tuple(on_command_line(name, Path.cwd()) for name in exporters)
    specs = specs or RunConfig.model_fields["exporters"].default
    if single_file:
        specs = _single_file(specs)
    with RunReader(run) as reader:
        files = export(specs, reader)
    for path in files.values():
        say(str(path))
    return 0


def _single_file(specs: tuple[PluginSpec, ...]) -> tuple[PluginSpec, ...]:
    """The exporters, where `html` also writes a single file. Raises `UsageError` if `html` is not among them."""
    if all(spec.use != "html" for spec in specs):
        raise UsageError(
            "only the exporter `html` writes a single file", where="--single-file", hint="add `--exporter html`"
        )
    return tuple(
        replace(spec, settings={**spec.settings, "single_file": True}) if spec.use == "html" else spec for spec in specs
    )
